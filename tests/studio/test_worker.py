"""The one thread that works."""

import asyncio
import threading
from functools import partial
from operator import floordiv

import pytest

from colorfuse.studio.worker import SupersededError, Worker


def test_of_jobs_that_wait_the_newest_of_a_kind_is_done() -> None:
    worker, begin, done = Worker(), threading.Event(), list[int]()
    first = worker.submit("first", begin.wait)
    futures = [worker.submit("colors", partial(done.append, number)) for number in range(5)]
    other = worker.submit("save", lambda: "saved")
    begin.set()
    assert first.result(5)
    assert other.result(5) == "saved"
    futures[-1].result(5)
    assert done == [4]
    for future in futures[:-1]:
        with pytest.raises(SupersededError):
            future.result(5)
    worker.stop()


def test_jobs_of_no_kind_are_all_done_and_errors_are_those_of_their_job() -> None:
    worker = Worker()
    results = [worker.submit(object(), partial(floordiv, 1, number)) for number in (0, 1, 1)]
    with pytest.raises(ZeroDivisionError):
        results[0].result(5)
    assert [each.result(5) for each in results[1:]] == [1, 1]
    worker.stop()


def test_a_job_that_nobody_waits_for_any_more_is_left_out() -> None:
    worker, begin, done = Worker(), threading.Event(), list[str]()

    async def leave() -> None:
        blocked = worker.submit("first", begin.wait)
        task = asyncio.create_task(worker.do("colors", lambda: done.append("left")))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
        newer = worker.submit("colors", lambda: done.append("newer"))
        begin.set()
        await asyncio.wrap_future(newer)
        assert blocked.done()

    asyncio.run(leave())
    assert done == ["newer"]
    worker.stop()
