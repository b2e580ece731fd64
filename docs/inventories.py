"""Lists of the names of other projects that the documentation links to, in the form that intersphinx reads."""

import zlib
from pathlib import Path

PROJECTS = {
    "python": (
        "https://docs.python.org/3/",
        {
            "pathlib.Path": ("class", "library/pathlib.html#$"),
            "ValueError": ("exception", "library/exceptions.html#$"),
            "TypeError": ("exception", "library/exceptions.html#$"),
            "OSError": ("exception", "library/exceptions.html#$"),
            "RuntimeError": ("exception", "library/exceptions.html#$"),
            "AttributeError": ("exception", "library/exceptions.html#$"),
            "MemoryError": ("exception", "library/exceptions.html#$"),
            "ImportError": ("exception", "library/exceptions.html#$"),
            "FileNotFoundError": ("exception", "library/exceptions.html#$"),
            "collections.abc.Callable": ("class", "library/collections.abc.html#$"),
            "collections.abc.Iterable": ("class", "library/collections.abc.html#$"),
            "collections.abc.Iterator": ("class", "library/collections.abc.html#$"),
            "collections.abc.Mapping": ("class", "library/collections.abc.html#$"),
            "collections.abc.Sequence": ("class", "library/collections.abc.html#$"),
            "typing.Any": ("data", "library/typing.html#$"),
        },
    ),
    "torch": (
        "https://docs.pytorch.org/docs/stable/",
        {
            "torch.Tensor": ("class", "tensors.html#$"),
            "torch.dtype": ("class", "tensor_attributes.html#$"),
            "torch.device": ("class", "tensor_attributes.html#$"),
            "torch.nn.Module": ("class", "generated/torch.nn.Module.html#$"),
            "torch.utils.data.Dataset": ("class", "data.html#$"),
            "torch.utils.data.Subset": ("class", "data.html#$"),
        },
    ),
    "numpy": (
        "https://numpy.org/doc/stable/",
        {"numpy.ndarray": ("class", "reference/generated/numpy.ndarray.html#$")},
    ),
    "matplotlib": (
        "https://matplotlib.org/stable/",
        {"matplotlib.figure.Figure": ("class", "api/_as_gen/matplotlib.figure.Figure.html#$")},
    ),
}


def write_inventories(folder: Path) -> dict[str, tuple[str, str]]:
    """Write a list a project, and return where each is as intersphinx is told."""
    folder.mkdir(parents=True, exist_ok=True)
    mapping = {}
    for name, (address, objects) in PROJECTS.items():
        lines = [f"{object} py:{role} 1 {place} -" for object, (role, place) in objects.items()]
        head = f"# Sphinx inventory version 2\n# Project: {name}\n# Version: \n"
        head += "# The remainder of this file is compressed using zlib.\n"
        path = folder / f"{name}.inv"
        path.write_bytes(head.encode() + zlib.compress("\n".join(lines).encode() + b"\n"))
        mapping[name] = (address, str(path))
    return mapping
