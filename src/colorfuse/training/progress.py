"""The progress of a training run."""

from dataclasses import dataclass, field

from colorfuse.training.history import History
from colorfuse.training.stepping import BatchMetrics


@dataclass
class Progress:
    """How far training has come, as plain numbers that a checkpoint can store.

    Attributes:
        history: The metrics of the finished epochs.
        batches: The number of finished batches in the current epoch.
        loss: The sum of their losses.
        color: The sums of their mean a and of their mean b.
    """

    history: History = field(default_factory=list)
    batches: int = 0
    loss: float = 0.0
    color: list[float] = field(default_factory=lambda: [0.0, 0.0])

    def add(self, figures: BatchMetrics) -> None:
        """Add the figures of a batch."""
        self.batches += 1
        self.loss += figures.loss
        self.color = [self.color[0] + figures.mean_a, self.color[1] + figures.mean_b]

    def end_epoch(self, row: dict[str, float]) -> None:
        """Append the metrics of the finished epoch to the history, and start the next one."""
        self.history.append(row)
        self.batches, self.loss, self.color = 0, 0.0, [0.0, 0.0]
