import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
import torchvision
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
from torchmetrics.image.fid import FrechetInceptionDistance

import colorfuse as cf
from colorfuse.metrics import create_lpips, fid, lpips


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder where weights are kept, without a way to others."""
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # where nothing answers
    before = torch.hub.get_dir()
    create_lpips.cache_clear()
    torch.hub.set_dir(tmp_path)
    (tmp_path / "checkpoints").mkdir()
    yield tmp_path / "checkpoints"
    torch.hub.set_dir(before)
    create_lpips.cache_clear()


class Untrained(FeatureExtractorInceptionV3):  # type: ignore[misc]
    """The network of the distance with random weights."""

    def load_state_dict(self, *_: object, **__: object) -> None:
        """Keep them."""


def photos(count: int = 2) -> torch.Tensor:
    return torch.randint(0, 256, (count, 3, 64, 64), dtype=torch.uint8)


@pytest.mark.parametrize(("name", "figure"), [("lpips", lpips), ("fid", fid)])
def test_weights_that_cannot_be_had(name: str, figure: Callable[..., torch.Tensor], cache: Path) -> None:
    with pytest.raises(
        cf.WeightsError, match=f"the published weights for {name} cannot be had .*or leave {name} out"
    ):
        figure(photos(), photos())


def test_lpips_with_the_file_in_its_place(cache: Path) -> None:
    torch.save(torchvision.models.alexnet().state_dict(), cache / "alexnet-owt-7be5be79.pth")
    true = photos()
    figures = lpips(true // 2, true)
    assert figures.shape == (2,)
    assert (figures > 0).all()
    torch.testing.assert_close(lpips(true // 2 / 255, true / 255), figures)
    between = [rgb / 127.5 - 1 for rgb in (true // 2, true)]  # the range that the published code takes
    torch.testing.assert_close(create_lpips()(*between).flatten(), figures.float())
    torch.testing.assert_close(lpips(true, true), torch.zeros(2, dtype=torch.float64))
    assert lpips(true[0], true[0]).shape == ()
    evaluation = cf.evaluate(
        cf.FusionColorizer.from_pretrained(), true.movedim(1, -1).numpy(), "native", figures=["lpips"]
    )
    assert evaluation.mean("gray", "lpips") > 0
    assert not evaluation.best
    with pytest.raises(cf.DataError, match="64 x 20 pixels are too few; 32 a side"):
        cf.evaluate(
            cf.FusionColorizer.from_pretrained(), true[:, :, :20].movedim(1, -1).numpy(), "native", figures=["lpips"]
        )


@pytest.mark.slow
def test_fid_with_the_file_in_its_place(cache: Path) -> None:
    torch.save({}, cache / "none.pth")
    untrained = Untrained("inception-v3-compat", ["2048"], str(cache / "none.pth"))
    for weights in untrained.parameters():
        if weights.ndim == 4:
            torch.nn.init.kaiming_normal_(weights)
    torch.save(untrained.state_dict(), cache / "weights-inception-2015-12-05-6726825d.pth")
    true = photos(6)
    theirs = FrechetInceptionDistance(feature=2048)
    theirs.update(true // 4, real=False)
    theirs.update(true, real=True)
    torch.testing.assert_close(fid(true // 4, true), theirs.compute().double())
    torch.testing.assert_close(fid(true // 4 / 255, true / 255.0), theirs.compute().double())
    assert fid(true // 4, true).item() > 1e-3
    judged = cf.evaluate(cf.FusionColorizer.from_pretrained(), true.movedim(1, -1).numpy(), "native", figures=["fid"])
    assert judged.mean("gray", "fid") > 1e-3
    for wrong in (true[:1], true[0], true[None]):
        with pytest.raises(ValueError, match=r"needs photos \(N, 3, H, W\), at least two, not \("):
            fid(wrong, wrong)


def test_without_torchmetrics() -> None:
    script = """
import sys
sys.modules["torchmetrics"] = sys.modules["torchmetrics.image"] = None
sys.modules["torch_fidelity"] = None
import torch, colorfuse
for figure in (colorfuse.metrics.lpips, colorfuse.metrics.fid):
    try:
        figure(torch.zeros(2, 3, 64, 64), torch.zeros(2, 3, 64, 64))
    except ImportError as error:
        print(error)
"""
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    needs = "needs torchmetrics and torch-fidelity: pip install 'colorfuse[metrics]'"
    assert said.splitlines() == [f"lpips {needs}", f"fid {needs}"]
