"""Saved colorizers in repositories of the Hugging Face hub."""

import re
from pathlib import Path

from colorfuse.errors import WeightsError, first_line
from colorfuse.persistence.folder import FILES

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")


def is_repository(name: str) -> bool:
    """Whether a name has the form of a repository, `owner/name`."""
    return bool(_REPOSITORY.fullmatch(name)) and not name.startswith(".")


def download(repository: str, revision: str | None) -> Path:
    """Download a colorizer unless it is cached, and return its folder in the hub's cache.

    Raises:
        WeightsError: It can neither be downloaded nor found in the cache.
    """
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(repository, revision=revision, allow_patterns=list(FILES)))
    except Exception as error:  # the hub's client passes on any error of its HTTP client
        raise WeightsError(
            f"there is no folder {repository!r}, and the colorizer of that name cannot be had from the hub "
            f"({first_line(error)}); check its name and the network, or give the folder of a saved one, or nothing "
            "for the weights inside the package"
        ) from error


def push(folder: Path, repository: str, *, private: bool, message: str) -> str:
    """Create the repository if there is none, and commit a saved colorizer to it.

    Returns:
        The URL of the repository.

    Raises:
        OSError: The hub cannot be reached, or refuses.
    """
    from huggingface_hub import HfApi

    api = HfApi()
    try:
        place = api.create_repo(repository, private=private, exist_ok=True)
        api.upload_folder(repo_id=repository, folder_path=folder, allow_patterns=list(FILES), commit_message=message)
    except Exception as error:  # as in `download`
        raise OSError(
            f"the colorizer cannot be pushed to {repository!r} ({first_line(error)}); check the network, log in with "
            "`hf auth login`, and give a name that is yours, as in 'me/my-colorizer'"
        ) from error
    return str(place)
