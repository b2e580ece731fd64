"""Plug in a backbone of your own
==============================

Any module that turns images into a feature map, or a list of maps, can be registered as a backbone. The channels and
sizes of its maps are detected automatically.
"""

import numpy as np
from skimage import data
from torch import nn

import colorfuse as cf


@cf.register_backbone("stem")
class Stem(nn.Sequential):
    """Three convolutions, each of which halves the image."""

    def __init__(self) -> None:
        """Build the layers."""
        super().__init__(
            nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU()),
            nn.Sequential(nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU()),
            nn.Sequential(nn.Conv2d(32, 64, 3, 2, 1), nn.ReLU()),
        )


print(cf.create_backbone("stem").maps)

# Train on thirty-two crops of scikit-image's coffee cup, a very small set of photos.
cup = data.coffee()
photos = np.stack(
    [cup[top : top + 128, left : left + 128] for top in range(0, 256, 64) for left in range(0, 512, 64)]
)

colorizer = cf.FusionColorizer(backbone="stem", decoder="light", image_size=64, epochs=3, batch_size=8)
colorizer.fit(photos, validation=0.25)
for row in colorizer.history_:
    print(f"epoch {row['epoch']}: {row['validation_error']:.4f}, gray {row['validation_gray_error']:.4f}")

colored = colorizer.predict(data.camera())
print(f"coloured a photo of {colored.shape[1]} x {colored.shape[0]}")
