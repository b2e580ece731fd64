"""Base class of all colorizers: from gray photos to coloured ones."""

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

    A subclass implements `render_ab`, which predicts colours from lightness at its working size. This class does the
    rest: it reads and resizes photos, upsamples the colours to full size, preserves bit depth and alpha, walks
    folders and limits memory.

    Attributes:
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

    render_size: int = 256
    upsample: str = "guided"

    @abstractmethod
    def render_ab(self, lightness: Tensor) -> Tensor:
        """Predict the colours of photos at working size.

        Args:
            lightness: L `(N, 1, h, w)` in 0 to 100, of about `render_size ** 2` pixels, on the CPU.

        Returns:
            ab `(N, 2, h', w')` in CIELAB units with the dtype and device of `lightness`; h' and w' may be smaller.
        """

    @overload
    def predict(  # type: ignore[overload-overlap]  # a path is a str, which is itself an iterable of str
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
                are read in order of their paths. The colours of a colour photo are ignored.
            saturation: A factor for ab from 0 to 100: 0 keeps the photo gray, 1 leaves the prediction unchanged. A
                network trained with squared error is pale where it is unsure; a factor above 1 compensates.
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
            DataError: A folder has no photos.
            MemoryError: A photo does not fit in memory; the message says what would fit.
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
        """Colour photos one after another, paired with their sources, and skip those that fail.

        Args:
            photos: A folder, or an iterable of photos as `predict` takes them.
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
        if isinstance(photos, str | os.PathLike):
            return Predictions(predictor.outcomes(find_photos(Path(photos))))
        return Predictions(predictor.outcomes(photos))

    def _predictor(self, saturation: float, upsample: str | None, render_size: int | None) -> Predictor:
        self.check_fitted()
        return Predictor(
            self.render_ab,
            self.render_size if render_size is None else render_size,
            self.upsample if upsample is None else upsample,
            saturation,
            # On a CPU, a batch takes longer than the same photos one by one.
            batch_size=1 if self.device.type == "cpu" else _BATCH_ON_GPU,
        )

    def predict_ab(self, lightness: Tensor) -> Tensor:
        """Predict the ab planes for lightness tensors.

        Args:
            lightness: L `(N, 1, H, W)` in 0 to 100.

        Returns:
            ab `(N, 2, H, W)` in CIELAB units. The system works on about `render_size ** 2` pixels of each photo; its
            colours are then upsampled as `upsample` says.

        Raises:
            NotFittedError: The colorizer is not fitted yet.
            ValueError: `lightness` has another shape, `upsample` is unknown, or the colours are not finite.
        """
        self.check_fitted()
        warn_of_unit_lightness(lightness)
        rendered = render_checked(self.render_ab, to_render_size(lightness, int(self.render_size)))
        return find_upsampling(self.upsample)(*rendered, lightness.shape[-2])(lightness, 0)

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

        Args:
            path: The file to write, atomically. `.onnx` is for ONNX Runtime and similar, and needs the extra `onnx`.
                `.pt2` is for `torch.export.load`; such a program rejects photos so narrow that one of the network's
                feature maps would be one pixel wide.

        Raises:
            NotFittedError: The colorizer is not fitted yet.
            ValueError: The suffix is neither of these, this copy is `optimized` or `mirrored`, or the system uses
                operations that cannot be exported.
            ImportError: torch is older than 2.14, or the packages for ONNX are not installed.
        """
        from colorfuse.inference.export import Program, write_program  # takes seconds to import

        self.check_fitted()
        write_program(Program(self.to_module(), int(self.render_size), self.upsample), Path(path))

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
        """The device that the colorizer computes on."""
        return getattr(self, "_device", torch.device("cpu"))
