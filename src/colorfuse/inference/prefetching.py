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

    Before Python 3.14, `Executor.map` consumes all items at once. If the items end in an error, it is raised after
    the results of those before.

    Example:
        >>> from concurrent.futures import ThreadPoolExecutor
        >>> with ThreadPoolExecutor() as threads:
        ...     list(prefetch(threads, str, range(3), depth=2))
        ['0', '1', '2']
    """
    waiting: deque[Future[Result]] = deque()
    given, failed = iter(items), None
    while True:
        try:
            item = next(given)
        except StopIteration:
            break
        except Exception as error:
            failed = error
            break
        waiting.append(executor.submit(function, item))
        if len(waiting) > depth:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
    if failed:
        raise failed
