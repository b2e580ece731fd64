"""Partial files and claims of several processes."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from colorfuse.files import Claim, atomic_file, check_folder, is_same_file, remove_partial, write_errors

WRITER = """
import sys, time
from pathlib import Path
from colorfuse.files import Claim, atomic_file

claim = Claim(Path(sys.argv[1]))
with atomic_file(Path(sys.argv[1])) as partial:
    partial.write_text("begun")
    print(claim.is_mine, flush=True)
    time.sleep(60)
"""


def start_writer(path: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "True\n"
    return process


def test_what_a_living_process_writes_stays_and_what_a_dead_one_wrote_goes(tmp_path: Path) -> None:
    process = start_writer(tmp_path / "photo.png")
    try:
        before = set(tmp_path.iterdir())
        assert len(before) == 2  # the partial file and the claim
        remove_partial(tmp_path.iterdir())
        assert set(tmp_path.iterdir()) == before
    finally:
        process.kill()
        process.communicate()
    remove_partial(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())


def test_one_living_process_has_a_claim_at_a_time(tmp_path: Path) -> None:
    process = start_writer(tmp_path / "photo.png")
    try:
        refused = Claim(tmp_path / "photo.png")
        assert not refused.is_mine
        assert refused.holder == process.pid
        refused.release()
        assert not Claim(tmp_path / "photo.png").is_mine
        assert Claim(tmp_path / "other.png").is_mine
    finally:
        process.kill()
        process.communicate()
    mine = Claim(tmp_path / "photo.png")
    assert mine.is_mine
    mine.release()
    assert Claim(tmp_path / "photo.png").is_mine


def test_a_claim_names_its_holder_whatever_was_written_before(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    claim = Claim(path)
    [file] = tmp_path.iterdir()
    claim.release()
    file.write_text("123456789012")
    process = start_writer(path)
    try:
        assert Claim(path).held_by == f"process {process.pid}"
    finally:
        process.kill()
        process.communicate()
    assert Claim(tmp_path / "other.png").held_by == "another process"


def test_files_of_another_machine_are_left_for_a_day(tmp_path: Path) -> None:
    partial = tmp_path / ".colorfuse-0123abcd-1-1-89ab.png"
    partial.touch()
    remove_partial([partial])
    assert partial.exists()
    os.utime(partial, (time.time() - 90_000,) * 2)
    remove_partial([partial])
    assert not partial.exists()


def test_a_process_number_that_is_used_again_is_another_process(tmp_path: Path) -> None:
    with atomic_file(tmp_path / "a.png") as partial:
        partial.touch()
        head, pid, started, token = partial.name.rsplit("-", 3)
        again = partial.with_name(f"{head}-{pid}-{int(started) - 1000}-{token}")
        again.touch()
        remove_partial([partial, again])
        assert (partial.exists(), again.exists()) == (True, False)


def test_each_fault_of_writing_has_its_own_way_out(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="the name is too long to be written; shorten it"), write_errors(tmp_path, "x"):
        (tmp_path / ("a" * 300)).touch()
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file is a file; choose a folder to write to"):
        check_folder(tmp_path / "file")
    with pytest.raises(OSError, match="cannot be written to: Not a directory; choose another folder"):
        check_folder(tmp_path / "file" / "below")


TAKER = """
import sys, time
from pathlib import Path
from colorfuse.files import Claim

path = Path(sys.argv[1])
until = time.monotonic() + 3
while time.monotonic() < until:
    claim = Claim(path)
    if claim.is_mine:
        with path.with_name("log").open("a") as log:
            log.write(f"begin {sys.argv[2]}\\n")
            log.flush()
            log.write(f"end {sys.argv[2]}\\n")
        claim.release()
"""


def test_no_two_processes_ever_have_a_claim(tmp_path: Path) -> None:
    command = [sys.executable, "-c", TAKER, str(tmp_path / "photo.png")]
    processes = [subprocess.Popen([*command, str(number)]) for number in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    lines = (tmp_path / "log").read_text().splitlines()
    assert len(lines) > 20
    for begun, ended in zip(lines[::2], lines[1::2], strict=True):
        assert (begun.split()[0], ended.split()[0]) == ("begin", "end")
        assert begun.split()[1] == ended.split()[1]


def test_what_is_no_file_of_ours_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".colorfuse-claim-0123").mkdir()
    (tmp_path / ".colorfuse-claim-4567").write_bytes(b"\xff")
    remove_partial([*tmp_path.iterdir(), tmp_path / ".colorfuse-gone"])
    assert [path.name for path in tmp_path.iterdir()] == [".colorfuse-claim-0123"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked there")
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_a_claim_ends_with_its_process_although_one_that_was_forked_lives(tmp_path: Path) -> None:
    script = WRITER.replace("print(", "import os\n    os.fork() or time.sleep(60)\n    print(")
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "a.png")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "True\n"
    process.kill()
    process.wait()
    process.stdout.close()
    assert Claim(tmp_path / "a.png").is_mine


def test_who_looks_for_abandoned_claims_hinders_nobody(tmp_path: Path) -> None:
    ended = threading.Event()

    def look() -> None:
        while not ended.is_set():
            remove_partial(tmp_path.iterdir())

    with ThreadPoolExecutor(1) as looking:
        looked = looking.submit(look)
        try:
            for _ in range(1000):
                claim = Claim(tmp_path / "photo.png")
                assert claim.is_mine
                claim.release()
        finally:
            ended.set()
        looked.result()


def test_a_file_is_the_same_by_all_its_names(tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    photo.touch()
    (tmp_path / "link.png").symlink_to(photo)
    os.link(photo, tmp_path / "mounted.png")
    for name in ("photo.png", "link.png", "mounted.png"):
        assert is_same_file(tmp_path / name, photo)
    for name in ("other.png", "x" * 300):
        assert not is_same_file(tmp_path / name, photo)
