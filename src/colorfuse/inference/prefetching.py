"""Results computed on other threads before they are needed."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

Given = TypeVar("Given")
Result = TypeVar("Result")


def prefetch(
    executor: Executor, function: Callable[[Given], Result], items: Iterable[Given], depth: int
) -> Iterator[Result]:
    """The results of a function in the order of its arguments: while one is used, `depth` are worked on or wait.

    Python's own `Executor.map` takes all arguments at once before version 3.14.

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
