"""Base class of all colorizers: from gray photos to coloured ones."""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, overload

import torch
from torch import Tensor, nn

from colorfuse.color.units import warn_of_unit_lightness
from colorfuse.colorizers.estimator import Estimator
from colorfuse.colorizers.references import References
from colorfuse.colorizers.steered import Steered
from colorfuse.data.sources import Source, as_dataset
from colorfuse.hints import HintSource, pair_hints, read_hints
from colorfuse.images import PhotoSource, Pixels, read_photo
from colorfuse.images.finding import find_photos
from colorfuse.inference.batches import is_stream
from colorfuse.inference.devices import Device, find_device
from colorfuse.inference.forking import make_forks_safe
from colorfuse.inference.network_colors import FunctionColors
from colorfuse.inference.obeying import obeying
from colorfuse.inference.predictor import Predictor
from colorfuse.inference.rendering import RenderAb, render_checked, to_render_size
from colorfuse.inference.scaling import Hinted, scale_hints
from colorfuse.inference.streams import Predictions, PredictionStream
from colorfuse.inference.upsampling import find_upsampling
from colorfuse.video.steering import Time

if TYPE_CHECKING:
    from colorfuse.video.options import FilmReport, Progress

_ENCODER_OPTIONS = {"libx264": {"crf": "18", "preset": "veryfast"}}

make_forks_safe()


class Colorizer(Steered, Estimator, ABC):
    """A system that colours gray photographs.

    A subclass implements `render_ab`, which predicts colours from lightness at its working size. This class does the
    rest: it reads and resizes photos, upsamples the colours to full size, preserves bit depth and alpha, walks
    folders and limits memory.

    Attributes:
        bytes_a_pixel: Approximate memory of the system for each pixel at working size.
        render_size: Photos are resized to about `render_size ** 2` pixels for the system.
        upsample: How colours are upsampled to the photo's size, as in `predict`.

    Example:
        >>> class Sepia(Colorizer):
        ...     def render_ab(self, lightness):
        ...         return torch.tensor([6.0, 18.0]).reshape(1, 2, 1, 1) * torch.ones_like(lightness)
        >>> from skimage import data
        >>> Sepia().predict(data.camera())[0, 0].tolist()
        [224, 195, 167]
    """

    bytes_a_pixel = 256
    render_size: int = 256
    upsample: str = "guided"

    @abstractmethod
    def render_ab(self, lightness: Tensor) -> Tensor:
        """Predict the colours of photos at working size.

        Args:
            lightness: L `(N, 1, h, w)` in 0 to 100, of about `render_size ** 2` pixels, on the CPU. Systems that take
                hints get these as a second argument if there are any: `(N, 3, h, w)`, ab in CIELAB units and a mask.

        Returns:
            ab `(N, 2, h', w')` in CIELAB units with the dtype and device of `lightness`; h' and w' may be smaller.
        """

    @overload
    def predict(  # type: ignore[overload-overlap]  # a path is a str, which is itself an iterable of str
        self,
        photos: PhotoSource,
        *,
        hints: HintSource | None = None,
        reference: References | None = None,
        saturation: float = 1.0,
        upsample: str | None = None,
        render_size: int | None = None,
    ) -> Pixels: ...
    @overload
    def predict(
        self,
        photos: list[Any] | tuple[Any, ...],
        *,
        hints: str | Path | Iterable[HintSource | None] | None = None,
        reference: References | None = None,
        saturation: float = 1.0,
        upsample: str | None = None,
        render_size: int | None = None,
    ) -> list[Pixels]: ...
    @overload
    def predict(
        self,
        photos: Iterable[PhotoSource],
        *,
        hints: str | Path | Iterable[HintSource | None] | None = None,
        reference: References | None = None,
        saturation: float = 1.0,
        upsample: str | None = None,
        render_size: int | None = None,
    ) -> Iterator[Pixels]: ...
    def predict(
        self,
        photos: Any,
        *,
        hints: Any = None,
        reference: References | None = None,
        saturation: float = 1.0,
        upsample: str | None = None,
        render_size: int | None = None,
    ) -> Any:
        """Colour one photo or many.

        Args:
            photos: A path, an open binary file, a PIL image, an array `(H, W)` or `(H, W, 1 | 3 | 4)`, a tensor
                `(1 | 3 | 4, H, W)`, a `Photo`; or a list or any other iterable of these; or a folder, whose photos
                are read in order of their paths. The colours of a colour photo are ignored.
            hints: Colours for places of the photo, as `read_hints` takes them: points `(row, column, color)`, a
                transparent layer, a JSON file, arrays. Under a mark, the photo gets its colour. For several photos, a
                list with hints or None for each; or a folder of files that are named like the photos.
            reference: A colour photo to take colours from, a list or a folder of them, for systems that take
                references.
            saturation: A factor for the predicted ab from 0 to 100: 0 keeps the photo gray, 1 leaves the prediction
                unchanged. A network trained with squared error is pale where it is unsure; a factor above 1
                compensates. What is under a mark keeps the mark's colour.
            upsample: How colours are upsampled to the photo's size: "guided" by its lightness, so that colour edges
                follow those of the photo; "joint_bilateral", which does the same at many times the cost; or
                "bilinear". None for the colorizer's own setting.
            render_size: Photos are resized to about `render_size ** 2` pixels for the system; None for the
                colorizer's own setting. A larger size shows the system finer detail but less context.

        Returns:
            An sRGB array `(H, W, 3)`, or `(H, W, 4)` if the photo has alpha, upright and of the photo's height and
            width. Its dtype is uint16 for 16-bit files and arrays, float32 for float arrays, and uint8 otherwise. A
            list or tuple gives a list of arrays. Any other iterable, and a folder, gives a lazy iterator. If a photo
            fails, the iterator raises its error in its place; the next call to `next` gives the next photo.
            `predict_each` also tells which photo each result belongs to.

        Raises:
            NotFittedError: The colorizer is not fitted yet.
            FileNotFoundError: There is no file at a path.
            PhotoError: A photo cannot be read, or an array is not a photo.
            HintsError: Hints cannot be read, or do not fit their photo.
            DataError: A folder has no photos.
            MemoryError: A photo does not fit in memory; the message says what would fit.
            ValueError: An option is unknown or out of range, or the colours are not finite; or there are hints or a
                reference, and this system takes none.
            TypeError: A photo is none of these.

        Example:
            >>> from skimage import data
            >>> import colorfuse
            >>> colorizer = colorfuse.FusionColorizer.from_pretrained()
            >>> for colored in colorizer.predict(iter([data.camera(), data.moon()])):
            ...     print(colored.shape)
            (512, 512, 3)
            (512, 512, 3)
        """
        if reference is not None:
            return self.with_reference(reference, render_size=render_size).predict(
                photos, hints=hints, saturation=saturation, upsample=upsample, render_size=render_size
            )
        predictor = self.predictor(saturation, upsample, render_size)
        self.check_takes(hints)
        if isinstance(photos, str | os.PathLike) and Path(photos).is_dir():
            found = find_photos(Path(photos))
            return PredictionStream(predictor.outcomes(pair_hints(found, hints, Path(photos))))
        if not is_stream(photos):
            photo = read_photo(photos)
            return predictor.predict([Hinted(photo, None if hints is None else read_hints(hints, photo))])[0]
        colored = PredictionStream(predictor.outcomes(pair_hints(photos, hints)))
        return list(colored) if isinstance(photos, list | tuple) else colored

    def predict_each(
        self,
        photos: str | Path | Iterable[PhotoSource],
        *,
        hints: str | Path | Iterable[HintSource | None] | None = None,
        reference: References | None = None,
        saturation: float = 1.0,
        upsample: str | None = None,
        render_size: int | None = None,
    ) -> Predictions:
        """Colour photos one after another, paired with their sources, and skip those that fail.

        Args:
            photos: A folder, or an iterable of photos as `predict` takes them.
            hints: A folder of files that are named like the photos, or hints or None for each photo.
            reference: As in `predict`.
            saturation: As in `predict`.
            upsample: As in `predict`.
            render_size: As in `predict`.

        Returns:
            An iterator of pairs (`source`, `pixels`), where `source` is the photo as it was given. Its attribute
            `errors` lists the photos that failed.

        Raises:
            NotFittedError: The colorizer is not fitted yet.
            FileNotFoundError: There is no folder at the path.
            DataError: The folder has no photos.
            HintsError: The folder of hints has none for these photos.
            PhotoError: The reference cannot be read.
            ValueError: An option is unknown or out of range; or there are hints or a reference, and this system takes
                none.

        Example:
            >>> from skimage import data
            >>> import colorfuse
            >>> predictions = colorfuse.FusionColorizer.from_pretrained().predict_each([data.moon(), "nowhere.jpg"])
            >>> for source, pixels in predictions:
            ...     print(source.shape, pixels.shape)
            (512, 512) (512, 512, 3)
            >>> predictions.errors
            [('nowhere.jpg', FileNotFoundError(2, 'No such file or directory'))]
        """
        if reference is not None:
            return self.with_reference(reference, render_size=render_size).predict_each(
                photos, hints=hints, saturation=saturation, upsample=upsample, render_size=render_size
            )
        predictor = self.predictor(saturation, upsample, render_size)
        self.check_takes(hints)
        if isinstance(photos, str | os.PathLike):
            folder = Path(photos)
            root = folder if folder.is_dir() else None
            return Predictions(predictor.outcomes(pair_hints(find_photos(folder), hints, root)))
        return Predictions(predictor.outcomes(pair_hints(photos, hints)))

    def predict_video(
        self,
        path: str | Path,
        output: str | Path,
        *,
        hints: Mapping[Time, HintSource] | str | Path | None = None,
        reference: References | Mapping[Time, References] | None = None,
        steadiness: float = 0.9,
        saturation: float = 1.0,
        upsample: str | None = None,
        render_size: int | None = None,
        encoder: str = "libx264",
        encoder_options: Mapping[str, Any] | None = None,
        progress: Callable[["Progress"], object] | None = None,
    ) -> "FilmReport":
        """Colour a film, with colours that are steady from frame to frame.

        Resolution, frame rate, duration, audio, subtitles, chapters and tags are kept; frames that lie on their side
        are turned upright, and an odd last row or column is repeated where the codec needs even ones. Films of more
        than 8 bits stay so if the codec has them. If the run is interrupted, the same call goes on; until the end,
        what is done lies in a folder `OUTPUT.segments`. Needs the extra `video`.

        Args:
            path: A film of any format that PyAV reads. Its luma is coloured; its colours are ignored.
            output: The film to write, atomically: `.mp4`, `.mov`, `.mkv`, `.webm` or `.ts`.
            hints: A mapping from times of the film, which are seconds or text such as "00:01:12.5", to hints for the
                frame that is shown then, as `predict` takes them; or a `.json` file of such a mapping, whose values
                are points, strokes or names of files. Marks move with what they are on, and hold for their shot.
            reference: A colour photo, as in `predict`, for all of the film; or a mapping from times, or a `.json`
                file of one, to photos that are for their shots.
            steadiness: The share of their weight that colours keep from one frame to the next, from 0 up to but
                excluding 1. 0 colours each frame by itself; 0.9 averages over some ten frames before and at most six
                after.
            saturation: As in `predict`.
            upsample: As in `predict`.
            render_size: As in `predict`.
            encoder: FFmpeg's name of the video encoder.
            encoder_options: Options of the encoder; for libx264, by default, `{"crf": "18", "preset": "veryfast"}`.
            progress: Called with a `Progress` after each frame.

        Returns:
            The numbers of frames, shots and damaged frames, and the length in seconds.

        Raises:
            NotFittedError: The colorizer is not fitted yet.
            OSError: The film cannot be read, or the disk is full; the message says how to go on.
            VideoError: It is no film or has no video, or the output cannot hold what is in it.
            HintsError: Hints are not given for times, cannot be read, or do not fit.
            PhotoError: A reference cannot be read.
            ImportError: PyAV or OpenCV is not installed.
            MemoryError: A frame does not fit in memory.
            ValueError: An option is unknown or out of range, or this system takes no hints or no reference.
        """
        from colorfuse.video.coloring import color_film
        from colorfuse.video.options import Options

        return color_film(
            self,
            Path(path),
            Path(output),
            Options(
                hints=hints,
                reference=reference,
                steadiness=steadiness,
                saturation=saturation,
                upsample=upsample,
                render_size=render_size,
                encoder=encoder,
                encoder_options=_ENCODER_OPTIONS.get(encoder, {}) if encoder_options is None else encoder_options,
            ),
            progress or (lambda _: None),
        )

    def render_with_certainty(self, lightness: Tensor, hints: Tensor | None = None) -> Tensor:
        """Predict ab as `render_ab` does, with a third plane: from 0 to 1, how certain the colours are.

        A system that does not know is equally certain everywhere.
        """
        render_ab: RenderAb = self.render_ab
        ab = render_ab(lightness) if hints is None else render_ab(lightness, hints)
        return torch.cat([ab, torch.ones_like(ab[:, :1])], dim=1)

    def predictor(self, saturation: float, upsample: str | None, render_size: int | None) -> Predictor:
        """Make a predictor with these options of `predict`."""
        self.check_fitted()
        return Predictor(
            self.render_ab,
            self.render_size if render_size is None else render_size,
            self.upsample if upsample is None else upsample,
            saturation,
            weighs_opacity=self.weighs_opacity,
            bytes_a_pixel=self.bytes_a_pixel,
        )

    def predict_ab(self, lightness: Tensor, hints: Tensor | None = None) -> Tensor:
        """Predict the ab planes for lightness tensors.

        Args:
            lightness: L `(N, 1, H, W)` in 0 to 100.
            hints: `(N, 3, H, W)`: ab in CIELAB units, and a mask that is above 0 where there is a hint, or None.

        Returns:
            ab `(N, 2, H, W)` in CIELAB units. The system works on about `render_size ** 2` pixels of each photo; its
            colours are then upsampled as `upsample` says.

        Raises:
            NotFittedError: The colorizer is not fitted yet.
            ValueError: `lightness` or `hints` have another shape, `upsample` is unknown, the colours are not finite,
                or there are hints and this system takes none.
        """
        self.check_fitted()
        if hints is not None:
            self.check_takes(hints)
        warn_of_unit_lightness(lightness)
        small = to_render_size(lightness, int(self.render_size))
        upsampling = find_upsampling(self.upsample)
        if hints is None:
            return upsampling(*render_checked(self.render_ab, small), lightness.shape[-2])(lightness, 0)
        drawn = scale_hints(hints, lightness, small)
        rendered = render_checked(self.render_ab, small, drawn)
        ab = obeying(rendered, small, drawn, upsampling, lightness.shape[-2])(lightness, 0)
        return torch.where(hints[:, 2:] > 0, hints[:, :2], ab)

    def score(self, photos: Source, y: None = None) -> float:
        """Score predictions by 1 - (squared error of ab / squared error of gray): 1 is perfect, 0 is as good as gray.

        scikit-learn's hyperparameter searches maximise it. `evaluate` reports more figures.

        Args:
            photos: Colour photos, as `evaluate` takes them.
            y: Ignored; scikit-learn passes it.

        Raises:
            NotFittedError: The colorizer is not fitted yet.
            DataError: There are no photos.
        """
        of_gray = error = 0.0
        data = as_dataset(photos)
        for index in range(len(data)):  # type: ignore[arg-type]  # torch's Dataset declares no __len__
            lightness, ab, *_ = data[index]
            of_gray += ab.square().sum().item()
            error += (self.predict_ab(lightness[None])[0] - ab).square().sum().item()
        return 1 - error / of_gray if of_gray else 0.0

    def export(self, path: str | Path) -> None:
        """Export the whole pipeline of `predict` on arrays, from gray to RGB, to ONNX or a `torch.export` program.

        The input `gray` is a batch of photos `(N, 1, H, W)`, float32 sRGB in 0 to 1, of any number and size. The
        output `rgb` is `(N, 3, H, W)` in the same range and dtype. Reading and writing files is left to the caller.
        If the system takes hints, there is a second input `hints` `(N, 3, H, W)`: ab in CIELAB units, and a mask that
        is 1 where there is a hint; zeros are no hints. In ONNX it may be left out; a `.pt2` always needs it.

        Args:
            path: The file to write, atomically. `.onnx` is for ONNX Runtime and similar, and needs the extra `onnx`.
                `.pt2` is for `torch.export.load`; such a program rejects photos so narrow that one of the network's
                feature maps would be one pixel wide.

        Raises:
            NotFittedError: The colorizer is not fitted yet.
            ValueError: The suffix is neither of these, this copy only predicts, or the system uses
                operations that cannot be exported.
            ImportError: torch is older than 2.14, or the packages for ONNX are not installed.
        """
        from colorfuse.inference.export import Program, write_program  # takes seconds to import

        self.check_fitted()
        program = Program(self.to_module(), int(self.render_size), self.upsample, self.takes_hints)
        write_program(program, Path(path))

    def to_module(self) -> nn.Module:
        """Wrap `render_ab` in a module, for export."""
        return FunctionColors(self.render_ab)

    def to(self, device: Device) -> Self:
        """Move the colorizer to a device; systems that do not use torch stay on the CPU.

        Args:
            device: "cpu", "cuda", "mps" or another torch device; "auto" for the GPU if there is one.

        Raises:
            ValueError: There is no such device.
        """
        self._device = find_device(device)
        return self

    @property
    def device(self) -> torch.device:
        """The device that the colorizer was put on; systems that do not use torch compute on the CPU."""
        return getattr(self, "_device", torch.device("cpu"))
