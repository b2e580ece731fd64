import random
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset, Subset, TensorDataset

import colorfuse as cf
from colorfuse.data.loading import Loader
from colorfuse.data.transforms import TransformedStream

CONSTANT = TensorDataset(torch.arange(10.0)[:, None, None, None].expand(10, 1, 4, 4), torch.zeros(10, 2, 4, 4))


class Drawing(Dataset[Any]):
    """Samples that are drawn from all generators in use."""

    def __len__(self) -> int:
        return 9

    def __getitem__(self, index: int) -> Any:
        drawn = [torch.rand(()).item(), np.random.rand(), random.random()]  # noqa: NPY002
        return torch.tensor(drawn).reshape(1, 3, 1), torch.zeros(2, 3, 1)


def epoch(data: Dataset[Any], number: int, workers: int, seed: int = 0) -> Tensor:
    return torch.cat([batch.lightness for batch in Loader(data, 3, workers, seed=seed).epoch(number)])


def test_what_is_drawn_is_a_function_of_seed_and_epoch() -> None:
    first = epoch(Drawing(), 1, 0)
    assert len(first.unique()) == first.numel()
    for workers in (0, 1, 2):
        assert torch.equal(epoch(Drawing(), 1, workers), first)
    assert not torch.equal(epoch(Drawing(), 2, 0), first)
    assert not torch.equal(epoch(Drawing(), 1, 0, seed=1), first)


def test_the_callers_generators_stay() -> None:
    states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()  # type: ignore[index]  # noqa: NPY002
    epoch(Drawing(), 1, 0)
    assert random.getstate() == states[0]
    assert np.random.get_state()[1].tolist() == states[1]  # type: ignore[index]  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), states[2])


class Weighted(TensorDataset):
    sample_weights = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 3.0, 0.0)


def test_samples_are_drawn_by_their_weights() -> None:
    data = Weighted(*CONSTANT.tensors)
    drawn = torch.cat([epoch(data, number, 0)[:, 0, 0, 0] for number in range(50)])
    assert set(drawn.tolist()) == {6.0, 8.0}
    assert (drawn == 8).float().mean().item() == pytest.approx(0.75, abs=0.06)
    assert set(epoch(Subset(data, [0, 6]), 0, 0).unique().tolist()) == {6.0}
    with pytest.raises(cf.DataError, match="weights of all 2 samples are 0"):
        Loader(Subset(data, [0, 1]), 2, 0, seed=0)
    assert len(Loader(Subset(data, [0, 1]), 2, 0)) == 1  # in order, as in validation, weights do not matter


class Oversampled(Drawing):
    sample_weights = (1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def test_a_photo_that_is_drawn_again_is_seen_anew() -> None:
    assert len(epoch(Oversampled(), 0, 0).unique()) == 27


def test_an_empty_dataset_is_refused() -> None:
    for workers in (None, 0):
        with pytest.raises(cf.DataError, match="Subset is empty"):
            Loader(Subset(CONSTANT, []), 2, workers)


def test_a_stream_is_told_the_epoch() -> None:
    class Stream(IterableDataset[Any]):
        epoch = 0

        def set_epoch(self, epoch: int) -> None:
            self.epoch = epoch

        def __iter__(self) -> Any:
            return iter([(torch.full((1, 4, 4), self.epoch), torch.zeros(2, 4, 4))])

    stream = TransformedStream(Stream(), lambda lab: lab)
    stream.set_epoch(5)
    assert next(iter(stream))[0].max() == 5
