"""Colour a photo like another one
===============================

Three systems without any training take the colours of a reference photo. Here, the reference is the photo itself,
mirrored, cropped and darkened, which is as alike as another photo of the same scene.
"""

import numpy as np
from PIL import Image
from skimage import data

import colorfuse as cf

truth = data.coffee()[::2, ::2]
gray = np.asarray(Image.fromarray(truth).convert("L"))
reference = (0.8 * truth[20:-20, 20:-20][:, ::-1]).astype(np.uint8)

systems = [
    cf.create_colorizer("welsh2002"),
    cf.create_colorizer("irony2005"),
    cf.create_colorizer("charpiat2008", render_size=96),
]
colored = [system.fit(reference).predict(gray) for system in systems]

# From left to right: the gray photo, the reference, Welsh 2002, Irony 2005, Charpiat 2008.
sheet = Image.new("RGB", (5 * 300, 200))
for place, picture in enumerate([np.stack([gray] * 3, axis=-1), reference, *colored]):
    sheet.paste(Image.fromarray(picture), (300 * place, 0))
sheet.save("reference.png")
