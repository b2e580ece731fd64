"""The errors of colorfuse that are not plain `ValueError` or `TypeError`."""


class PhotoError(ValueError):
    """A photo that cannot be read or is not what its caller thinks; the message names it."""


class DataError(ValueError):
    """A dataset that is damaged, empty or not what its caller thinks; the message names the file or folder."""


class NotFittedError(ValueError, AttributeError):
    """A colorizer that is used before `fit`, `load` or `initialize` gave it a network."""


class WeightsError(OSError):
    """Weights that cannot be found, reached or loaded into the network they are for."""


class TrainingError(RuntimeError):
    """A training that cannot go on, such as one whose loss is no longer finite."""


def one_line(error: BaseException) -> str:
    """All that an error says, in one line."""
    return " ".join(str(error).split())


def first_line(error: BaseException) -> str:
    """What an error says in its first line, or its kind if it says nothing."""
    return str(error).strip().partition("\n")[0] or type(error).__name__
