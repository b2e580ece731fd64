"""Colour arithmetic by torch on a device; here the device is the CPU."""

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import colorfuse as cf
from colorfuse.images import Photo, PhotoSource
from colorfuse.inference import on_device
from colorfuse.inference.on_device import OnDevice
from colorfuse.inference.predictor import Predictor
from colorfuse.inference.rendering import to_render_size
from colorfuse.inference.scaling import Hinted

NETWORK = cf.FusionColorizer(
    backbone="test_efficientnet", pretrained=False, objective="classification", image_size=48
).initialize()
DEVICE = OnDevice(torch.device("cpu"))
sides = st.integers(1, 70)
UNITS = {np.uint8: 1, np.uint16: 16, np.float32: 16 / 65535}
"""Colours outside the gamut lose chroma in steps of 1/4096, and one may be a step apart."""


def predictor(upsample: str = "guided", saturation: float = 3.0) -> Predictor:
    return NETWORK.predictor(saturation, upsample, None)


def photo(height: int, width: int, channels: int, dtype: Any, *, alpha: bool) -> Photo:
    shades = np.random.default_rng(width).uniform(0, 1, (height, width, channels + alpha)).astype(np.float32)
    pixels: Any = shades if dtype == np.float32 else (shades * np.iinfo(dtype).max).astype(dtype)
    return Photo(pixels[..., :channels], pixels[..., channels:] if alpha else None)


def apart(one: NDArray[Any], other: NDArray[Any]) -> float:
    assert one.dtype == other.dtype
    assert one.shape == other.shape
    return float(np.abs(one.astype(np.float64) - other).max())


@pytest.mark.parametrize("dtype", UNITS)
@given(sides, sides, st.sampled_from([1, 3]), st.booleans(), st.sampled_from([*cf.inference.upsampling.UPSAMPLINGS]))
def test_photos_are_those_of_the_cpu(
    dtype: Any, height: int, width: int, channels: int, alpha: bool, upsample: str
) -> None:
    its = Hinted(photo(height, width, channels, dtype, alpha=alpha))
    expected, given_ = (each.predict([its])[0] for each in (predictor(upsample), predictor(upsample).on(DEVICE)))
    assert apart(expected, given_) <= UNITS[dtype]


@pytest.mark.parametrize("upsample", ["guided", "bilinear"])
def test_strips_do_not_show(upsample: str, monkeypatch: pytest.MonkeyPatch) -> None:
    its = Hinted(photo(90, 61, 3, np.uint8, alpha=False), cf.read_hints([(40, 30, "red", 4)]))
    whole = predictor(upsample).on(DEVICE).predict([its])[0]
    monkeypatch.setattr(on_device, "_VALUES_AT_ONCE", 1000)
    assert apart(whole, predictor(upsample).on(DEVICE).predict([its])[0]) <= 1
    assert apart(whole, predictor(upsample).predict([its])[0]) <= 1


def test_streams_keep_their_order_and_name_what_fails() -> None:
    asked = 0

    def photos() -> Iterator[tuple[PhotoSource, None]]:
        nonlocal asked
        for index in range(60):
            asked += 1
            yield ("nowhere.jpg" if index == 13 else np.full((40, 40 + index), index + 50, np.uint8)), None

    outcomes = predictor().on(DEVICE).outcomes(photos())
    first = next(outcomes)
    assert isinstance(first.result, np.ndarray)
    assert asked == 8
    rest = list(outcomes)
    assert [type(each.result) for each in rest].count(FileNotFoundError) == 1
    assert isinstance(rest[12].result, FileNotFoundError)
    widths = [each.result.shape[1] for each in rest if isinstance(each.result, np.ndarray)]
    assert widths == [40 + index for index in range(1, 60) if index != 13]


def test_a_prepared_photo_keeps_its_lightness_there(monkeypatch: pytest.MonkeyPatch) -> None:
    gray = photo(60, 80, 1, np.uint16, alpha=False)
    expected = NETWORK.prepare(gray).predict([(10, 10, "red")])
    plain = predictor(saturation=1.0)
    monkeypatch.setattr(cf.FusionColorizer, "predictor", lambda *_: plain.on(DEVICE))
    prepared = NETWORK.prepare(gray)
    monkeypatch.setattr(OnDevice, "lightness", None)
    assert apart(expected, prepared.predict([(10, 10, "red")])) <= UNITS[np.uint16]


def test_full_precision_is_kept_within_autocast() -> None:
    its = photo(50, 40, 3, np.uint8, alpha=False)
    with torch.autocast("cpu", torch.bfloat16):
        lightness = DEVICE.lightness(its)
    torch.testing.assert_close(lightness[0], its.lightness(), atol=1e-3, rtol=0)


def test_photos_are_shrunk_one_axis_after_the_other() -> None:
    lightness = torch.rand(1, 1, 1500, 40) * 100
    expected = to_render_size(lightness, 32)
    torch.testing.assert_close(DEVICE.shrunk(lightness, 32), expected, atol=1e-3, rtol=0)


def test_what_failed_keeps_no_tensors() -> None:
    kept: list[weakref.ref[torch.Tensor]] = []

    class Full(Predictor):
        def render(self, render_ab: Any, lightness: torch.Tensor, hints: Any) -> Any:
            kept.append(weakref.ref(lightness))
            raise torch.OutOfMemoryError("out of memory")

    full = Full(NETWORK.render_ab, 48, "guided", batch_size=4)
    outcomes = [
        each.result for each in full.outcomes((np.full((40, 40), shade, np.uint8), None) for shade in range(4))
    ]
    assert [type(each) for each in outcomes] == [MemoryError] * 4
    gc.collect()
    assert len(kept) == 5
    assert not any(each() is not None for each in kept)
