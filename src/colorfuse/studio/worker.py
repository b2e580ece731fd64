"""One thread that does the work of the page, the newest of each kind."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

Result = TypeVar("Result")


class SupersededError(Exception):
    """Raised when a newer job of the same kind came before this one was begun."""


class Worker:
    """Does jobs in one thread. A job that waits is dropped when a newer one of its kind comes."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: dict[object, tuple[Future[Any], Callable[[], Any]]] = {}
        self._stopped = False
        self._thread = threading.Thread(target=self._work, name="colorfuse-studio", daemon=True)
        self._thread.start()

    def submit(self, kind: object, job: Callable[[], Result]) -> Future[Result]:
        """Do a job when those before it are done.

        Args:
            kind: A newer job of this kind replaces one that waits; each object of its own is a kind of its own.
            job: What to do.

        Returns:
            Its result; or `SupersededError`, if a newer job of this kind came.
        """
        future: Future[Result] = Future()
        with self._changed:
            former = self._waiting.pop(kind, None)
            self._waiting[kind] = future, job
            self._changed.notify()
        if former and former[0].set_running_or_notify_cancel():
            former[0].set_exception(SupersededError("a newer request came"))
        return future

    async def do(self, kind: object, job: Callable[[], Result]) -> Result:
        """Do a job as `submit` does, and wait for its result."""
        return await asyncio.wrap_future(self.submit(kind, job))

    def stop(self) -> None:
        """Begin no further job, and wait a little for the one that is being done."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join(timeout=2)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._stopped)
                if self._stopped:
                    return
                future, job = self._waiting.pop(next(iter(self._waiting)))
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(job())
            except BaseException as error:  # whatever it is, the page is told
                future.set_exception(error)
            del future, job  # which hold a photo
