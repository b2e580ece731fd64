"""The ab of colours as people write them."""

from typing import Any

from colorfuse.hints.colors import lab_of


def ab_of(color: Any) -> tuple[float, float]:
    return lab_of(color)[1:]
