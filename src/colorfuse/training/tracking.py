"""The experiment trackers of an accelerator, such as TensorBoard."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from accelerate import Accelerator


@contextlib.contextmanager
def tracked(accelerator: "Accelerator", settings: Mapping[str, Any]) -> Iterator[None]:
    """Start an accelerator's trackers for the block and then finish them; trackers already running are left alone."""
    if accelerator.trackers or not accelerator.log_with:
        yield
        return
    scalars = {name: value for name, value in settings.items() if isinstance(value, int | float | str)}
    accelerator.init_trackers("colorfuse", scalars)
    try:
        yield
    finally:
        for tracker in accelerator.trackers:
            tracker.finish()
        accelerator.trackers.clear()
