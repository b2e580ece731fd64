import functools
import os
import re
import shutil
import subprocess
import sys
import types
from pathlib import Path

import pytest

from colorfuse.registry import Registry


@pytest.fixture
def registry() -> Registry[list[int]]:
    made: Registry[list[int]] = Registry("list")

    @made.register("repeated")
    def repeated(value: int, times: int = 2) -> list[int]:
        return [value] * times

    return made


def test_create_by_name_and_by_options(registry: Registry[list[int]]) -> None:
    assert registry.create("repeated", 7) == [7, 7]
    assert registry.create({"name": "repeated", "times": 3}, 7) == [7, 7, 7]


def test_names_match_a_pattern(registry: Registry[list[int]]) -> None:
    registry.register("other")(list)
    assert registry.names("rep*") == ["repeated"]
    assert registry.names() == ["other", "repeated"]


def test_a_duplicate_name_is_refused(registry: Registry[list[int]]) -> None:
    with pytest.raises(ValueError, match="there is a list 'repeated' already; choose another name"):
        registry.register("repeated")(list)


def test_what_is_defined_anew_takes_its_place(registry: Registry[list[int]]) -> None:
    for value in (1, 2):

        @registry.register("cell")
        def cell(value: int = value) -> list[int]:
            return [value]

    assert registry.create("cell") == [2]


def test_what_only_has_the_same_name_does_not(registry: Registry[list[int]]) -> None:
    def cell() -> list[int]:
        return [3]

    elsewhere = types.FunctionType(cell.__code__, {"__name__": "another"}, "cell")
    for name, one, other in (
        ("cell", cell, elsewhere),
        ("partial", functools.partial(list), functools.partial(list)),  # which have no names of their own
    ):
        registry.register(name)(one)
        registry.register(name)(one)
        with pytest.raises(ValueError, match=f"there is a list {name!r} already"):
            registry.register(name)(other)


def test_without_a_name_nothing_is_registered(registry: Registry[list[int]]) -> None:
    for name in (list, 5):
        with pytest.raises(TypeError, match=r"registered under a name, @register_list\('mine'\), not"):
            registry.register(name)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"times": "3"}, "times of the list 'repeated' must be a valid integer, not '3'"),
        ({"times": 2.5}, "times of the list 'repeated' must be a valid integer, not 2.5"),
        ({"times": True}, "times of the list 'repeated' must be a valid integer, not True"),
        ({"value": 3}, "value is no option of the list 'repeated'; its options are times"),
    ],
)
def test_options_are_checked_by_their_types(
    registry: Registry[list[int]], options: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        registry.create({"name": "repeated", **options}, 7)


def test_options_of_types_that_json_has_not_are_not_checked(registry: Registry[list[int]]) -> None:
    @registry.register("open")
    def opened(path: Path = Path(), anything: object = None, bare=3) -> list[int]:  # type: ignore[no-untyped-def]
        return [bare]

    assert registry.create({"name": "open", "path": "a", "anything": [1], "bare": 7}) == [7]


def test_an_option_without_a_default_must_be_given(registry: Registry[list[int]]) -> None:
    @registry.register("strict")
    def strict(times: int) -> list[int]:
        return [times]

    assert registry.create({"name": "strict", "times": 4}) == [4]
    with pytest.raises(ValueError, match="'strict' cannot be built with the options {}: missing .* 'times'"):
        registry.create("strict")


def test_options_beyond_the_named_ones_are_passed_on(registry: Registry[list[int]]) -> None:
    @registry.register("any")
    def anything(times: int = 2, **others: int) -> list[int]:
        return [times, *others.values()]

    assert registry.create({"name": "any", "depth": 4}) == [2, 4]


@pytest.mark.parametrize(
    ("name", "closest"),
    [
        ("RepNet-18", "repnet18, repnet_18d, rep-net-18-b"),  # written otherwise or in part: the shortest three
        ("repent_18d", "repnet_18d, repnet18, repnet18_wide"),  # misspelt: the likest three
        ("zzz", "zoo, repeated, repnet18, repnet_18d, rep-net-18-b"),  # like none: the shortest five
        ("", "zoo, repeated, repnet18, repnet_18d, rep-net-18-b"),
    ],
)
def test_an_unknown_name_is_answered_with_the_closest(registry: Registry[list[int]], name: str, closest: str) -> None:
    for other in ("repnet18_wide", "rep-net-18-b", "repnet_18d", "zoo", "repnet18"):
        registry.register(other)(list)
    with pytest.raises(ValueError, match=f"^no list is called {name!r}; of 6 known, the closest are {closest}$"):
        registry.create(name, 7)


def test_an_unknown_option_is_named(registry: Registry[list[int]]) -> None:
    with pytest.raises(ValueError, match="count is no option of the list 'repeated'; its options are times"):
        registry.create({"name": "repeated", "count": 3}, 7)


@pytest.mark.parametrize("spec", [None, 3, {"times": 3}, ["repeated"]])
def test_a_spec_that_is_no_spec_is_refused(registry: Registry[list[int]], spec: object) -> None:
    said = f"list must be a name or a mapping with a 'name' and options, not {spec!r}"
    with pytest.raises(TypeError, match=f"^{re.escape(said)}$"):
        registry.create(spec, 7)  # type: ignore[arg-type]


def test_a_part_in_the_place_of_its_name_is_told_how_to_get_one(registry: Registry[list[int]]) -> None:
    own = r"not function; register a class of your own by @colorfuse\.register_list\('mine'\) first$"
    with pytest.raises(TypeError, match=own):
        registry.create(lambda: [3])  # type: ignore[arg-type]


def test_what_is_registered_knows_its_name(registry: Registry[list[int]]) -> None:
    @registry.register("three")
    def three() -> list[int]:
        return [3]

    assert registry.name_of(three) == "three"
    with pytest.raises(ValueError, match="^list is registered under no name; use @register_list$"):
        registry.name_of(list)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installed packages: two parts for lists, one of them under a name that is taken, and a broken one."""
    (tmp_path / "plug_ins.py").write_text("def shout(word):\n    return [word.upper()]\n")
    (tmp_path / "plug_ins_broken.py").write_text("raise RuntimeError('this module is broken')\n")
    metadata = tmp_path / "plug_ins-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: plug-ins\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[colorfuse.lists]\nshout = plug_ins:shout\nrepeated = plug_ins:shout\nbroken = plug_ins_broken:any\n"
    )
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("site")
def test_plug_ins_are_found_and_the_broken_are_named(registry: Registry[list[int]]) -> None:
    with pytest.warns(UserWarning, match="is passed over") as caught:
        assert registry.names() == ["repeated", "shout"]
    assert sorted(str(warning.message) for warning in caught) == [
        "the plug-in plug_ins:shout for the list 'repeated' is passed over: "
        "ValueError: there is a list 'repeated' already; choose another name",
        "the plug-in plug_ins_broken:any for the list 'broken' is passed over: RuntimeError: this module is broken",
    ]
    assert list(map(str, registry.create("shout", "hey"))) == ["HEY"]
    assert "shout" in registry


USE = """
import warnings
warnings.simplefilter("always")
with warnings.catch_warnings(record=True) as caught:
    import colorfuse as cf
    assert not caught and "colorfuse_plug_in" not in __import__("sys").modules
    assert "edges_of_a_plug_in" in cf.list_backbones("edges*")
    assert cf.list_fusions("*_of_a_plug_in") == ["last_of_a_plug_in"]
    colorizer = cf.FusionColorizer(
        encoder="none", backbone="edges_of_a_plug_in", fusion="last_of_a_plug_in", pretrained=False
    ).initialize()
for warning in caught:
    print(warning.message)
print(colorizer.predict(__import__("numpy").zeros((40, 50), "uint8")).shape)
"""


@pytest.mark.slow
def test_an_installed_plug_in(tmp_path: Path) -> None:
    source = shutil.copytree(Path(__file__).with_name("plug_in"), tmp_path / "source")
    install = [sys.executable, "-m", "pip", "install", "--no-deps", "--target", str(tmp_path / "site"), str(source)]
    subprocess.run(install, check=True, capture_output=True)
    used = subprocess.run(
        [sys.executable, "-c", USE],
        env=os.environ | {"PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=True,
    )
    *warned, shape = used.stdout.splitlines()
    assert shape == "(40, 50, 3)"
    assert sorted(warned) == [
        "the plug-in colorfuse_plug_in.broken:Anything for the backbone 'broken' is passed over: "
        "RuntimeError: this module is broken",
        "the plug-in colorfuse_plug_in:Edges for the backbone 'mobilenetv1_100' is passed over: "
        "ValueError: there is a backbone 'mobilenetv1_100' already; choose another name",
    ]
