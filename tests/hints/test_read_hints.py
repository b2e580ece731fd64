"""Reading of hints in all their forms."""

import dataclasses
import io
import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hint_colors import ab_of
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from skimage import color, data

import colorfuse as cf
from colorfuse.hints import Layer, Point, Stroke, match_hints, pair_hints
from colorfuse.hints.colors import lab_of
from colorfuse.images import read_photo

OLIVE = ab_of("#5b6236")


def only(hints: cf.Hints) -> Any:
    (mark,) = hints.marks
    return mark


def layer_image(size: tuple[int, int] = (40, 30), alpha: int = 255) -> Image.Image:
    layer = Image.new("RGBA", size)
    layer.putpixel((7, 5), (0x5B, 0x62, 0x36, alpha))
    return layer


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_colours_are_those_of_scikit_image(rgb: tuple[int, int, int]) -> None:
    expected = color.rgb2lab(np.array(rgb) / 255)[1:]
    for written in (
        "#{:02x}{:02x}{:02x}".format(*rgb),
        rgb,
        np.array(rgb),
        tuple(value / 255 for value in rgb),
        f"rgb({rgb[0]}, {rgb[1]}, {rgb[2]})",
    ):
        np.testing.assert_allclose(ab_of(written), expected, atol=0.02)


def test_other_forms_of_colours() -> None:
    assert ab_of("olive") == ab_of((128, 128, 0))
    assert ab_of({"ab": [3, -4]}) == (3.0, -4.0)
    assert ab_of({"ab": [200, -200]}) == (200.0, -200.0)
    assert ab_of(None) == ab_of("gray") == ab_of((7, 7, 7)) == (0.0, 0.0)


@pytest.mark.parametrize(
    "wrong",
    [
        "rad",
        "#12",
        (1, 2),
        (1, 2, 300),
        (0.5, 0.5, 1.5),
        {"ab": [1]},
        {"lab": [1, 2]},
        {"ab": [1, 900]},
        {"ab": [1, 2], "L": 3},
        {"ab": [5, float("nan")]},
        7,
        True,
        "rgb(300, 0, 0)",
    ],
)
def test_what_is_no_colour_is_shown(wrong: Any) -> None:
    with pytest.raises(cf.HintsError, match="is no colour; give one as in '#5b6236'") as caught:
        ab_of(wrong)
    assert repr(wrong) in str(caught.value)


def test_points_in_all_forms(tmp_path: Path) -> None:
    expected = Point(row=5, column=7, ab=OLIVE, radius=2.0, lightness=lab_of("#5b6236")[0])
    listed = [{"x": 7, "y": 5, "color": "#5b6236", "radius": 2}]
    (tmp_path / "a.json").write_text(json.dumps(listed))
    (tmp_path / "b.json").write_text(json.dumps({"hints": listed}))
    sources: list[Any] = [
        [(5, 7, "#5b6236", 2)],
        [(5.9, np.float32(7.2), (0x5B, 0x62, 0x36), 2)],
        listed,
        [{"row": 5, "column": 7, "color": "#5b6236", "radius": 2}],
        tmp_path / "a.json",
        str(tmp_path / "b.json"),
        cf.Hints([expected]),
    ]
    for source in sources:
        assert only(cf.read_hints(source)) == expected
    without_radius: list[Any] = [{(5, 7): "#5b6236"}, [(5, 7, "#5b6236")], [{"x": 7, "y": 5, "color": "#5b6236"}]]
    for source in without_radius:
        assert only(cf.read_hints(source)) == dataclasses.replace(expected, radius=0.0)
    assert not cf.read_hints([])


def test_strokes_from_json_and_python(tmp_path: Path) -> None:
    written = {"path": [[7, 5], [9.5, 6]], "color": "#5b6236", "radius": 2}
    expected = Stroke(path=((5, 7), (6, 9)), ab=OLIVE, radius=2.0, lightness=lab_of("#5b6236")[0])
    (tmp_path / "a.json").write_text(json.dumps([written, {"x": 1, "y": 2, "color": "red"}]))
    assert cf.read_hints(tmp_path / "a.json").marks[0] == expected
    for source in ([written], [expected]):
        assert only(cf.read_hints(source)) == expected
    del written["radius"]
    assert only(cf.read_hints([written])) == dataclasses.replace(expected, radius=0.0)
    with pytest.raises(cf.HintsError, match="the hint at row 6, column 9 is outside the photo"):
        cf.Hints([expected]).check((20, 9))


@pytest.mark.parametrize("shape", [(1, 9), (9, 1), (1, 1), (5, 7)])
def test_masks_may_have_a_channel_first_or_last(shape: tuple[int, int]) -> None:
    ab, mask = np.full((2, *shape), 7.0), np.ones(shape)
    for its in (mask, mask[None], mask[..., None]):
        assert cf.read_hints((ab, its)).draw(shape, shape).amin() == 1


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif"])
def test_transparent_layers(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"strokes{suffix}"
    options: dict[str, Any] = {"lossless": True, "exact": True} if suffix == ".webp" else {}
    layer_image().save(path, **options)
    for source in (path, layer_image(), np.asarray(layer_image())):
        layer = only(cf.read_hints(source))
        assert layer.mask.nonzero().tolist() == [[5, 7]]
        assert layer.ab[:, 5, 7].tolist() == pytest.approx(OLIVE, abs=0.02)
    assert only(cf.read_hints(layer_image(alpha=204))).mask[5, 7] == pytest.approx(0.8)
    with pytest.warns(UserWarning, match="PIL image has no pixel of at least half opacity, so no hints"):
        assert not only(cf.read_hints(layer_image(alpha=120))).mask.any()  # an antialiased edge


def test_openraster_files(tmp_path: Path) -> None:
    path = tmp_path / "painting.ora"
    stack = """<image w="40" h="30"><stack>
        <layer src="data/over.png" x="-2" y="-3"/>
        <stack x="10"><layer src="data/strokes.png" y="2"/><layer src="data/hidden.png" visibility="hidden"/></stack>
        <layer src="data/beside.png" x="-90"/><layer src="data/larger.png" x="-3"/>
        <layer src="data/photo.png"/></stack></image>"""
    over = Image.new("RGBA", (10, 10))
    over.putpixel((2, 3), (255, 0, 0, 255))
    images = {
        "over": over,
        "strokes": layer_image(),
        "hidden": Image.new("RGBA", (40, 30), "blue"),
        "photo": Image.new("RGB", (40, 30), "gray"),
        "beside": Image.new("RGBA", (40, 30), "green"),
        "larger": Image.new("RGB", (60, 50), "gray"),
    }
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("stack.xml", stack)
        for name, image in images.items():
            with file.open(f"data/{name}.png", "w") as opened:
                image.save(opened, "PNG")
    layer = only(cf.read_hints(path))
    assert layer.mask.shape == (30, 40)
    assert layer.mask.nonzero().tolist() == [[0, 0], [7, 17]]
    assert layer.ab[:, 7, 17].tolist() == pytest.approx(OLIVE, abs=0.02)
    assert layer.ab[:, 0, 0].tolist() == pytest.approx(ab_of("red"), abs=0.02)


def test_openraster_files_that_hold_no_hints(tmp_path: Path) -> None:
    (tmp_path / "text.ora").write_text("no archive")
    with pytest.raises(cf.HintsError, match=r"text\.ora cannot be read as OpenRaster: File is not a zip file"):
        cf.read_hints(tmp_path / "text.ora")
    with zipfile.ZipFile(tmp_path / "photo.ora", "w") as file:
        file.writestr("stack.xml", '<image w="4" h="3"><stack><layer src="data/a.png"/></stack></image>')
        with file.open("data/a.png", "w") as opened:
            Image.new("RGB", (4, 3), "gray").save(opened, "PNG")
    with pytest.raises(cf.HintsError, match="has no visible layer with transparency; paint hints on a layer"):
        cf.read_hints(tmp_path / "photo.ora")


@given(st.data())
def test_damaged_openraster_files_are_named(given_data: st.DataObject) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("stack.xml", f'<image w="40" h="30"><stack><layer src="a.png"/></stack>{" " * 200}</image>')
        with archive.open("a.png", "w") as opened:
            layer_image().save(opened, "PNG")
    content = bytearray(file.getvalue())
    place = given_data.draw(st.integers(0, len(content) - 1))
    content[place : place + 1] = given_data.draw(st.sampled_from([b"", b"\0", b"\xff", bytes(9)]))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "damaged.ora")
        path.write_bytes(content)
        caught = None
        try:
            cf.read_hints(path)
        except cf.HintsError as error:  # unless the change did no harm
            caught = str(error)
        assert caught is None or str(path) in caught


def test_openraster_layers_have_the_opacity_of_their_groups_too(tmp_path: Path) -> None:
    path = tmp_path / "soft.ora"
    stack = """<image w="40" h="30"><stack><layer src="data/unseen.png" opacity="0"/>
        <stack opacity="0.75"><layer src="data/strokes.png" opacity="0.8"/></stack></stack></image>"""
    unseen = Image.new("RGBA", (40, 30))
    unseen.putpixel((2, 3), (255, 0, 0, 255))
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("stack.xml", stack)
        for name, image in {"unseen": unseen, "strokes": layer_image()}.items():
            with file.open(f"data/{name}.png", "w") as opened:
                image.save(opened, "PNG")
    layer = only(cf.read_hints(path))
    assert layer.mask.nonzero().tolist() == [[5, 7]]
    assert layer.mask[5, 7] == pytest.approx(0.6)


def test_an_openraster_canvas_that_does_not_fit_in_memory_is_an_error(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "vast.ora", "w") as file:
        file.writestr("stack.xml", '<image w="2000000" h="2000000"><stack/></image>')
    with pytest.raises(MemoryError, match=r"vast\.ora"):
        cf.read_hints(tmp_path / "vast.ora")


def test_marked_copies_are_compared_with_the_photo() -> None:
    gray = data.camera()[:30, :40]
    marked = np.repeat(gray[..., None], 3, axis=2)
    marked[4, 5] = 0x5B, 0x62, 0x36
    with pytest.warns(UserWarning, match="marks as gray as the photo are missed"):
        layer = only(cf.read_hints(marked, read_photo(gray)))
    assert layer.mask.nonzero().tolist() == [[4, 5]]
    with pytest.raises(cf.HintsError, match=r"of 40 x 29 pixels has no transparency.*size of 40 x 30 pixels"):
        cf.read_hints(marked[1:], read_photo(gray))
    opaque = np.dstack([marked, np.full_like(gray, 255)])
    with pytest.warns(UserWarning, match="has no transparency of its own; its hints are taken from where it differs"):
        assert only(cf.read_hints(opaque, read_photo(gray))).mask.nonzero().tolist() == [[4, 5]]
    with pytest.raises(cf.HintsError, match="has no transparency, so it is no layer of hints$"):
        cf.read_hints(marked)


def test_a_marked_copy_may_have_the_transparency_of_the_photo() -> None:
    photo = np.dstack([data.camera()[:30, :40]] * 4)
    photo[..., 3] = 255
    photo[:9, :9, 3], photo[20:, 20:, 3] = 0, 100
    marked = photo.copy()
    marked[:9, :9, :3] = 0  # what a paint program does where nothing is seen
    marked[12, 13, :3], marked[25, 26, :3] = (0x5B, 0x62, 0x36), (200, 30, 30)
    with pytest.warns(UserWarning, match="has no transparency of its own"):
        layer = only(cf.read_hints(marked, read_photo(photo)))
    assert layer.mask.nonzero().tolist() == [[12, 13], [25, 26]]
    assert layer.ab[:, 12, 13].tolist() == pytest.approx(OLIVE, abs=0.02)


def test_arrays_and_masks() -> None:
    ab, mask = np.zeros((2, 30, 40), np.float32), np.zeros((1, 30, 40))
    ab[:, 4, 5], mask[0, 4, 5] = (3, 4), 1
    for colors, marked in ((ab, mask), (np.moveaxis(ab, 0, -1), mask[0]), (torch.from_numpy(ab), mask > 0)):
        layer = only(cf.read_hints((colors, marked)))
        assert layer.mask.nonzero().tolist() == [[4, 5]]
        assert layer.ab[:, 4, 5].tolist() == [3.0, 4.0]
    first, second = cf.read_hints({"#5b6236": mask[0] > 0, None: np.ones((30, 40), bool)}).marks
    assert isinstance(first, Layer)
    assert isinstance(second, Layer)
    assert first.ab[:, 4, 5].tolist() == pytest.approx(OLIVE)
    assert second.mask.all()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ([(1, 2)], r"\(1, 2\) is no hint; give \(row, column, color\)"),
        (["red"], "'red' is no hint"),
        ([{"x": 1, "color": "red"}], "is no hint; give one as in"),
        ([{"x": 1, "y": 2, "colour": "red"}], "is no hint; give one as in"),
        ([{"x": 1, "y": 2, "color": "red", "opacity": 1}], "is no hint; give one as in"),
        ([{"x": 1, "y": 2, "row": 2, "column": 1, "color": "red"}], "is no hint; give one as in"),
        ([{"path": [], "color": "red"}], "is no stroke; give one as in"),
        ([{"path": [[1, 2, 3]], "color": "red"}], "is no stroke"),
        ([{"path": 7, "color": "red"}], "is no stroke"),
        ([{"path": [[1, 2]], "x": 1, "color": "red"}], "is no stroke"),
        ([{"path": [[1, "b"]], "color": "red"}], "the row of a hint must be a number of pixels, not 'b'"),
        ([("a", 2, "red")], "the row of a hint must be a number of pixels, not 'a'"),
        ([(1, float("nan"), "red")], "the column of a hint must be a number of pixels, not nan"),
        ([(1, 2, "red", -1)], "the radius of a hint must be at least 0, not -1"),
        ((np.zeros((3, 4, 4)), np.zeros((4, 4))), r"not of the shapes \(3, 4, 4\) and \(4, 4\)"),
        ((np.full((2, 4, 4), np.inf), np.ones((4, 4))), "not finite"),
        ({"red": "blue"}, "a dict must map colours to masks"),
        ({"red": np.zeros((2, 3, 4))}, r"the mask of 'red' must have the photo's shape"),
        (7, "7 is no hints"),
        ((3, 4, "red"), r"\(3, 4, 'red'\) is one hint; give a list of hints: \[\(3, 4, 'red'\)\]"),
        ([(3, 4, b"red")], "b'red' is no colour"),
        ((np.full((2, 4, 4), 300), np.ones((4, 4))), "within 200 of 0, in CIELAB units, not 300"),
        ((np.full((2, 4, 4), "red"), np.ones((4, 4))), "must be of numbers, not <U3"),
    ],
)
def test_wrong_hints_are_shown(wrong: Any, said: str) -> None:
    with pytest.raises(cf.HintsError, match=said):
        cf.read_hints(wrong)


MASK = np.eye(8, 9, dtype=np.uint16)
AB = np.stack([30 * MASK, -20.0 * MASK])


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({(150, 98, 70): np.flipud(np.flipud(MASK))}, id="negative strides"),
        pytest.param({(150, 98, 70): MASK.astype(">f4")}, id="other byte order"),
        pytest.param((AB[:, ::-1][:, ::-1], MASK.T.copy().T), id="a pair of odd strides"),
        pytest.param([AB, MASK], id="a list"),
        pytest.param((torch.tensor(AB, requires_grad=True), torch.tensor(MASK)), id="tensors"),
        pytest.param([Layer(torch.from_numpy(AB), torch.from_numpy(MASK > 0))], id="a layer"),
    ],
)
def test_arrays_are_read_whatever_their_types(given: Any) -> None:
    drawn = cf.read_hints(given).draw((8, 9), (8, 9))
    assert (drawn[2].numpy() == MASK).all()
    assert not drawn.requires_grad


def test_wrong_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "color.json").write_text('[{"x": 1, "y": 2, "color": "rad"}]')
    (tmp_path / "far.json").write_text(f'[{{"x": 1{400 * "0"}, "y": 2, "color": "red"}}]')
    (tmp_path / "deep.json").write_text(100_000 * "[")
    wrong = {
        "bad": "is no JSON",
        "list": "must be a list of hints",
        "color": "'rad' is no colour",
        "far": "the column of a hint must be a number of pixels",
        "deep": "is no JSON",
    }
    for name, said in wrong.items():
        with pytest.raises(cf.HintsError, match=said) as caught:
            cf.read_hints(tmp_path / f"{name}.json")
        assert f"{name}.json" in str(caught.value)
    with pytest.raises(FileNotFoundError):
        cf.read_hints(tmp_path / "nowhere.json")
    (tmp_path / "none.json").write_text('{"hints": []}')
    with pytest.warns(UserWarning, match=r"none\.json has no hints"):
        assert not cf.read_hints(tmp_path / "none.json")


def test_photos_are_paired_with_hints(tmp_path: Path) -> None:
    folder = tmp_path / "hints"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.json").write_text("[]")
    (folder / "sub" / "b.png").touch()
    photos = [tmp_path / "a.tif", tmp_path / "sub" / "b.jpg", tmp_path / "c.jpg"]
    found = [hints for _, hints in pair_hints(photos, folder, tmp_path)]
    assert found == [folder / "a.json", folder / "sub" / "b.png", None]
    assert [hints for _, hints in pair_hints(photos, [None, [], [(1, 2, "red")]])] == [None, [], [(1, 2, "red")]]
    with pytest.raises(cf.HintsError, match="there are 3 photos and 2 hints; give hints, or None, for each photo"):
        pair_hints(photos, [None, None])
    with pytest.raises(cf.HintsError, match="there are more photos than the 2 hints"):
        list(pair_hints(photos, iter([None, None])))
    with pytest.raises(cf.HintsError, match="there are more hints than the 3 photos"):
        list(pair_hints(iter(photos), [None] * 4))
    with pytest.raises(cf.HintsError, match="is no folder; hints for several photos"):
        pair_hints(photos, folder / "a.json")
    with pytest.raises(cf.HintsError, match="must be a folder, or a list"):
        pair_hints(photos, {(1, 2): "red"})
    with pytest.raises(cf.HintsError, match="needs photos with names"):
        list(pair_hints([np.zeros((4, 4), np.uint8)], folder))
    (folder / "a.png").touch()
    with pytest.raises(cf.HintsError, match=r"a\.json and .*a\.png are both hints for a\.tif"):
        pair_hints(photos, folder, tmp_path)
    with pytest.raises(cf.HintsError, match="has no hints for any of the photos; name each file like its photo"):
        pair_hints(photos[2:], folder)


def test_one_photo_gets_the_hints_of_its_name_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "hints").mkdir()
    cf.write_photo(tmp_path / "a.png", data.camera()[:40, :50])
    (tmp_path / "hints" / "a.json").write_text('[{"x": 9, "y": 9, "color": "olive"}]')
    colorizer = cf.create_colorizer("levin2004")
    [(_, colored)] = colorizer.predict_each(tmp_path / "a.png", hints=tmp_path / "hints")
    assert (colored[..., 1] > colored[..., 2]).any()


def test_files_of_hints_that_are_like_no_photo_are_named(tmp_path: Path) -> None:
    (tmp_path / "hints").mkdir()
    photos = [(tmp_path / name, Path(name)) for name in ("a.png", "b.png")]
    for path in (*(photo for photo, _ in photos), tmp_path / "hints" / "a.png", tmp_path / "hints" / "lost.png"):
        path.touch()
    with pytest.warns(UserWarning, match=r"1 of the files in .*hints are named like no photo: lost.png"):
        assert match_hints(photos, tmp_path / "hints")[1][1] is None


def test_hints_beside_photos_are_no_photos(tmp_path: Path) -> None:
    photos = [tmp_path / "a.png", tmp_path / "b.png", tmp_path / "hints" / "A.PNG", tmp_path / "hints" / "b.PNG"]
    (tmp_path / "hints").mkdir()
    for photo in photos:
        photo.touch()
    below = [(photo, photo.relative_to(tmp_path)) for photo in photos]
    assert match_hints(below, tmp_path / "hints") == [(photos[0], None), (photos[1], photos[3])]
    (tmp_path / "b.json").touch()
    assert match_hints(below[:2], tmp_path) == [(photos[0], None), (photos[1], tmp_path / "b.json")]


def test_no_photo_of_a_list_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    photos = [tmp_path / "scans" / "a.png", tmp_path / "b.png"]
    for path in (*photos, tmp_path / "scans" / "a.json"):
        path.touch()
    hints = [tmp_path / "scans" / "a.json", None]
    assert list(pair_hints(photos, tmp_path / "scans")) == list(zip(photos, hints, strict=True))


def test_hints_may_be_named_as_the_studio_names_them(tmp_path: Path) -> None:
    (tmp_path / "hints").mkdir()
    (tmp_path / "hints" / "a.tif.json").touch()
    photo = tmp_path / "a.tif"
    assert list(pair_hints([photo], tmp_path / "hints")) == [(photo, tmp_path / "hints" / "a.tif.json")]


def test_copies_that_are_no_marked_copies_are_rejected(tmp_path: Path) -> None:
    photo = cf.read_photo(data.camera())
    with pytest.raises(cf.HintsError, match="differs from the photo nowhere; give marks on a transparent layer"):
        cf.read_hints(np.stack([data.camera()] * 3, axis=-1), photo)
    Image.fromarray(data.camera()).convert("RGB").save(tmp_path / "copy.jpg", quality=20)
    with pytest.raises(cf.HintsError, match="a little nearly everywhere, as after JPEG compression; give marks"):
        cf.read_hints(tmp_path / "copy.jpg", photo)
    with pytest.raises(cf.HintsError, match="is a folder, which has hints for a folder of photos"):
        cf.read_hints(tmp_path, photo)
