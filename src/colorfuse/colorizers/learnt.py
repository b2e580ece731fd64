"""Colorizers that learn, and can be saved, loaded and shared."""

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


class LearntColorizer(Colorizer):
    """A colorizer whose state is tensors.

    A subclass says which ones in `state`, and takes them in again in `load_state`.

    Attributes:
        history_: A dict of figures for each epoch of training.
    """

    learns = True
    history_: History

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """All tensors that were learnt, by name."""

    @abstractmethod
    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Take in what `state` gave.

        Raises:
            Exception: Any, where these are not this colorizer's.
        """

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any], where: str) -> Self:
        """A colorizer with these settings, as a file has them; those that it lacks are the constructor's defaults.

        Raises:
            ValueError: A setting is unknown or of the wrong type; the error begins with `where`.
        """
        check_options("a colorizer", cls, settings, where=f"{where}: settings.")
        return cls().set_params(**settings)

    @classmethod
    def from_pretrained(
        cls, source: str | Path | None = None, *, revision: str | None = None, device: Device = None
    ) -> Self:
        """A colorizer that has learnt already.

        Nothing of it is run or unpickled: its configuration names parts that are installed here, and its weights are
        tensors.

        Args:
            source: Nothing for the weights inside the package, the folder of a saved colorizer, or the name of a
                repository of the Hugging Face hub, as in "owner/name", which is downloaded once.
            revision: The branch, tag or commit of the repository; its main branch if none is given.
            device: Where it computes, such as "cpu"; None for the GPU, if there is one.

        Raises:
            FileNotFoundError: The source is neither a folder nor can be a repository, or holds no saved colorizer.
            ValueError: Its configuration is not one of this kind of colorizer, or names unknown settings or parts; or
                there is no such device.
            WeightsError: The repository cannot be had; or its weights are missing, damaged, or another network's.

        Example:
            >>> import colorfuse
            >>> colorfuse.FusionColorizer.from_pretrained().backbone
            'tf_efficientnet_lite0'
        """
        if source is None:
            with resources.as_file(resources.files("colorfuse") / "weights" / "mobile") as folder:
                return cls.load(folder, device=device)
        if Path(source).is_dir():
            return cls.load(source, device=device)
        from colorfuse.persistence.hub import download, is_repository

        if not is_repository(str(source)):
            raise FileNotFoundError(f"{source} is neither a folder nor a repository of the hub, as in 'owner/name'")
        return cls.load(download(str(source), revision), device=device)

    @classmethod
    def load(cls, folder: str | Path, *, device: Device = None) -> Self:
        """Read a colorizer from the folder that `save` wrote. Never asks the network.

        Args:
            folder: Where it was saved.
            device: Where it computes, such as "cpu"; None for the GPU, if there is one.

        Raises:
            FileNotFoundError: The folder holds no saved colorizer.
            ValueError: Its configuration is not one of this kind of colorizer, or names unknown settings or parts; or
                there is no such device.
            WeightsError: Its weights are missing, damaged, or another network's.
        """
        folder = Path(folder)
        saved = read_config(folder)
        if saved.colorizer not in colorizers:
            raise ValueError(f"{folder}: {unknown_name('colorizer', saved.colorizer, colorizers.names())}")
        if not issubclass(cls, colorizers.factory(saved.colorizer)):  # type: ignore[arg-type]  # a class or function
            raise ValueError(f"{folder} holds a colorizer of the kind {saved.colorizer!r}, not a {cls.__name__}")
        colorizer = cls.from_settings(saved.settings, str(folder))
        read_tensors(folder, colorizer.load_state)
        colorizer.history_ = read_history(folder)
        return colorizer.to(device)

    def save(self, folder: str | Path, dtype: torch.dtype = torch.float32) -> None:
        """Write `config.json`, `model.safetensors`, `history.csv` and a model card to a folder.

        Args:
            folder: Where to; it is made if it is not there.
            dtype: The floating dtype to store weights in; float16 halves the file.

        Raises:
            NotFittedError: Nothing has been learnt yet.
            ValueError: The dtype is not a float, this copy is `optimized` or `mirrored`, or a part was changed since
                the network was built.
            OSError: The folder cannot be written to.
        """
        self.check_fitted()
        state = self.state()
        saved = SavedConfig(colorizers.name_of(type(self)), plain(self.get_params()))
        write_folder(Path(folder), saved, state, getattr(self, "history_", []), dtype)

    def push_to_hub(
        self,
        repository: str,
        *,
        private: bool = False,
        message: str = "Save a colorizer",
        dtype: torch.dtype = torch.float32,
    ) -> str:
        """Save to a repository of the Hugging Face hub, which is made if it is not there.

        The hub knows who pushes by the token of `hf auth login`, or of the variable `HF_TOKEN`.

        Args:
            repository: Its name, as in "owner/name".
            private: Whether a repository that is made is for its owner alone.
            message: Of the commit.
            dtype: The floating dtype to store weights in.

        Returns:
            The address of the repository.

        Raises:
            NotFittedError: Nothing has been learnt yet.
            ValueError: As in `save`.
            OSError: The hub cannot be reached, or refuses.
        """
        from colorfuse.persistence.hub import push

        with tempfile.TemporaryDirectory() as folder:
            self.save(folder, dtype)
            return push(Path(folder), repository, private=private, message=message)
