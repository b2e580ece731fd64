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
    with pytest.raises(ValueError, match="'repeated' is already registered"):
        registry.register("repeated")(list)


def test_an_unknown_name_is_answered_with_the_closest(registry: Registry[list[int]]) -> None:
    with pytest.raises(ValueError, match="no list is called 'repaeted'; .*closest are repeated"):
        registry.create("repaeted", 7)


def test_an_unknown_option_is_named(registry: Registry[list[int]]) -> None:
    with pytest.raises(ValueError, match="'repeated' does not take .*'count': 3"):
        registry.create({"name": "repeated", "count": 3}, 7)


@pytest.mark.parametrize("spec", [None, 3, {"times": 3}, ["repeated"]])
def test_a_spec_that_is_no_spec_is_refused(registry: Registry[list[int]], spec: object) -> None:
    with pytest.raises(TypeError, match="list must be a name or a mapping"):
        registry.create(spec, 7)  # type: ignore[arg-type]
