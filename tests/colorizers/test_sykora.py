"""LazyBrush, the system of Sýkora et al. 2009."""

import importlib.util
import itertools
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage import data
from skimage.draw import disk

import colorfuse as cf
from colorfuse.colorizers import Sykora2009
from colorfuse.colorizers.cuts import minimum_cut

SOLVERS = ["ortools", "scipy"] if importlib.util.find_spec("ortools") else ["scipy"]


def cost(side: NDArray[Any], pairs: Any, capacities: Any, from_source: Any, to_sink: Any) -> int:
    """The capacities of the edges that are cut."""
    cut = capacities[side[pairs[:, 0]] != side[pairs[:, 1]]].sum()
    return int(cut + from_source[~side].sum() + to_sink[side].sum())


@settings(max_examples=60)
@given(st.integers(1, 3), st.integers(1, 4), st.integers(0, 10**6))
def test_cuts_are_minimum(height: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    nodes = np.arange(height * width).reshape(height, width)
    edges = (nodes[:, :-1], nodes[:, 1:]), (nodes[:-1], nodes[1:])
    pairs = np.concatenate([np.stack([one.ravel(), other.ravel()], axis=1) for one, other in edges])
    capacities, (sources, sinks) = rng.integers(1, 20, len(pairs)), rng.integers(0, 15, (2, nodes.size))
    graph = pairs, capacities, sources, sinks
    best = min(cost(np.array(side), *graph) for side in itertools.product([False, True], repeat=nodes.size))
    for solver in SOLVERS:
        assert cost(minimum_cut(pairs, capacities, sources, sinks, solver), *graph) == best


def energy(labels: NDArray[Any], drawing: NDArray[Any], strokes: NDArray[Any], softness: float) -> float:
    """The energy of a labelling as in section 4 of the paper, with borders between pixels by their lighter one."""
    intensity = cf.gray_to_lightness(torch.from_numpy(drawing)[None])[0].numpy() / 100
    perimeter = 2 * sum(drawing.shape)
    total = 0.0
    for axis in (0, 1):
        one, other = (np.take(labels, range(start, labels.shape[axis] - 1 + start), axis) for start in (0, 1))
        lit = [np.take(intensity, range(start, labels.shape[axis] - 1 + start), axis) for start in (0, 1)]
        total += ((1 + np.rint(perimeter * np.minimum(*lit))) * (one != other)).sum()
    overruled = (strokes >= 0) & (strokes != labels)
    return total + max(1, round((1 - softness) * perimeter)) * int(overruled.sum())


@settings(max_examples=30)
@given(st.integers(2, 3), st.integers(2, 4), st.sampled_from([0.5, 0.9, 0.95]), st.integers(0, 10**6))
def test_two_colours_have_the_least_energy(height: int, width: int, softness: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    drawing = rng.integers(0, 256, (height, width)).astype(np.uint8)
    strokes = rng.integers(-2, 2, (height, width)).clip(min=-1)
    strokes.flat[:2] = 0, 1
    colors = np.array([[255, 0, 0], [0, 0, 255]], np.uint8)
    hints = [(*place, tuple(colors[strokes[tuple(place)]].tolist())) for place in np.argwhere(strokes >= 0).tolist()]
    least = min(
        energy(np.array(labels).reshape(height, width), drawing, strokes, softness)
        for labels in itertools.product([0, 1], repeat=height * width)
    )
    for solver in SOLVERS:
        system = Sykora2009(softness=softness, solver=solver)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "the strokes of 1 colour are overruled")
            system.predict(drawing, hints=hints)
        reds = int(system.colors_[:, 1].argmax())
        labels = np.where(system.labels_ == reds, 0, 1)
        assert energy(labels, drawing, strokes, softness) == least


def ring(gap: int) -> NDArray[np.uint8]:
    """A circle of ink with a gap."""
    drawing = np.full((96, 96), 255, np.uint8)
    drawing[disk((48, 48), 30)] = 0
    drawing[disk((48, 48), 28)] = 255
    drawing[48 - gap // 2 : 48 - gap // 2 + gap, 70:] = 255
    return drawing


INSIDE = np.zeros((96, 96), bool)
INSIDE[disk((48, 48), 28)] = True
OUTSIDE = np.ones((96, 96), bool)
OUTSIDE[disk((48, 48), 31)] = False
STROKES = [(48, 48, "gold", 16), *((row, 5, "royalblue", 2) for row in range(10, 86, 2))]


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("gap", [0, 4, 12])
def test_gaps_are_bridged(gap: int, solver: str) -> None:
    system = Sykora2009(render_size=96, solver=solver)
    painted = system.predict(ring(gap), hints=STROKES)
    gold, blue = np.array([255, 215, 0]), np.array([65, 105, 225])
    right = (np.abs(painted.astype(int) - gold).max(axis=2) < 3)[INSIDE].sum()
    right += (np.abs(painted.astype(int) - blue).max(axis=2) < 3)[OUTSIDE].sum()
    assert right / (INSIDE.sum() + OUTSIDE.sum()) > 0.97
    assert (painted[ring(gap) == 0] == 0).all()
    assert system.labels_.shape == (96, 96)
    assert set(np.unique(system.labels_)) == {0, 1}
    assert system.colors_.shape == (2, 3)


def test_soft_strokes_may_overrun_and_hard_ones_may_not() -> None:
    overrun = [*STROKES, (48, 80, "gold", 3)]
    soft = Sykora2009(render_size=96).predict(ring(0), hints=overrun)
    hard = Sykora2009(render_size=96, softness=0.0).predict(ring(0), hints=overrun)
    assert soft[48, 80].tolist() == [65, 105, 225]
    assert hard[48, 80].tolist() == [255, 215, 0]
    assert hard[20, 85].tolist() == [65, 105, 225]


def test_a_hard_click_stays_among_soft_strokes() -> None:
    click = [*STROKES, (48, 60, "tomato", 2)]
    with pytest.warns(UserWarning, match="the strokes of 1 colour are overruled everywhere"):
        soft = Sykora2009(render_size=96).predict(ring(4), hints=click)
    mixed = Sykora2009(render_size=96, hard=["tomato"]).predict(ring(4), hints=click)
    assert soft[48, 60].tolist() == [255, 215, 0]
    assert mixed[48, 60].tolist() == [255, 99, 71]
    assert mixed[48, 40].tolist() == [255, 215, 0]
    assert mixed[10, 10].tolist() == [65, 105, 225]
    all_hard = Sykora2009(render_size=96, hard=["tomato", "gold", "royalblue"]).predict(ring(4), hints=click)
    assert (all_hard == Sykora2009(render_size=96, softness=0.0).predict(ring(4), hints=click)).all()


def test_hard_white_does_not_harden_gray() -> None:
    page = np.full((60, 60), 255, np.uint8)
    strokes = [(30, 30, "tomato", 9), (30, 30, "gray", 0), (5, 5, "white", 2)]
    system = Sykora2009(render_size=60, hard=["white"])
    with pytest.warns(UserWarning, match="the strokes of 1 colour are overruled everywhere"):
        system.predict(page, hints=strokes)


@given(st.integers(0, 10**6))
@settings(max_examples=10)
def test_a_mirrored_drawing_gives_mirrored_colours(seed: int) -> None:
    rng = np.random.default_rng(seed)
    drawing = np.where(rng.random((40, 50)) < 0.2, 0, 255).astype(np.uint8)
    hints = [
        (int(row), int(column), color, 2)
        for (row, column), color in zip(rng.integers(0, 40, (3, 2)), ("red", "green", "blue"), strict=True)
    ]
    mirrored = [(row, 49 - column, *rest) for row, column, *rest in hints]
    system = Sykora2009(render_size=45, softness=0.0)
    painted = system.predict(drawing, hints=hints)
    again = system.predict(drawing[:, ::-1], hints=mirrored)[:, ::-1]
    assert (np.abs(painted.astype(int) - again).max(axis=2) <= 1).all()


@pytest.mark.parametrize("ink", ["linear", "square", "log"])
@pytest.mark.parametrize("method", ["cut", "watershed"])
def test_all_ways_paint_a_closed_figure(ink: str, method: str) -> None:
    system = Sykora2009(render_size=96, method=method, ink=ink, softness=0.0)
    painted = system.predict(ring(0), hints=STROKES)
    assert (np.abs(painted[INSIDE].astype(int) - [255, 215, 0]).max(axis=1) < 3).mean() > 0.9


def test_bit_depth_alpha_and_gray_paint() -> None:
    drawing = np.zeros((96, 96, 4), np.float32)  # ink on transparent paper
    drawing[..., 3] = 1 - ring(0).astype(np.float32) / 255
    hints = [(48, 48, None, 4), (5, 5, {"ab": [40, 20]}, 3)]
    painted = Sykora2009(render_size=96, softness=0.0).predict(drawing, hints=hints)
    assert painted.dtype == np.float32
    assert painted.shape == (96, 96, 3)
    np.testing.assert_allclose(painted[48, 48, :3], 1, atol=1e-3)
    assert painted[5, 5, 0] > painted[5, 5, 1] + 0.2


def test_what_is_wrong_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for settings_, error, said in (
        ({"method": "graph"}, ValueError, "graph"),
        ({"ink": "blue"}, ValueError, "blue"),
        ({"hard": ["rad"]}, cf.HintsError, "'rad' is no colour"),
        ({"softness": 2.0}, ValueError, "softness of Sykora2009 must be less than or equal to 1"),
        ({"solver": "cplex"}, ValueError, "solver must be one of auto, ortools, scipy, not 'cplex'"),
    ):
        with pytest.raises(error, match=said):
            Sykora2009(**settings_).predict(ring(0), hints=STROKES)
    with pytest.warns(UserWarning, match="the strokes of 1 colour are overruled everywhere, since they are small"):
        Sykora2009().predict(ring(12), hints=[(48, 48, "gold"), *STROKES[1:]])
    with pytest.raises(cf.HintsError, match="Sykora2009 takes its colours from strokes alone"):
        cf.create_colorizer("sykora2009").predict(ring(0))
    with pytest.warns(UserWarning, match="array has no strokes, and stays as it is"):
        assert (Sykora2009().predict(ring(0), hints=[]) == ring(0)[..., None]).all()
    many = np.random.default_rng(0).integers(0, 256, (96, 96, 4), np.uint8) | [0, 0, 0, 255]
    many[0, 0, 3] = 0
    with pytest.raises(cf.HintsError, match="has more than 64 colours; paint strokes with a hard brush"):
        Sykora2009().predict(ring(0), hints=many.astype(np.uint8))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"install colorfuse\[cuts\]; solver='scipy' is slower"):
        Sykora2009(solver="ortools").predict(ring(0), hints=STROKES)
    assert Sykora2009(render_size=40).predict(ring(0), hints=STROKES).shape == (96, 96, 3)


@pytest.mark.parametrize(("name", "options"), [("levin2004", {}), ("qu2006", {}), ("sykora2009", {"softness": 0.0})])
def test_strokes_of_all_kinds(name: str, options: dict[str, Any]) -> None:
    system = cf.create_colorizer(name, render_size=64, **options)
    gray = data.camera()[:96, :96] if name == "levin2004" else ring(0)
    for wrong, said in (
        (np.full((9, 9, 4), 128, np.uint8), "the layer of hints has 9 x 9 pixels, and the photo 96 x 96"),
        ([(5, 96, "red")], "row 5, column 96 is outside the photo"),
        ([(5, 5, "rad")], "'rad' is no colour"),
    ):
        with pytest.raises(cf.HintsError, match=said):
            system.predict(gray, hints=wrong)
    everywhere = np.full((96, 96, 4), 255, np.uint8)
    everywhere[..., :3] = 200, 120, 40
    everywhere[0, 0, 3] = 254
    covered = system.predict(gray, hints=everywhere)
    colorful = np.full((96, 96, 3), 128, np.uint8)
    colorful[:, 48:] = 90, 140, 129
    again = system.predict(cf.read_photo(colorful), hints=[*STROKES, (48, 48, "navy", 8)])
    assert covered.shape == again.shape == (96, 96, 3)
    assert np.ptp(covered[48, 48].astype(int)) > 50
    assert again[48, 48, 0] < again[48, 48, 2]  # the last of strokes that contradict each other counts
    prepared = system.prepare(gray)
    assert (prepared.predict(STROKES) == system.predict(gray, hints=STROKES)).all()
