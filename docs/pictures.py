"""What the gallery shows of an example."""

import shutil
from pathlib import Path
from typing import Any

from sphinx_gallery.scrapers import figure_rst


def new_pictures(block: tuple[Any, ...], block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """Show the PNG files that an example wrote, and take them away from beside it."""
    shown = []
    for path in sorted(Path.cwd().glob("*.png")):
        target = next(block_vars["image_path_iterator"])
        shutil.move(path, target)
        shown.append(target)
    rst: str = figure_rst(shown, gallery_conf["src_dir"])
    return rst
