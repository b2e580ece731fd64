import pytest
import torch

from colorfuse.objectives import objectives


def test_squared_error_is_in_the_papers_unit() -> None:
    objective = objectives.create("mse")
    ab = torch.empty(2, 2, 4, 4).uniform_(-100, 100)
    expected = ((ab / 127.5) ** 2).mean()
    assert objective(torch.zeros_like(ab), ab).item() == pytest.approx(expected.item())


@pytest.mark.parametrize("name", objectives.names())
def test_perfect_planes_read_as_the_truth(name: str) -> None:
    objective = objectives.create(name)
    ab = torch.empty(2, 2, 4, 4).uniform_(-100, 100)
    planes = (ab / 127.5).requires_grad_()
    assert objective(planes, ab).item() == pytest.approx(0, abs=1e-12)
    torch.testing.assert_close(objective.read(planes).detach(), ab)


def test_an_unknown_name() -> None:
    with pytest.raises(ValueError, match="no objective is called 'mes'; .* mse"):
        objectives.create("mes")
