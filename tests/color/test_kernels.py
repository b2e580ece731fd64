import inspect
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import hypothesis.extra.numpy as numpy_strategies
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import colorfuse as cf
from colorfuse import compiled
from colorfuse.color import formulas, kernels, kernels_compiled

KERNELS = [function for _, function in inspect.getmembers(kernels, inspect.isfunction) if function.__name__[0] != "_"]
OF_BYTES = ("lab_from_bytes", "lightness_from_bytes", "lightness_from_gray_bytes")
RESULTS = {"bytes_from_linear": np.uint8, "words_from_linear": np.uint16}

floats = st.one_of(
    st.floats(-300, 300, width=32),
    st.sampled_from([0.0, -0.0, 1.0, 100.0, 0.0031308, 0.04045, 216 / 24389, float("nan"), 1e-30]).map(
        lambda value: float(np.float32(value))
    ),
)


def inputs(kernel: Callable[..., Any]) -> st.SearchStrategy[NDArray[Any]]:
    channels = 1 if "gray" in kernel.__name__ else 3
    shape = st.integers(1, 700).map(lambda count: (channels, count))
    if kernel.__name__ in OF_BYTES:
        return numpy_strategies.arrays(np.uint8, shape)
    return numpy_strategies.arrays(np.float32, shape, elements=floats)


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning", "ignore:overflow:RuntimeWarning")
@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.__name__)
@given(data=st.data())
def test_compiled_kernels_give_the_same_bits(kernel: Callable[..., None], data: st.DataObject) -> None:
    values = data.draw(inputs(kernel))
    shape = (1 if "lightness" in kernel.__name__ else 3, values.shape[1])
    results = np.zeros((2, *shape), RESULTS.get(kernel.__name__, np.float32))
    kernel(values, results[0])
    getattr(kernels_compiled, kernel.__name__)(values, results[1])
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("into", ["bytes_from_linear", "words_from_linear", "floats_from_linear"])
def test_pixels_may_lie_side_by_side_among_others(into: str) -> None:
    linear = np.linspace(-0.1, 1.1, 30, dtype=np.float32).reshape(3, 10)
    dtype = RESULTS.get(into, np.float32)
    expected, rgba = np.empty((3, 10), dtype), np.full((10, 4), 7, dtype)
    for module in (kernels, kernels_compiled):
        getattr(module, into)(linear, expected)
        getattr(module, into)(linear, rgba.T[:3])
        np.testing.assert_array_equal(rgba.T[:3], expected)
        assert (rgba[:, 3] == 7).all()


@given(
    numpy_strategies.arrays(
        np.float32, st.tuples(st.just(3), st.integers(1, 99)), elements=st.floats(-150, 150, width=32)
    )
)
def test_kernels_agree_with_the_formulas(lab: NDArray[np.float32]) -> None:
    lab[0] = abs(lab[0]) % 100
    rgb, linear = np.empty(lab.shape, np.uint8), np.empty_like(lab)
    kernels_compiled.linear_in_gamut(lab, linear)
    kernels_compiled.bytes_from_linear(linear, rgb)
    expected = formulas.bytes_from_lab(formulas.with_reduced_chroma(torch.from_numpy(lab))).to(torch.uint8).numpy()
    assert np.abs(rgb.astype(int) - expected).max() <= 1
    lightness = cf.rgb_to_lab(torch.from_numpy(rgb)[..., None])[0, :, 0].numpy()
    assert np.abs(lightness - lab[0]).max() < 0.5


def test_twins_are_used_once_they_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled._Seen, "pixels", 0)
    assert compiled.fastest(kernels.lab_from_bytes) is kernels.lab_from_bytes
    compiled.count_pixels(1_000_000_000)
    assert compiled.fastest(kernels.lab_from_bytes) is kernels_compiled.lab_from_bytes
    assert compiled.fastest(kernels.lab_from_bytes).__name__ == "lab_from_bytes"


COLOR = """
import sys
{before}
import numpy as np
import colorfuse as cf
from colorfuse.compiled import count_pixels
count_pixels(1_000_000_000)
ramp = np.linspace(0, 255, 200 * 300).astype(np.uint8).reshape(200, 300)
sys.stdout.buffer.write(cf.FusionColorizer.from_pretrained(device="cpu").predict(ramp).tobytes())
"""


MISSING = {
    "numba": ("sys.modules['numba'] = None", ""),
    "a folder": (
        "from numba.core import caching\nfor each in vars(caching).values():\n"
        "    if hasattr(each, '_locator_classes'):\n        each._locator_classes = []",
        "set NUMBA_CACHE_DIR",
    ),
}
"""What makes Numba missing, or leaves it no folder to keep in what it compiles; and what is said then."""


@pytest.mark.slow
@pytest.mark.parametrize(("before", "said"), MISSING.values(), ids=MISSING)
def test_without_compiled_kernels_photos_are_the_same(before: str, said: str) -> None:
    def run(before: str) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-c", COLOR.format(before=before)]
        return subprocess.run(command, capture_output=True, check=True)

    without = run(before)
    assert len(without.stdout) == 200 * 300 * 3
    assert said in without.stderr.decode()
    assert run("").stdout == without.stdout
