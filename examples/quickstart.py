"""Colour gray photographs
=======================

Turn scikit-image's sample photos gray, colour them with the weights inside the package, and write a sheet with one
row per photo: gray, coloured, truth.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from skimage import data

import colorfuse as cf

colorizer = cf.FusionColorizer.from_pretrained()

rows: list[np.ndarray] = []
for photo in (data.astronaut(), data.coffee(), data.chelsea(), data.rocket()):
    truth = Image.fromarray(photo)
    gray = truth.convert("L")
    colored = Image.fromarray(colorizer.predict(gray))
    rows.append(
        np.hstack([np.asarray(ImageOps.fit(image.convert("RGB"), (384, 256))) for image in (gray, colored, truth)])
    )

sheet = Path("quickstart.png").resolve()
cf.write_photo(sheet, np.vstack(rows))
print(f"gray | coloured | truth: {sheet}")
