from hypothesis import given
from hypothesis import strategies as st

from colorfuse.backbones.input_sizes import Size, find_size_rule

SIDES = st.integers(32, 2000)


@given(SIDES, SIDES, st.sampled_from([1, 8, 14, 16, 32, 64, 224]), st.sampled_from([1, 2]))
def test_the_size_is_one_that_is_taken_and_near(height: int, width: int, multiple: int, least: int) -> None:
    def takes(size: Size) -> bool:
        return all(side % multiple == 0 and side >= least * multiple for side in size)

    sizing = find_size_rule(takes, (448, 448))
    sized = sizing((height, width))
    assert takes(sized)
    assert all(
        side <= now <= max(side + multiple, 2 * multiple) for side, now in zip((height, width), sized, strict=True)
    )


@given(SIDES, SIDES)
def test_a_model_of_one_size_gets_that(height: int, width: int) -> None:
    assert find_size_rule(lambda size: size == (336, 448), (336, 448))((height, width)) == (336, 448)
    assert find_size_rule(lambda size: False, (336, 448))((height, width)) == (height, width)
