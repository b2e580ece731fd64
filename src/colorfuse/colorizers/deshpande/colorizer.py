"""The system of Deshpande et al. 2015: colours whose answers to filters are those that are predicted."""

import copy
import dataclasses
from typing import Any, Literal, Self

import torch
from torch import Tensor
from torch.utils.data import DataLoader
from tqdm import tqdm

from colorfuse.backbones import create_backbone, without_pretrained
from colorfuse.colorizers.deshpande.drawing import Drawn
from colorfuse.colorizers.deshpande.features import gray_features, linear_features, scene_features
from colorfuse.colorizers.deshpande.histogram import corrected
from colorfuse.colorizers.deshpande.regression import Predicted, Regression, under
from colorfuse.colorizers.deshpande.scenes import Scenes
from colorfuse.colorizers.deshpande.system import solve
from colorfuse.colorizers.learnt import LearntColorizer
from colorfuse.colorizers.references import References, read_references
from colorfuse.colorizers.registry import register_colorizer
from colorfuse.data.seeding import seeded
from colorfuse.data.sources import Source, as_datasets
from colorfuse.errors import DataError
from colorfuse.options import Count, NonNegativeInt, Side, plain
from colorfuse.registry import Spec

_DECIDING = ("backbone", "matches")
"""Settings that what was learnt is saved with, and that cannot change after it."""


@register_colorizer("deshpande2015")
@dataclasses.dataclass(kw_only=True, eq=False)
class Deshpande2015(LearntColorizer):
    """Predicts what filters of the colours would answer, and solves for the colours that answer so.

    Deshpande, Rock and Forsyth 2015, *Learning large-scale automatic image colorization*. Answers to twelve filters
    are predicted at each pixel: by trees, which split by lightness, place and the colours of training photos of the
    same kind of scene; and by a linear map of texture. The colours are those with the least squared error of all
    answers together, weighted by their precision, which other trees predict.

    With orthonormal filters, the margin loss of the paper is a squared error, so scikit-learn's trees stand for its
    own. Colours are CIELAB's ab, in place of differences of red, green and blue over gray. One model is for all
    scenes; photos of the same kind of scene are those that a backbone finds alike.

    `predict(photo, reference=...)` moves the colours towards the histogram of reference photos.

    Args:
        backbone: Compares photos: a name from `list_backbones()`, or a mapping of name and options.
        pretrained: Start from the backbone's published weights.
        trees: The number of trees.
        least: The least number of training pixels in a leaf.
        samples: How many pixels of each training photo are drawn.
        matches: How many training photos count as the scene of a photo.
        histogram: "scene" to move the colours towards the histogram of the scene; None not to.
        render_size: Photos are resized to about `render_size ** 2` pixels, in training and for prediction.
        upsample: How colours are upsampled to the photo's size, as in `predict`.
        seed: Decides which pixels are drawn, how trees split, and the weights of a backbone that is not pretrained.

    Attributes:
        regression_: Predicts answers.
        scenes_: The training photos, as thumbnails and descriptions.
        wanted_: The colours of references `(n, 2)` in hundredths of CIELAB units, or None.

    Example:
        >>> from skimage import data
        >>> photos = [data.astronaut(), data.coffee(), data.chelsea(), data.rocket()]
        >>> system = Deshpande2015(pretrained=False, matches=2, trees=4, render_size=48)
        >>> system.fit(photos).predict(data.camera()).shape
        (512, 512, 3)
    """

    takes_reference = True
    backbone: Spec = "mobilenetv1_100"
    pretrained: bool = True
    trees: Count = 16
    least: Count = 50
    samples: Count = 100
    matches: Count = 9
    histogram: Literal["scene"] | None = None
    render_size: Side = 128
    upsample: str = "guided"
    seed: NonNegativeInt = 0

    bytes_a_pixel = 8000

    def fit(self, photos: Source, y: Any = None) -> Self:
        """Learn from colour photos.

        Memory grows by 0.9 KB for each pixel that is drawn.

        Args:
            photos: A folder, a list of files and folders, RGB bytes `(N, H, W, 3)`, or a dataset of (L, ab).
            y: Ignored.

        Raises:
            FileNotFoundError: A path does not exist.
            DataError: There are no more photos than `matches`, or none with colour.
            ValueError: A setting is unknown or out of range.
            WeightsError: The backbone's weights are not available.
            ImportError: scikit-learn is not installed.
        """
        self._check_settings()
        data, _ = as_datasets(photos, None, image_size=self.render_size, augmentation="none", seed=self.seed)
        with seeded(self.seed):
            backbone = create_backbone(self.backbone, pretrained=self.pretrained).eval()
        drawn = Drawn(backbone, self.samples, self.seed)
        for lightness, ab, *_ in tqdm(DataLoader(data, batch_size=None), "describing", leave=False, disable=None):
            drawn.add(lightness, ab)
        if len(drawn.sizes) <= self.matches:
            raise DataError(
                f"matches={self.matches} takes the scene of a photo from so many others, and there are "
                f"{len(drawn.sizes)} photos; give more, or lower it"
            )
        scenes = drawn.scenes(self.matches)
        self._learnt(Regression.fit(drawn.rows(scenes), self.trees, self.least, self.seed), scenes)
        return self

    def _learnt(self, regression: Regression, scenes: Scenes) -> None:
        self.regression_, self.scenes_ = regression, scenes
        self._learnt_with = {name: plain(getattr(self, name)) for name in _DECIDING}
        self.wanted_: Tensor | None = None

    def predict_answers(self, lightness: Tensor) -> Predicted:
        """Predict what filters answer of the colours of L `(1, h, w)`, without solving for colours.

        Raises:
            NotFittedError: The colorizer is not fitted yet.
        """
        self.check_fitted()
        return self._predicted(lightness, self.scenes_.of(lightness))

    def _predicted(self, lightness: Tensor, scene: Tensor) -> Predicted:
        splits = torch.cat([gray_features(lightness), scene_features(scene, lightness.shape[-2:])])
        return self.regression_.predict(splits, linear_features(lightness))

    def render_ab(self, lightness: Tensor) -> Tensor:
        """Colour each photo."""
        colored = [self._colored(each) for each in lightness.cpu().float()]
        return 100 * torch.stack(colored).to(lightness)

    def _colored(self, lightness: Tensor) -> Tensor:
        scene = self.scenes_.of(lightness)
        predicted = self._predicted(lightness, scene)
        ab = solve(*predicted)
        wanted = self.wanted_
        if wanted is None and self.histogram == "scene":
            wanted = scene.movedim(1, -1).reshape(-1, 2)
        return ab if wanted is None else corrected(ab, *predicted, wanted)

    def with_reference(self, reference: References, *, render_size: int | None = None) -> Self:
        """Return a copy that moves its colours towards the histogram of reference photos.

        Such a copy cannot be saved.

        Raises:
            NotFittedError: The colorizer is not fitted yet.
            PhotoError: A reference cannot be read, or is gray or toned.
        """
        self.check_fitted()
        changed = copy.copy(self)
        side = self.render_size if render_size is None else render_size
        labs = [torch.from_numpy(each.lab) for each in read_references(reference, side)]
        changed.wanted_ = torch.cat([lab[1:].flatten(1).T for lab in labs]) / 100
        return changed

    def state(self) -> dict[str, Tensor]:
        """Return what was learnt, and the weights of the backbone.

        Raises:
            ValueError: This copy has a reference, or a setting that decides what is learnt was changed since.
        """
        if self.wanted_ is not None:
            raise ValueError("a copy that has a reference only predicts; save the one it was made of")
        if changed := self._changed_since(self._learnt_with):
            raise ValueError(f"{', '.join(changed)} changed since it learnt; call fit again")
        learnt = {f"regression.{name}": tensor for name, tensor in self.regression_.tensors().items()}
        backbone = {f"backbone.{name}": tensor for name, tensor in self.scenes_.backbone.state_dict().items()}
        photos = {"descriptions": self.scenes_.descriptions, "thumbnails": self.scenes_.thumbnails}
        return learnt | backbone | photos

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Restore the tensors that `state` returned.

        Raises:
            KeyError: A tensor is missing.
            RuntimeError: The tensors do not fit the settings or each other.
        """
        self._check_settings()
        backbone = create_backbone(without_pretrained(self.backbone), pretrained=False).eval()
        backbone.load_state_dict(under("backbone.", tensors))
        descriptions, thumbnails = tensors["descriptions"].float(), tensors["thumbnails"].float()
        if not self.matches < len(descriptions) == len(thumbnails):
            raise RuntimeError(
                f"there are descriptions of {len(descriptions)} photos and {len(thumbnails)} thumbnails, for "
                f"matches={self.matches}"
            )
        scenes = Scenes(backbone, descriptions, thumbnails, self.matches)
        self._learnt(Regression.of_tensors(under("regression.", tensors)), scenes)
