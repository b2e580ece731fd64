"""Base class of colorizers that learn and can be saved, loaded and shared."""

import contextlib
import tempfile
from abc import abstractmethod
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from colorfuse.colorizers.base import Colorizer
from colorfuse.colorizers.registry import colorizers
from colorfuse.inference.devices import Device
from colorfuse.options import check_options, plain
from colorfuse.persistence.folder import SavedConfig, read_config, read_history, read_tensors, write_folder
from colorfuse.registry import unknown_name
from colorfuse.training import History

INSIDE = ("mobile", "interactive")
"""The names of the weights inside the package, each that of the recipe that they are of; the default first."""


class LearntColorizer(Colorizer):
    """A colorizer whose learnt state is a dict of tensors.

    A subclass returns them from `state`, and restores them in `load_state`.

    Attributes:
        history_: A list with a dict of figures for each epoch of training.
    """

    learns = True
    history_: History

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """Return all learnt tensors by name."""

    @abstractmethod
    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Restore the tensors that `state` returned.

        Raises:
            Exception: Any kind, if the tensors do not fit this colorizer.
        """

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any], where: str) -> Self:
        """Create a colorizer from the settings in a file; missing ones take the constructor's defaults.

        Raises:
            ValueError: A setting is unknown or of the wrong type; the message begins with `where`.
        """
        check_options("a colorizer", cls, settings, where=f"{where}: settings.")
        return cls(**settings)

    @classmethod
    def from_pretrained(
        cls, source: str | Path | None = None, *, revision: str | None = None, device: Device = None
    ) -> Self:
        """Load a pretrained colorizer.

        No code from the source is run and nothing is unpickled: the configuration only names installed parts, and the
        weights are plain tensors.

        Args:
            source: None or "mobile" for the weights inside the package that colour photos without hints;
                "interactive" for those inside that take hints; the folder of a saved colorizer; or the name of a
                Hugging Face Hub repository, as in "owner/name", which is downloaded once.
            revision: Branch, tag or commit of the repository; None for its main branch.
            device: The device to compute on, such as "cpu"; None for the GPU if there is one.

        Raises:
            FileNotFoundError: The source is neither a folder nor the name of a repository, or holds no saved
                colorizer.
            ValueError: The configuration is for another kind of colorizer, or names unknown settings or parts; or
                there is no such device.
            WeightsError: The repository cannot be downloaded; or its weights are missing, damaged, or do not fit the
                network.

        Example:
            >>> import colorfuse
            >>> colorfuse.FusionColorizer.from_pretrained().backbone
            'tf_efficientnet_lite0'
        """
        if source is None or source in INSIDE:
            with resources.as_file(resources.files("colorfuse") / "weights" / str(source or INSIDE[0])) as folder:
                return cls.load(folder, device=device)
        if Path(source).is_dir():
            return cls.load(source, device=device)
        from colorfuse.persistence.hub import download, is_repository

        if not is_repository(str(source)):
            raise FileNotFoundError(
                f"{source} is neither a folder nor a repository of the hub, as in 'owner/name', nor one of the "
                f"weights inside the package, {' and '.join(INSIDE)}"
            )
        return cls.load(download(str(source), revision), device=device)

    @classmethod
    def load(cls, folder: str | Path, *, device: Device = None) -> Self:
        """Load a colorizer from a folder written by `save`, without network access.

        `LearntColorizer.load` loads one of any kind.

        Args:
            folder: The folder that it was saved to.
            device: The device to compute on, such as "cpu"; None for the GPU if there is one.

        Raises:
            FileNotFoundError: The folder holds no saved colorizer.
            ValueError: The configuration is for another kind of colorizer, or names unknown settings or parts; or
                there is no such device.
            WeightsError: The weights are missing, damaged, or do not fit the network.
        """
        folder = Path(folder)
        saved = read_config(folder)
        if saved.colorizer not in colorizers:
            raise ValueError(f"{folder}: {unknown_name('colorizer', saved.colorizer, colorizers.names())}")
        factory: Any = colorizers.factory(saved.colorizer)
        if not (isinstance(factory, type) and (issubclass(factory, cls) or issubclass(cls, factory))):
            raise ValueError(f"{folder} holds a colorizer of the kind {saved.colorizer!r}, not a {cls.__name__}")
        kind = factory if issubclass(factory, cls) else cls
        colorizer: Self = kind.from_settings(saved.settings, str(folder))
        read_tensors(folder, colorizer.load_state)
        colorizer.history_ = read_history(folder)
        return colorizer.to(device)

    def save(self, folder: str | Path, dtype: torch.dtype = torch.float32) -> None:
        """Write `config.json`, `model.safetensors`, `history.csv` and a model card to a folder.

        Args:
            folder: The folder to write to; it is created if missing.
            dtype: The floating-point dtype to store weights in; float16 halves the file.

        Raises:
            NotFittedError: The colorizer is not fitted yet.
            ValueError: The dtype is not floating-point, this copy only predicts, or a part was changed
                since the network was built.
            OSError: The folder cannot be written to.
        """
        self.check_fitted()
        state = self.state()
        saved = SavedConfig(_registered_name(type(self)), plain(self.get_params()))
        write_folder(Path(folder), saved, state, getattr(self, "history_", []), dtype)

    def push_to_hub(
        self,
        repository: str,
        *,
        private: bool = False,
        message: str = "Save a colorizer",
        dtype: torch.dtype = torch.float32,
    ) -> str:
        """Save to a Hugging Face Hub repository, which is created if missing.

        Authentication uses the token of `hf auth login`, or the environment variable `HF_TOKEN`.

        Args:
            repository: Its name, as in "owner/name".
            private: Whether a newly created repository is private.
            message: The commit message.
            dtype: The floating-point dtype to store weights in.

        Returns:
            The URL of the repository.

        Raises:
            NotFittedError: The colorizer is not fitted yet.
            ValueError: As in `save`.
            OSError: The Hub cannot be reached, or refuses the request.
        """
        from colorfuse.persistence.hub import push

        with tempfile.TemporaryDirectory() as folder:
            self.save(folder, dtype)
            return push(Path(folder), repository, private=private, message=message)


def _registered_name(kind: type) -> str:
    """The name of a class or, if it has none, of the nearest one that it inherits from.

    Raises:
        ValueError: None of them is registered.
    """
    for each in kind.__mro__:
        with contextlib.suppress(ValueError):
            return colorizers.name_of(each)
    return colorizers.name_of(kind)
