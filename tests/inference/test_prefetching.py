from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from colorfuse.inference.prefetching import prefetch


def test_what_came_before_an_error_is_given() -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise OSError("the disk is gone")

    with ThreadPoolExecutor(2) as executor:
        results = prefetch(executor, str, items(), depth=4)
        assert [next(results), next(results)] == ["1", "2"]
        with pytest.raises(OSError, match="the disk is gone"):
            next(results)
