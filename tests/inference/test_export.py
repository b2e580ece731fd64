import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import colorfuse as cf
from colorfuse.inference.export import TORCH_NEEDED

pytestmark = pytest.mark.skipif(torch.__version__ < TORCH_NEEDED, reason=f"exporting takes torch {TORCH_NEEDED}")

WAYS: list[dict[str, Any]] = [
    {"objective": "mse", "upsample": "guided", "encoder": "conv"},
    {"objective": "classification", "upsample": "bilinear", "encoder": "conv"},
    {"objective": "l1", "upsample": "joint_bilateral", "encoder": "conv"},
]


def expected(colorizer: cf.FusionColorizer, gray: NDArray[np.float32]) -> NDArray[Any]:
    return np.stack([np.moveaxis(colorizer.predict(photo[0]), -1, 0) for photo in gray])


@pytest.fixture(scope="module", params=WAYS, ids=lambda way: str(way["objective"]))
def exported(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[cf.FusionColorizer, onnxruntime.InferenceSession, Any]:
    colorizer = cf.FusionColorizer(
        backbone="test_efficientnet", pretrained=False, image_size=48, **request.param
    ).initialize()
    folder = tmp_path_factory.mktemp("exported")
    for suffix in (".onnx", ".pt2"):
        colorizer.export(folder / f"model{suffix}")
    assert sorted(path.name for path in folder.iterdir()) == ["model.onnx", "model.pt2"]
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    return colorizer, session, torch.export.load(folder / "model.pt2").module()


sides = st.integers(1, 150)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(st.integers(1, 3), sides, sides, st.integers(0, 99))
def test_onnx_gives_what_predict_gives(exported: Any, count: int, height: int, width: int, seed: int) -> None:
    colorizer, session, _ = exported
    gray = np.random.default_rng(seed).random((count, 1, height, width), np.float32)
    np.testing.assert_allclose(session.run(["rgb"], {"gray": gray})[0], expected(colorizer, gray), atol=1 / 255)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(1, 1, 96, 120), (3, 1, 70, 90), (2, 1, 201, 133), (1, 1, 9, 12)])
def test_torch_programs_give_what_predict_gives(exported: Any, shape: tuple[int, ...]) -> None:
    colorizer, _, program = exported
    gray = np.random.default_rng(0).random(shape, np.float32)
    np.testing.assert_allclose(program(torch.from_numpy(gray)).detach(), expected(colorizer, gray), atol=1 / 255)


def test_what_cannot_be_exported_is_told(tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(cf.NotFittedError):
        tiny().export(tmp_path / "model.onnx")
    colorizer = tiny().initialize()
    with pytest.raises(ValueError, match=r"model.tflite names no format to export to; use one of .onnx, .pt2"):
        colorizer.export(tmp_path / "model.tflite")

    class Branching(torch.nn.Module):
        def __init__(self, decoder: torch.nn.Module) -> None:
            super().__init__()
            self.decoder = decoder

        def forward(self, *given: Any) -> torch.Tensor:
            planes: torch.Tensor = self.decoder(*given)
            return planes if planes.mean() > 0 else -planes

    colorizer.network_.decoder = Branching(colorizer.network_.decoder)
    assert colorizer.predict(np.zeros((40, 40), np.float32)).shape == (40, 40, 3)  # it works
    with pytest.raises(ValueError, match="this colorizer cannot be exported: .*data-dependent"):
        colorizer.export(tmp_path / "model.onnx")
    with monkeypatch.context() as patch:
        patch.setattr("colorfuse.inference.export.TORCH_NEEDED", "99")
        with pytest.raises(ImportError, match=r"install torch 99 or newer; this is \d"):
            colorizer.export(tmp_path / "model.pt2")
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ImportError, match=r"install colorfuse\[onnx\]"):
        tiny().initialize().export(tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_hints_are_a_second_input_that_onnx_may_leave_out(tmp_path: Path) -> None:
    encoder = {"name": "conv", "layers": [[8, 2], [16, 2]], "hints": True}
    colorizer = cf.FusionColorizer(backbone="none", fusion="none", encoder=encoder, image_size=48).initialize()
    torch.nn.init.normal_(colorizer.network_.get_parameter("encoder.layers.0.0.weight"), std=0.5)
    colorizer.export(tmp_path / "model.onnx")
    colorizer.export(tmp_path / "model.pt2")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    program = torch.export.load(tmp_path / "model.pt2").module()
    for shape in ((1, 1, 96, 120), (2, 1, 30, 200), (1, 1, 150, 70)):
        gray = np.random.default_rng(0).random(shape, np.float32)
        hints = np.zeros((shape[0], 3, *shape[2:]), np.float32)
        hints[:, :, 5:8, 10:14] = np.array([20, -15, 1])[:, None, None]
        wanted = np.stack(
            [
                np.moveaxis(colorizer.predict(photo[0], hints=(its[:2], its[2])), -1, 0)
                for photo, its in zip(gray, hints, strict=True)
            ]
        )
        given_hints = {"gray": gray, "hints": hints}
        np.testing.assert_allclose(session.run(["rgb"], given_hints)[0], wanted, atol=1 / 255)
        exported = program(torch.from_numpy(gray), torch.from_numpy(hints)).detach()
        np.testing.assert_allclose(exported, wanted, atol=1 / 255)
        np.testing.assert_allclose(session.run(["rgb"], {"gray": gray})[0], expected(colorizer, gray), atol=1 / 255)
