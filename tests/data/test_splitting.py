from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage import data
from torch.utils.data import IterableDataset, Subset, TensorDataset
from torchvision.transforms import v2

import colorfuse as cf

NOISE = np.random.default_rng(0).integers(0, 256, (2000, 4, 4, 3), np.uint8)


def test_parts_have_about_the_sizes_asked_for() -> None:
    parts = cf.split(cf.PhotoArray(NOISE), (0.8, 0.1, 0.1), seed=0)
    np.testing.assert_allclose([len(part) / 2000 for part in parts], (0.8, 0.1, 0.1), atol=0.03)
    assert sorted(index for part in parts for index in part.indices) == list(range(2000))


def test_another_seed_gives_another_split() -> None:
    assert cf.split(cf.PhotoArray(NOISE), seed=0)[1].indices != cf.split(cf.PhotoArray(NOISE), seed=1)[1].indices


def test_a_split_stays_the_same_with_other_versions() -> None:
    """Photos that were held out are not trained on after an upgrade."""

    def parts(count: int, *arguments: Any) -> list[list[int]]:
        return [list(part.indices) for part in cf.split(cf.PhotoArray(NOISE[:count]), *arguments)]

    assert parts(40)[1:] == [[15, 22, 23, 31, 36], [4, 6, 19]]
    assert parts(40, (0.7, 0.3), 7)[1:] == [[5, 8, 10, 11, 18, 20, 21, 24, 25, 27, 28, 30, 31, 32, 37]]
    assert parts(6) == [[0, 1, 2, 5], [3], [4]]


@pytest.mark.parametrize("count", range(3, 12))
def test_no_part_of_a_small_dataset_is_empty(count: int) -> None:
    data = cf.PhotoArray(NOISE[:count])
    for seed in range(20):
        parts = cf.split(data, (0.98, 0.01, 0.01), seed)
        assert sorted(index for part in parts for index in part.indices) == list(range(count))
        assert all(len(part) for part in parts)
        assert all(part.dataset is data for part in parts)


def test_all_kinds_of_datasets(photo_folder: str, tmp_path: str) -> None:
    folder = cf.PhotoFolder(photo_folder, image_size=32)
    for whole in (
        folder,
        Subset(folder, [7, 5, 3, 1]),
        cf.pack(folder, f"{tmp_path}/packed"),
        TensorDataset(torch.rand(10, 1, 4, 4), torch.rand(10, 2, 4, 4)),
    ):
        first, second = cf.split(whole, (0.5, 0.5))
        assert len(first) + len(second) == len(whole)
        assert min(len(first), len(second)) > 0


def near_copies(photo: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """The photo scaled down and up, compressed, brighter, and cut a little."""
    image = Image.fromarray(photo).resize((128, 96))
    small = image.resize((64, 48)).resize((128, 96))
    brighter = image.point(lambda value: min(255, value + 12))
    return [np.asarray(each) for each in (image, small, brighter)]


def test_near_duplicates_can_be_kept_together(photos: NDArray[np.uint8]) -> None:
    scenes = [data.astronaut(), data.coffee(), data.chelsea(), data.rocket()]
    rotated = [np.rot90(scene, turn) for scene in scenes for turn in range(4)]
    copies = np.stack([copy for scene in rotated for copy in near_copies(scene)])
    for seed in range(5):
        parts = cf.split(cf.PhotoArray(copies, 96), (0.5, 0.5), seed, near_duplicates_together=True)
        of_part = {index: number for number, part in enumerate(parts) for index in part.indices}
        groups = [{of_part[3 * scene + copy] for copy in range(3)} for scene in range(16)]
        assert all(len(group) == 1 for group in groups)
        assert len(set(of_part.values())) == 2
    apart = cf.split(cf.PhotoArray(copies, 96), (0.5, 0.5), 0)
    of_part = {index: number for number, part in enumerate(apart) for index in part.indices}
    assert any(len({of_part[3 * scene + copy] for copy in range(3)}) == 2 for scene in range(16))


def test_plain_photos_are_no_near_duplicates() -> None:
    rng = np.random.default_rng(0)
    plain = np.full((60, 48, 48, 3), 255, np.uint8)
    for photo in plain:
        top, left = rng.integers(0, 36, 2)
        photo[top : top + 12, left : left + 12] = rng.integers(0, 200, 3)
    parts = cf.split(cf.PhotoArray(plain, 48), (0.5, 0.5), near_duplicates_together=True)
    assert min(len(part) for part in parts) > 15
    grays = np.stack([np.full((8, 8, 3), value, np.uint8) for value in (40, 200)])
    assert [len(part) for part in cf.split(cf.PhotoArray(grays), (0.5, 0.5), near_duplicates_together=True)] == [1, 1]


def test_no_photos_cannot_be_split(photos: NDArray[np.uint8]) -> None:
    nothing = Subset(cf.PhotoArray(photos), [])
    for together in (False, True):
        with pytest.raises(ValueError, match="2 parts need as many different photos, and there are 0"):
            cf.split(nothing, (0.5, 0.5), near_duplicates_together=together)


def test_what_is_no_dataset_is_said(tmp_path: Path) -> None:
    photos: Any = "photos/"
    with pytest.raises(TypeError, match=r"give a dataset of \(L, ab\), such as PhotoFolder .*, not str"):
        cf.split(photos)
    with pytest.raises(TypeError, match=r"give a dataset of \(L, ab\), such as PhotoFolder .*, not str"):
        cf.pack(photos, tmp_path / "packed")


def test_a_stream_cannot_be_split() -> None:
    class Stream(IterableDataset[Any]):
        """Samples one after another."""

        def __iter__(self) -> Iterator[Any]:
            return iter(())

    with pytest.raises(cf.DataError, match="Stream is an iterable dataset, which cannot be split; make one for each"):
        cf.split(Stream())


def test_transforms_do_not_change_a_split(photo_folder: str) -> None:
    folder = cf.PhotoFolder(photo_folder, transform=v2.RandomCrop(20))
    splits = [cf.split(folder, (0.5, 0.5), near_duplicates_together=True)[0].indices for _ in range(2)]
    assert splits[0] == splits[1]


@pytest.mark.parametrize("parts", [(), (0.5, 0.4), (1.5, -0.5), (0.5, 0.5, 0.0)])
def test_parts_that_are_no_shares_are_refused(parts: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="shares above 0 that add up to 1"):
        cf.split(cf.PhotoArray(NOISE), parts)


def test_too_few_photos_are_refused() -> None:
    with pytest.raises(ValueError, match="3 parts need as many different photos, and there are 2"):
        cf.split(cf.PhotoArray(NOISE[:2]))
