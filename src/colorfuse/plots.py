"""Pictures of a training; they need the extra `plots` (matplotlib)."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from colorfuse.training import History


def loss_curve(history: "History") -> "Figure":
    """Training and validation loss over epochs, beside the errors of gray and of one constant colour.

    Args:
        history: A colorizer's `history_`.

    Raises:
        ValueError: The history is empty.
        ImportError: matplotlib is not installed.

    Example:
        >>> figure = loss_curve([{"epoch": 1, "train_loss": 0.02}, {"epoch": 2, "train_loss": 0.01}])
        >>> figure.axes[0].get_xlabel()
        'epoch'
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("plots need matplotlib: pip install 'colorfuse[plots]'") from error
    if not history:
        raise ValueError("the history is empty; call fit first")
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot(xlabel="epoch", ylabel="loss")
    lines = {
        "train_loss": {"label": "training", "color": "tab:blue"},
        "validation_loss": {"label": "validation", "color": "tab:orange"},
        "validation_gray_error": {"label": "gray", "color": "gray", "linestyle": "--"},
        "validation_constant_error": {"label": "constant colour", "color": "tab:brown", "linestyle": "--"},
    }
    for name, style in lines.items():
        rows = [row for row in history if name in row]
        if rows:
            axes.plot([row["epoch"] for row in rows], [row[name] for row in rows], **style)  # type: ignore[arg-type]
    axes.legend()
    axes.grid(alpha=0.3)
    return figure
