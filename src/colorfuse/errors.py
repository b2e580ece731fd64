"""The exceptions of colorfuse, other than plain `ValueError` and `TypeError`, and parts of their messages."""

from collections.abc import Sequence


class PhotoError(ValueError):
    """Raised when a photo cannot be read or is not as expected; the message names it."""


class HintsError(ValueError):
    """Raised when hints cannot be read or do not fit their photo; the message shows the offending value."""


class VideoError(ValueError):
    """Raised when a film cannot be read or written; the message names it."""


class DataError(ValueError):
    """Raised when a dataset is damaged, empty or not as expected; the message names the file or folder."""


class NotFittedError(ValueError, AttributeError):
    """Raised when a colorizer is used before `fit`, `load` or `initialize` gave it a network."""


class WeightsError(OSError):
    """Raised when weights cannot be found, downloaded or loaded into their network.

    The message names the file, or the backbone whose hub could not be reached, and says what to do: give a local
    file, or start from random weights by `pretrained=False`.

    Example:
        >>> import colorfuse
        >>> colorfuse.create_backbone({"name": "resnet18", "weights": "nowhere.safetensors"})
        Traceback (most recent call last):
        colorfuse.errors.WeightsError: ...
    """


class TrainingError(RuntimeError):
    """Raised when training cannot continue, as when the loss is no longer finite.

    The message names the epoch and the batch, and what to try. What the run has saved stays.
    """


def message_of(error: BaseException) -> str:
    """What an error says; for those of the system, in words instead of a number."""
    if isinstance(error, OSError) and error.errno and error.strerror:
        told = f"{error.strerror[0].lower()}{error.strerror[1:]}"
        return f"{error.filename}: {told}" if error.filename else error.strerror
    return str(error)


def one_line(error: BaseException) -> str:
    """The whole message of an error, on one line."""
    return " ".join(message_of(error).split())


def first_line(error: BaseException) -> str:
    """The first line of an error's message, or the name of its type if the message is empty."""
    return str(error).strip().partition("\n")[0] or type(error).__name__


def first_few(names: Sequence[str], most: int) -> str:
    """The first of some names for a message, with an ellipsis if there are more.

    Example:
        >>> first_few(["a.jpg", "b.jpg", "c.jpg"], 2)
        'a.jpg, b.jpg, ...'
    """
    return ", ".join([*names[:most], "..."] if names[most:] else names)
