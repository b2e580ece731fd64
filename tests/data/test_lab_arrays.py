import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

import colorfuse as cf

RNG = np.random.default_rng(0)
LIGHTNESS = RNG.integers(0, 256, (30, 8, 10), np.uint8)
AB = RNG.integers(90, 166, (30, 8, 10, 2), np.uint8)


def write_layout(root: Path, lengths: tuple[int, ...] = (12, 12, 6), ab_folder: str = "ab") -> Path:
    """The layout of the paper's dataset, with fewer and smaller rows."""
    for folder in ("l", ab_folder):
        (root / folder).mkdir(parents=True)
    np.save(root / "l" / "gray_scale.npy", LIGHTNESS)
    start = 0
    for number, length in enumerate(lengths, start=1):
        np.save(root / ab_folder / f"ab{number}.npy", AB[start : start + length])
        start += length
    return root


@pytest.mark.parametrize("lengths", [(12, 12, 6), (30,), (3,) * 10])
@pytest.mark.parametrize("ab_folder", ["ab", "ab/ab"])
def test_rows_follow_one_another(tmp_path: Path, lengths: tuple[int, ...], ab_folder: str) -> None:
    data = cf.LabArrays(write_layout(tmp_path, lengths, ab_folder))
    assert len(data) == 30
    for index in range(30):
        lightness, ab = data[index]
        np.testing.assert_allclose(lightness[0], LIGHTNESS[index] * (100 / 255), rtol=1e-6)
        np.testing.assert_array_equal(ab, np.moveaxis(AB[index].astype(int) - 128, -1, 0))


def test_several_rows_at_once(tmp_path: Path) -> None:
    data = cf.LabArrays(write_layout(tmp_path))
    indices = [29, 3, 12, 3, -1]
    for sample, index in zip(data.__getitems__(indices), indices, strict=True):
        assert all(torch.equal(one, other) for one, other in zip(sample, data[index], strict=True))
    with pytest.raises(IndexError):
        data[30]
    with pytest.raises(IndexError, match="has 30 rows, and no row 31, -40$"):
        data.coded([5, 9, 31, 12, -40])


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_worker_processes_map_the_files_themselves(tmp_path: Path, context: str) -> None:
    data = cf.LabArrays(write_layout(tmp_path))
    assert len(pickle.dumps(data)) < 1000
    loader = DataLoader(data, batch_size=7, num_workers=2, multiprocessing_context=context)
    assert torch.equal(
        torch.cat([ab for _, ab in loader]), torch.from_numpy(np.moveaxis(AB.astype(np.float32) - 128, -1, 1))
    )


def zip_layout(root: Path) -> Path:
    write_layout(root)
    for name in ("l", "ab"):
        with zipfile.ZipFile(root / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted((root / name).iterdir()):
                archive.write(path, f"{name}/{path.name}")
                path.unlink()
            archive.writestr(f"__MACOSX/{name}/._ab1.npy", b"not an array")
        (root / name).rmdir()
    return root


def test_archives_are_unpacked_once(tmp_path: Path) -> None:
    root = zip_layout(tmp_path)
    first = cf.LabArrays(root)[29][1]
    written = (root / "ab" / "ab1.npy").stat().st_mtime_ns
    assert torch.equal(cf.LabArrays(root)[29][1], first)
    assert (root / "ab" / "ab1.npy").stat().st_mtime_ns == written
    assert sorted(path.name for path in root.iterdir()) == ["ab", "ab.zip", "l", "l.zip"]


def test_a_damaged_archive_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    root = zip_layout(tmp_path)
    archive = root / "ab.zip"
    whole = archive.read_bytes()
    for damage in (whole[: len(whole) // 2], whole[:200] + b"\xff" * 400 + whole[600:], b""):
        archive.write_bytes(damage)
        with pytest.raises(cf.DataError, match=r"ab\.zip is damaged"):
            cf.LabArrays(root)
        assert not list(root.glob(".*"))


@pytest.mark.parametrize(
    ("file", "values", "message"),
    [
        ("ab/ab2.npy", AB[:11], r"30 rows of L but 12 \+ 11 \+ 6 = 29 rows of ab"),
        (
            "l/gray_scale.npy",
            LIGHTNESS.astype(np.float32),
            r"gray_scale\.npy has dtype float32; Lab is",
        ),
        ("l/gray_scale.npy", LIGHTNESS[0], r"gray_scale\.npy has shape \(8, 10\); L must be \(N, H, W\)"),
        ("l/gray_scale.npy", LIGHTNESS[:0], r"gray_scale\.npy has shape \(0, 8, 10\)"),
        ("ab/ab3.npy", AB[:6, :7], r"ab3\.npy has shape \(6, 7, 10, 2\); it must be \(n, 8, 10, 2\)"),
        ("ab/ab3.npy", AB[:6].astype(np.int8), r"ab3\.npy has dtype int8"),
        ("ab/ab1.npy", AB[:12] - np.uint8(128), r"ab1\.npy is not coded as ab \+ 128"),
        ("ab/ab1.npy", np.zeros((12, 8, 10, 2), np.uint8), r"ab1\.npy is not coded as ab \+ 128"),
        ("ab/ab1.npy", np.array([{}]), r"ab1\.npy is no whole \.npy file"),
    ],
)
def test_bad_arrays_are_named(tmp_path: Path, file: str, values: NDArray[Any], message: str) -> None:
    root = write_layout(tmp_path)
    np.save(root / file, values)
    with pytest.raises(cf.DataError, match=message):
        cf.LabArrays(root)


def test_lightness_in_another_coding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "l").mkdir()
    (tmp_path / "ab").mkdir()
    np.save(tmp_path / "l" / "gray_scale.npy", RNG.integers(0, 101, (40, 8, 10), np.uint8))
    np.save(tmp_path / "ab" / "ab1.npy", np.full((40, 8, 10, 2), 128, np.uint8))
    with pytest.raises(cf.DataError, match=r"gray_scale\.npy is not coded as L \* 255 / 100: no value is above"):
        cf.LabArrays(tmp_path)


def test_a_file_that_is_cut_while_it_is_open_is_named(tmp_path: Path) -> None:
    data = cf.LabArrays(write_layout(tmp_path))
    path = tmp_path / "ab" / "ab2.npy"
    os.truncate(path, path.stat().st_size - 2000)
    assert len(data.__getitems__([0, 29])) == 2
    with pytest.raises(cf.DataError, match=r"ab2\.npy has .* bytes, not .*; download or pack it again"):
        data[15]


def test_the_working_folder_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write_layout(tmp_path / "data").parent)
    data = cf.LabArrays("data")
    monkeypatch.chdir("/")
    assert len(pickle.loads(pickle.dumps(data))) == 30


def test_files_that_are_cut_or_missing_are_named(tmp_path: Path) -> None:
    root = write_layout(tmp_path)
    whole = (root / "ab" / "ab2.npy").read_bytes()
    for length in (0, 50, 1000):
        (root / "ab" / "ab2.npy").write_bytes(whole[:length])
        with pytest.raises(cf.DataError, match=r"ab2\.npy is no whole \.npy file: .*; download or pack it again"):
            cf.LabArrays(root)
    (root / "l" / "gray_scale.npy").unlink()
    with pytest.raises(FileNotFoundError, match=r"gray_scale\.npy does not exist; give the folder"):
        cf.LabArrays(root)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        cf.LabArrays(tmp_path / "nowhere")
