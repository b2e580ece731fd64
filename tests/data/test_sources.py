from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.utils.data import IterableDataset, Subset, TensorDataset
from torchvision.transforms import v2

import colorfuse as cf
from colorfuse.data import as_datasets


def sizes(data: Any, validation: Any = None, **changes: Any) -> tuple[int, int | None]:
    options: dict[str, Any] = {"image_size": 32, "augmentation": "none", "seed": 0} | changes
    train, held_out = as_datasets(data, validation, **options)
    return len(train), None if held_out is None else len(held_out)  # type: ignore[arg-type]


def test_about_a_share_is_held_out(photo_folder: Path, photos: NDArray[np.uint8]) -> None:
    train, held_out = sizes(photo_folder, 0.25)
    assert held_out is not None
    assert train + held_out == 12
    assert 1 <= held_out <= 6
    assert sizes(str(photo_folder), 0.25) == (train, held_out)
    assert sizes(photos) == (12, None)
    assert sizes(photos, photo_folder) == (12, 12)
    assert sizes(photos, 0.001) == (11, 1)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5])
def test_what_is_no_share_is_refused(photos: NDArray[np.uint8], share: float) -> None:
    with pytest.raises(ValueError, match=f"validation={share} must be a share between 0 and 1"):
        sizes(photos, share)


def test_what_is_held_out_is_neither_trained_on_nor_augmented(photos: NDArray[np.uint8]) -> None:
    train, held_out = as_datasets(photos, 0.25, image_size=32, augmentation="crop_flip", seed=3)
    assert isinstance(train, Subset)
    assert isinstance(held_out, Subset)
    assert sorted([*train.indices, *held_out.indices]) == list(range(12))
    plain = cf.PhotoArray(photos, image_size=32)[held_out.indices[0]]
    assert torch.equal(held_out[0][1], plain[1])
    assert not torch.equal(train[0][1], train[0][1])


def test_a_transform_of_ones_own_is_kept_for_training(photo_folder: Path) -> None:
    folder = cf.PhotoFolder(photo_folder, transform=v2.Compose([v2.CenterCrop(24), v2.ColorJitter(brightness=0.5)]))
    train, held_out = as_datasets(Subset(folder, range(2, 12)), 0.5, image_size=32, augmentation="crop_flip", seed=0)
    assert train[0][0].shape == (1, 24, 24)
    assert held_out is not None
    assert held_out[0][0].shape == (1, 32, 32)


def test_datasets_of_lab_are_brought_to_the_image_size() -> None:
    lightness, ab = torch.rand(5, 1, 60, 80) * 100, torch.randn(5, 2, 60, 80)
    for augmentation in ("none", "crop_flip"):
        train, _ = as_datasets(TensorDataset(lightness, ab), None, image_size=32, augmentation=augmentation, seed=0)
        assert [part.shape for part in train[3]] == [(1, 32, 32), (2, 32, 32)]


def test_lab_is_transformed_alike() -> None:
    ramp = torch.rand(1, 60, 80)
    train, _ = as_datasets(
        TensorDataset(ramp[None] * 100, torch.cat([ramp, -ramp])[None]),
        None,
        image_size=32,
        augmentation="crop_flip",
        seed=0,
    )
    lightness, ab = train[0]
    torch.testing.assert_close(ab, torch.cat([lightness, -lightness]) / 100)


class Stream(IterableDataset[Any]):
    """Photos of which there is no number nor order."""

    def __iter__(self) -> Any:
        return ((torch.rand(1, 40, 50) * 100, torch.randn(2, 40, 50)) for _ in range(7))


class Counted(Stream):
    def __len__(self) -> int:
        return 7


def test_iterable_datasets() -> None:
    train, _ = as_datasets(Counted(), None, image_size=32, augmentation="crop_flip", seed=0)
    assert isinstance(train, IterableDataset)
    assert [lightness.shape for lightness, _ in train] == [(1, 32, 32)] * 7
    with pytest.raises(cf.DataError, match="no share of an iterable dataset can be held out"):
        as_datasets(Counted(), 0.1, image_size=32, augmentation="none", seed=0)


def test_fit_on_an_iterable_dataset(tiny: Callable[..., cf.FusionColorizer]) -> None:
    assert len(tiny(batch_size=3).fit(Counted()).history_) == 2
    with pytest.raises(cf.DataError, match="^Stream has no length"):
        tiny().fit(Stream())


def test_fit_on_samples_with_labels(tiny: Callable[..., cf.FusionColorizer], photo_folder: Path) -> None:
    folder = cf.PhotoFolder(photo_folder, labels=True, weights={"part0": 3})
    assert len(tiny().fit(folder, validation=0.2, num_workers=1).history_) == 2


def test_what_is_no_data_is_refused() -> None:
    with pytest.raises(TypeError, match="not int"):
        sizes(3)
    with pytest.raises(ValueError, match="no augmentation is called 'flop'"):
        sizes(np.zeros((2, 8, 8, 3), np.uint8), augmentation="flop")


def test_a_stream_that_is_not_as_long_as_it_says(tiny: Callable[..., cf.FusionColorizer]) -> None:
    class Short(Counted):
        def __len__(self) -> int:
            return 20

    with pytest.raises(cf.TrainingError, match="epoch 1 had 1 batches, and the data's length says 5"):
        tiny(batch_size=4).fit(Short())
