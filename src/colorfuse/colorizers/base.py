"""What all colorizers share: photos in, coloured photos out, around the colours that a system gives."""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self, overload

import torch
from torch import Tensor, nn

from colorfuse.color.units import warn_of_unit_lightness
from colorfuse.colorizers.estimator import Estimator
from colorfuse.data.sources import Source, as_dataset
from colorfuse.images import PhotoSource, Pixels, read_photo
from colorfuse.images.finding import find_photos
from colorfuse.inference.devices import Device, find_device
from colorfuse.inference.forking import make_forks_safe
from colorfuse.inference.network_colors import FunctionColors
from colorfuse.inference.predictor import Predictor, is_stream
from colorfuse.inference.rendering import render_checked, to_render_size
from colorfuse.inference.streams import Predictions, PredictionStream
from colorfuse.inference.upsampling import find_upsampling

_BATCH_ON_GPU = 8

make_forks_safe()


class Colorizer(Estimator, ABC):
    """A system that colours gray photographs.

    A system is a subclass with `render_ab`, which gives colours for lightness at its working size. Reading, resizing,
    upsampling to the photo's own lightness, bit depth, alpha, folders and memory are taken care of here.

    Attributes:
        render_size: The system works on about this number squared pixels of a photo.
        upsample: How its colours are brought to the photo's size, as in `predict`.

    Example:
        >>> class Sepia(Colorizer):
        ...     def render_ab(self, lightness):
        ...         return torch.tensor([6.0, 18.0]).reshape(1, 2, 1, 1) * torch.ones_like(lightness)
        >>> from skimage import data
        >>> Sepia().predict(data.camera())[0, 0].tolist()
        [224, 195, 167]
    """

    render_size: int = 256
    upsample: str = "guided"

    @abstractmethod
    def render_ab(self, lightness: Tensor) -> Tensor:
        """The colours of photos at working size.

        Args:
            lightness: L `(N, 1, h, w)` in 0 to 100, of about `render_size` squared pixels, on the CPU.

        Returns:
            ab `(N, 2, h', w')` in CIELAB units with the dtype and device of `lightness`; h' and w' may be smaller.
        """

    @overload
    def predict(  # type: ignore[overload-overlap]  # a path is a str, which is an iterable of them
        self,
        photos: PhotoSource,
        *,
        saturation: float = 1.0,
        upsample: str | None = None,
        render_size: int | None = None,
    ) -> Pixels: ...
    @overload
    def predict(
        self,
        photos: list[Any] | tuple[Any, ...],
        *,
        saturation: float = 1.0,
        upsample: str | None = None,
        render_size: int | None = None,
    ) -> list[Pixels]: ...
    @overload
    def predict(
        self,
        photos: Iterable[PhotoSource],
        *,
        saturation: float = 1.0,
        upsample: str | None = None,
        render_size: int | None = None,
    ) -> Iterator[Pixels]: ...
    def predict(
        self,
        photos: Any,
        *,
        saturation: float = 1.0,
        upsample: str | None = None,
        render_size: int | None = None,
    ) -> Any:
        """Colour one photo or many.

        Args:
            photos: A path, an open binary file, a PIL image, an array `(H, W)` or `(H, W, 1 | 3 | 4)`, a tensor
                `(1 | 3 | 4, H, W)`, a `Photo`; or a list or any other iterable of these; or a folder, whose photos
                are taken sorted by path. The colours of a colour photo are ignored.
            saturation: A factor of ab from 0 to 100: 0 keeps the photo gray, 1 is as predicted. A network that learnt
                by squared error is pale where it is unsure; a factor above 1 makes up for it.
            upsample: How colours are brought to the photo's size: "guided" by its lightness, so that they change
                where the photo does; "joint_bilateral", which does the same at many times the cost; or "bilinear".
                None for the colorizer's own choice.
            render_size: The system works on about this number squared pixels of a photo; None for its own number.
                More shows it finer detail, and less of the whole that tells what the detail is.

        Returns:
            RGB `(H, W, 3)` in sRGB, or RGBA where the photo has alpha, with its height and width, upright: uint16
            for files and arrays of 16 bit, float32 for floats, else uint8. A list of them for a list or tuple; for
            any other iterable, and for a folder, an iterator that reads and colours photos as they are asked for. It
            raises the error of a photo in its place, and goes on when it is asked again; `predict_each` also names
            the photos.

        Raises:
            NotFittedError: The colorizer has not learnt yet.
            FileNotFoundError: There is no file at a path.
            PhotoError: A photo cannot be read, or an array is not a photo.
            DataError: A folder has no photos.
            MemoryError: A photo is too large for the memory; the error says what would fit.
            ValueError: An option is unknown or out of range, or the colours are not finite.
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
        predictor = self._predictor(saturation, upsample, render_size)
        if isinstance(photos, str | os.PathLike) and Path(photos).is_dir():
            return PredictionStream(predictor.outcomes(find_photos(Path(photos))))
        if not is_stream(photos):
            return predictor.predict([read_photo(photos)])[0]
        colored = PredictionStream(predictor.outcomes(photos))
        return list(colored) if isinstance(photos, list | tuple) else colored

    def predict_each(
        self,
        photos: str | Path | Iterable[PhotoSource],
        *,
        saturation: float = 1.0,
        upsample: str | None = None,
        render_size: int | None = None,
    ) -> Predictions:
        """Colour photos one after another, each with what it was made of, and pass over those that fail.

        Args:
            photos: A folder, or an iterable of photos as `predict` takes them.
            saturation: As in `predict`.
            upsample: As in `predict`.
            render_size: As in `predict`.

        Returns:
            An iterator of pairs `source`, as the photo was given, and `pixels`; its `errors` has those that failed.

        Raises:
            NotFittedError: The colorizer has not learnt yet.
            FileNotFoundError: There is no folder at the path.
            DataError: The folder has no photos.
            ValueError: An option is unknown or out of range.

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
        predictor = self._predictor(saturation, upsample, render_size)
        is_folder = isinstance(photos, str | os.PathLike)
        return Predictions(predictor.outcomes(find_photos(photos) if is_folder else photos))  # type: ignore[arg-type]  # mypy forgets which

    def _predictor(self, saturation: float, upsample: str | None, render_size: int | None) -> Predictor:
        self.check_fitted()
        return Predictor(
            self.render_ab,
            self.render_size if render_size is None else render_size,
            self.upsample if upsample is None else upsample,
            saturation,
            # A batch takes longer than its photos one by one on a CPU.
            batch_size=1 if self.device.type == "cpu" else _BATCH_ON_GPU,
        )

    def predict_ab(self, lightness: Tensor) -> Tensor:
        """The colours of lightness, without a photo around them.

        Args:
            lightness: L `(N, 1, H, W)` in 0 to 100.

        Returns:
            ab `(N, 2, H, W)` in CIELAB units. The system works on about `render_size` squared pixels of each photo;
            what it gives is brought to the photo's size as `upsample` says.

        Raises:
            NotFittedError: The colorizer has not learnt yet.
            ValueError: The shape is another, `upsample` is unknown, or the colours are not finite.
        """
        self.check_fitted()
        warn_of_unit_lightness(lightness)
        rendered = render_checked(self.render_ab, to_render_size(lightness, int(self.render_size)))
        return find_upsampling(self.upsample)(*rendered, lightness.shape[-2])(lightness, 0)

    def score(self, photos: Source, y: None = None) -> float:
        """The share of gray's squared error of ab that the predicted colours remove: 1 for the truth, 0 for gray.

        scikit-learn's searches maximise it; `evaluate` tells more.

        Args:
            photos: Colour photos, as `evaluate` takes them.
            y: Ignored; scikit-learn passes it.

        Raises:
            NotFittedError: The colorizer has not learnt yet.
            DataError: There are no photos.
        """
        of_gray = error = 0.0
        data = as_dataset(photos)
        for index in range(len(data)):  # type: ignore[arg-type]  # torch types no length
            lightness, ab, *_ = data[index]
            of_gray += ab.square().sum().item()
            error += (self.predict_ab(lightness[None])[0] - ab).square().sum().item()
        return 1 - error / of_gray if of_gray else 0.0

    def export(self, path: str | Path) -> None:
        """Write all that `predict` does to an array as a program for other software: gray in, RGB out.

        It takes gray photos `(N, 1, H, W)`, float32 in 0 to 1 of sRGB, of any number and size, as `gray`, and gives
        RGB `(N, 3, H, W)` likewise as `rgb`. Reading and writing files stays with its user.

        Args:
            path: Where to, whole or not at all: `.onnx` for ONNX Runtime and its like, which takes the extra `onnx`,
                or `.pt2` for `torch.export.load`, which refuses photos so narrow that a map of the network would be
                one pixel wide.

        Raises:
            NotFittedError: The colorizer has not learnt yet.
            ValueError: The suffix is another, this copy is `optimized` or `mirrored`, or the system does what cannot
                be exported.
            ImportError: torch is older than 2.14, or what ONNX takes is not installed.
        """
        from colorfuse.inference.export import Program, write_program  # which takes seconds to import

        self.check_fitted()
        write_program(Program(self.to_module(), int(self.render_size), self.upsample), Path(path))

    def to_module(self) -> nn.Module:
        """What `render_ab` does as a module, to be exported."""
        return FunctionColors(self.render_ab)

    def to(self, device: Device) -> Self:
        """Compute on another device from now on; systems that do not use torch stay on the CPU.

        Args:
            device: "cpu", "cuda", "mps" or another of torch's; "auto" for the GPU where there is one.

        Raises:
            ValueError: There is no such device.
        """
        self._device = find_device(device)
        return self

    @property
    def device(self) -> torch.device:
        """Where the colorizer computes."""
        return getattr(self, "_device", torch.device("cpu"))
