"""Colour a photo like another one
===============================

Four systems take the colours of a reference photo: three without any training, and the network that takes hints. For
the first photo, the reference is the photo itself, mirrored, cropped and darkened, as similar as another photo of the
same scene would be. The second photo is one part of a picture, and its reference another, overlapping part.
"""

import numpy as np
from PIL import Image
from skimage import data

import colorfuse as cf

cup, cat = data.coffee()[::2, ::2], data.chelsea()
pairs = [(cup, (0.8 * cup[20:-20, 20:-20][:, ::-1]).astype(np.uint8)), (cat[:, 150:], cat[:, :225])]
systems = [
    cf.create_colorizer("welsh2002"),
    cf.create_colorizer("irony2005"),
    cf.create_colorizer("charpiat2008", render_size=96),
    cf.FusionColorizer.from_pretrained("interactive"),
]

# From left to right: the gray photo, the reference, Welsh 2002, Irony 2005, Charpiat 2008, the network.
sheet = Image.new("RGB", (6 * 300, 520))
for row, (truth, reference) in enumerate(pairs):
    gray = Image.fromarray(truth).convert("L")
    colored = [Image.fromarray(system.predict(gray, reference=reference)) for system in systems]
    for place, picture in enumerate([gray.convert("RGB"), Image.fromarray(reference), *colored]):
        sheet.paste(picture, (300 * place, 210 * row))
sheet.save("reference.png")
