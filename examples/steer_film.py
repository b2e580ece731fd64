"""Colour a film, and steer one of its shots
==========================================

This script makes a gray film of two shots from photos: the camera moves over an astronaut, then over a cup. It
colours the film automatically, with colours that are steady from frame to frame. Then it colours the film with a
hint: a red point in one frame of the second shot, which holds for all of that shot. It needs
``pip install 'colorfuse[video]'``.
"""

import av
import numpy as np
from PIL import Image
from skimage import data

import colorfuse as cf

photos = data.astronaut()[60:300], data.coffee()[80:320]
shots = [np.asarray(Image.fromarray(photo).convert("L")) for photo in photos]
with av.open("gray.mp4", "w") as container:
    stream = container.add_stream("libx264", rate=24, options={"crf": "16"})
    stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
    for photo in shots:
        for start in range(0, 96, 4):
            frame = np.ascontiguousarray(photo[:, start : start + 320])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "gray")))
    container.mux(stream.encode(None))

colorizer = cf.FusionColorizer.from_pretrained("interactive").optimized()
report = colorizer.predict_video("gray.mp4", "automatic.mp4")
print(f"{report.frames} frames in {report.shots} shots, {report.seconds:.1f} s")
colorizer.predict_video("gray.mp4", "steered.mp4", hints={"00:00:01.5": [(150, 150, "#a8321e", 5)]})

# From top to bottom: the film, coloured automatically, and steered. From left to right: three frames of each shot.
sheet = Image.new("RGB", (6 * 320, 3 * 240))
for row, name in enumerate(("gray.mp4", "automatic.mp4", "steered.mp4")):
    with av.open(name) as container:
        frames = [Image.fromarray(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
    for column, index in enumerate((0, 11, 23, 24, 35, 47)):
        sheet.paste(frames[index], (320 * column, 240 * row))
sheet.save("film.png")
