import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from torch.utils.data import TensorDataset

import colorfuse as cf
from colorfuse.data.lab_bytes import decode_lab, encode_lab
from colorfuse.data.loading import Loader

photo_arrays = npst.arrays(np.uint8, st.tuples(st.integers(3, 30), st.just(4), st.just(5), st.just(3)))


@pytest.mark.slow
def test_every_byte_triple_comes_back() -> None:
    a, b = (plane.astype(np.uint8) for plane in np.meshgrid(np.arange(256), np.arange(256), indexing="ij"))
    ab = np.stack([a, b], axis=-1)
    for value in range(256):
        lightness = np.full((256, 256), value, np.uint8)
        again = encode_lab(*decode_lab(torch.from_numpy(lightness), torch.from_numpy(ab)))
        np.testing.assert_array_equal(again[0], lightness)
        np.testing.assert_array_equal(again[1], ab)


@given(st.data())
def test_coding_is_off_by_half_a_step(data: st.DataObject) -> None:
    lightness = data.draw(npst.arrays(np.float32, (1, 3, 4), elements=st.floats(0, 100, width=32)))
    ab = data.draw(npst.arrays(np.float32, (2, 3, 4), elements=st.floats(-128, 127, width=32)))
    again = decode_lab(*encode_lab(torch.from_numpy(lightness), torch.from_numpy(ab)))
    np.testing.assert_allclose(again[0], lightness, atol=0.5001 * 100 / 255)
    np.testing.assert_allclose(again[1], ab, atol=0.5001)


@given(photo_arrays, st.integers(0, 5), st.randoms(use_true_random=False))
def test_a_split_is_the_same_in_any_order_and_for_a_larger_set(photos: Any, seed: int, random: Any) -> None:
    def parts(some: Any) -> dict[bytes, int]:
        split = cf.split(cf.PhotoArray(some), (0.6, 0.4), seed)
        return {some[index].tobytes(): part for part, subset in enumerate(split) for index in subset.indices}

    # More of them, so that no part of the smaller set is empty, which would take a photo of another.
    photos = np.concatenate([photos, np.random.default_rng(0).integers(0, 256, (40, 4, 5, 3), np.uint8)])
    whole = parts(photos)
    order = random.sample(range(len(photos)), len(photos))
    assert parts(photos[order]) == whole
    some = parts(photos[-40:])
    assert some == {photo: whole[photo] for photo in some}


@settings(max_examples=20)
@given(st.data(), st.integers(1, 7))
def test_packed_arrays_are_the_dataset_in_bytes(data: st.DataObject, rows_a_file: int) -> None:
    shape = data.draw(st.tuples(st.integers(1, 20), st.integers(1, 5), st.integers(1, 5)))
    lightness = data.draw(npst.arrays(np.uint8, shape))
    ab = data.draw(npst.arrays(np.uint8, (*shape, 2), elements=st.integers(100, 150)))
    samples = TensorDataset(*decode_lab(torch.from_numpy(lightness), torch.from_numpy(ab)))
    with tempfile.TemporaryDirectory() as folder:
        packed = cf.pack(samples, Path(folder, "packed"), rows_a_file=rows_a_file, num_workers=0)
        coded = packed.coded(range(len(packed)))
        np.testing.assert_array_equal(coded[0], lightness)
        np.testing.assert_array_equal(coded[1], ab)


@given(st.integers(1, 40), st.integers(0, 3), st.integers(0, 5))
def test_the_order_is_a_function_of_seed_and_epoch(count: int, seed: int, epoch: int) -> None:
    data = TensorDataset(torch.arange(float(count))[:, None, None, None], torch.zeros(count, 2, 1, 1))

    def order(seed: int, epoch: int) -> list[float]:
        torch.manual_seed(torch.seed() % 2**31)
        return [float(batch.lightness.item()) for batch in Loader(data, 1, 0, seed=seed).epoch(epoch)]

    assert order(seed, epoch) == order(seed, epoch)
    assert sorted(order(seed, epoch)) == list(range(count))
    if count > 12:
        assert order(seed, epoch) != order(seed, epoch + 1)
        assert order(seed, epoch) != order(seed + 1, epoch)
