"""An evaluation as a launcher starts it: `judged.py PHOTOS OUTPUT`, which writes `OUTPUT-RANK.json`."""

import json
import os
import sys
from pathlib import Path

from torch import distributed

import colorfuse as cf


def main(photos: str, output: str) -> None:
    """Judge the colorizer inside the package, and write what each process found."""
    result = cf.evaluate(cf.FusionColorizer.from_pretrained(), photos)
    found = {"table": result.to_dict(), "names": list(result.photos), "best": [photo.name for photo in result.best]}
    Path(f"{output}-{os.environ.get('RANK', '0')}.json").write_text(json.dumps(found))
    if distributed.is_initialized():
        distributed.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
