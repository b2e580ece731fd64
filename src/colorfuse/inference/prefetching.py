"""Prefetching of results on other threads."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

Given = TypeVar("Given")
Result = TypeVar("Result")


def prefetch(
    executor: Executor, function: Callable[[Given], Result], items: Iterable[Given], depth: int
) -> Iterator[Result]:
    """Map a function over items on an executor, in order, at most `depth` results ahead of the consumer.

    Before Python 3.14, `Executor.map` consumes all items at once.

    Example:
        >>> from concurrent.futures import ThreadPoolExecutor
        >>> with ThreadPoolExecutor() as threads:
        ...     list(prefetch(threads, str, range(3), depth=2))
        ['0', '1', '2']
    """
    waiting: deque[Future[Result]] = deque()
    for item in items:
        waiting.append(executor.submit(function, item))
        if len(waiting) > depth:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
