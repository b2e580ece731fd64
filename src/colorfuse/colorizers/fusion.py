"""The colorizer around a `FusionNetwork`: it learns from colour photos, and colours gray ones."""

import copy
import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from torch import Tensor

from colorfuse.colorizers.model import PARTS, build_model
from colorfuse.colorizers.network import NetworkColorizer
from colorfuse.colorizers.registry import colorizers
from colorfuse.data.sources import Source
from colorfuse.errors import one_line
from colorfuse.inference.devices import find_device
from colorfuse.network import FusionNetwork, Summary, summarize
from colorfuse.objectives import Objective
from colorfuse.options import Side, check_value, plain
from colorfuse.recipes import check_settings, read_recipe
from colorfuse.registry import Spec, parse_spec
from colorfuse.training import fit_colorizer

if TYPE_CHECKING:
    from accelerate import Accelerator

_DEFAULTS = read_recipe("mobile")


@colorizers.register("fusion")
@dataclasses.dataclass(kw_only=True, eq=False)
class FusionColorizer(NetworkColorizer):
    """Colours gray photographs with a network that learns from colour ones.

    A part is given by name, or by a mapping of `name` and options. The constructor only stores its arguments; they
    are checked when they are used. The defaults are the recipe `mobile`.

    Args:
        backbone: Name from `list_backbones()`; its options are those of `create_backbone`.
        pretrained: Start the backbone from its published weights; fails where they cannot be had.
        encoder: Name from `list_encoders()`.
        fusion: Name from `list_fusions()`.
        decoder: Name from `list_decoders()`.
        objective: Name from `list_objectives()`; the option `terms` lists extra terms of the loss, by names from
            `list_terms()` or mappings.
        image_size: Side in pixels of the squares to train on; `predict` shows the network as many pixels.
        upsample: How colours are brought to a photo's size: "guided" by its lightness, so that they change where the
            photo does; "joint_bilateral", which does so at many times the cost; or "bilinear".
        augmentation: "none", or "crop_flip" for random crops and mirrored photos.
        epochs: How often the photos are gone through.
        batch_size: Photos a step, of all processes and accumulated parts together.
        optimizer: "adam", "adamw", "adadelta", or "sgd" with a momentum of 0.9.
        learning_rate: The peak rate of the schedule.
        weight_decay: The optimizer's.
        schedule: "constant", "cosine", which falls to zero along half a cosine (Loshchilov and Hutter 2017), or
            "one_cycle", which rises before (Smith and Topin 2017).
        warmup_steps: Optimizer steps over which the rate rises; None for a tenth of them with "one_cycle", and none
            with the others.
        clip_norm: The greatest norm of a step's gradients; longer ones are shortened to it. None leaves them.
        ema_decay: Predict with a moving average of the weights (Polyak and Juditsky 1992), of which a step keeps this
            share, such as 0.999; its batch-norm statistics are estimated afresh after each epoch (Izmailov et al.
            2018). None for the weights themselves.
        backbone_rate: The backbone's learning rate, as a factor of that of the other parts.
        frozen_epochs: Epochs at the start in which the backbone does not learn.
        start_size: Side of the squares in the first epoch; over the first half of the epochs it grows to
            `image_size`, to the nearest multiple of 32. None for the same in all.
        patience: Stop after so many epochs without a lower validation loss, and go back to the best weights. None for
            all epochs and the last weights.
        seed: Decides the initial weights and all that is drawn in training.

    Attributes:
        network_: The `FusionNetwork`.
        objective_: The `Objective`.
        history_: A list with a dict of figures for each epoch of training: `epoch`, `learning_rate` at its start,
            `train_loss`, `train_mean_a` and `train_mean_b`, the mean colour of the epoch's photos, and with photos to
            validate on `validation_loss`, `validation_error`,
            `validation_gray_error` and `validation_constant_error`, the mean squared errors of ab / 127.5 of the
            network, of no colour, and of the mean colour of the training photos.

    Example:
        >>> from skimage import data
        >>> FusionColorizer.from_pretrained().predict(data.camera()).shape
        (512, 512, 3)
    """

    backbone: Spec = _DEFAULTS["backbone"]
    pretrained: bool = _DEFAULTS["pretrained"]
    encoder: Spec = dataclasses.field(default_factory=lambda: copy.deepcopy(_DEFAULTS["encoder"]))
    fusion: Spec = dataclasses.field(default_factory=lambda: copy.deepcopy(_DEFAULTS["fusion"]))
    decoder: Spec = dataclasses.field(default_factory=lambda: copy.deepcopy(_DEFAULTS["decoder"]))
    objective: Spec = _DEFAULTS["objective"]
    image_size: int = _DEFAULTS["image_size"]
    upsample: str = _DEFAULTS["upsample"]
    augmentation: str = _DEFAULTS["augmentation"]
    epochs: int = _DEFAULTS["epochs"]
    batch_size: int = _DEFAULTS["batch_size"]
    optimizer: str = _DEFAULTS["optimizer"]
    learning_rate: float = _DEFAULTS["learning_rate"]
    weight_decay: float = _DEFAULTS["weight_decay"]
    schedule: str = _DEFAULTS["schedule"]
    warmup_steps: int | None = _DEFAULTS["warmup_steps"]
    clip_norm: float | None = _DEFAULTS["clip_norm"]
    ema_decay: float | None = _DEFAULTS["ema_decay"]
    backbone_rate: float = _DEFAULTS["backbone_rate"]
    frozen_epochs: int = _DEFAULTS["frozen_epochs"]
    start_size: int | None = _DEFAULTS["start_size"]
    patience: int | None = _DEFAULTS["patience"]
    seed: int = _DEFAULTS["seed"]

    @classmethod
    def from_recipe(cls, recipe: str | Path, **changes: Any) -> Self:
        """A colorizer with the settings of a recipe, some of them changed.

        Args:
            recipe: A name from `list_recipes()`, or the path of a `.json` file such as they are: an object whose
                `settings` are the constructor's arguments. Those that it lacks are the recipe `mobile`'s.
            changes: The constructor's arguments.

        Raises:
            ValueError: The recipe is unknown, or a setting in it is unknown or of the wrong type.
            FileNotFoundError: There is no file at the path.

        Example:
            >>> FusionColorizer.from_recipe("paper", epochs=5).decoder
            'paper'
        """
        return cls.from_settings(read_recipe(recipe), str(recipe)).set_params(**changes)

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any], where: str) -> Self:
        """A colorizer with these settings, whose parts and their options are checked as well.

        Raises:
            ValueError: One is unknown or of the wrong type; the error begins with `where`.
        """
        parameters = inspect.signature(cls).parameters
        check_settings(settings, {name: each.annotation for name, each in parameters.items()}, where)
        return cls().set_params(**settings)

    @property
    def render_size(self) -> int:  # type: ignore[override]  # what others store is another setting here
        """The network sees about this number squared pixels of a photo: `image_size`."""
        return self.image_size

    def initialize(self, *, warm_start: bool = False, pretrained: bool | None = None) -> Self:
        """Build `network_` and `objective_` without training them.

        Args:
            warm_start: Keep the weights that the network has, as after a change of how its planes are read.
            pretrained: False leaves out the backbone's weights as well, whatever the settings say.

        Raises:
            ValueError: A part is unknown, or cannot work with the others; a setting is out of range; or the weights
                to keep are another network's, or those of an `optimized` or `mirrored` copy.
            TypeError: A part is given by neither a name nor a mapping with a name.
            NotFittedError: There are no weights to keep.
            WeightsError: The backbone's pretrained weights cannot be had.

        Example:
            >>> colorizer = FusionColorizer.from_pretrained()
            >>> pale = {"name": "classification", "rebalance": 1.0, "temperature": 1.0, "saturation": 0.5}
            >>> colorizer.set_params(objective=pale).initialize(warm_start=True).objective_.saturation
            0.5
        """
        if warm_start:
            self._check_whole()
        settings = plain(self.get_params())
        network, objective = build_model(settings, from_weights=pretrained is not False and not warm_start)
        if warm_start:
            try:
                network.load_state_dict(self.network_.state_dict())
            except RuntimeError as error:
                raise ValueError(f"the weights for a warm start are another network's: {one_line(error)}") from error
        else:
            vars(self).pop("history_", None)  # which is that of other weights
        self.network_: FusionNetwork = network.to(self.device)
        self.objective_: Objective = objective.to(self.device)
        self._built_of = {name: settings[name] for name in PARTS}
        return self

    def fit(
        self,
        photos: Source,
        validation: Source | float | None = None,
        *,
        warm_start: bool = False,
        run: str | Path | None = None,
        resume: str | Path | None = None,
        callbacks: Sequence[Callable[[Self], bool | None]] = (),
        checkpoint_minutes: float = 10.0,
        num_workers: int | None = None,
        accelerator: "Accelerator | None" = None,
    ) -> Self:
        """Learn from colour photographs: anew, but for `warm_start` and `resume`.

        The same script works plainly and under `torchrun` or `accelerate launch`, where each process takes its share
        of each batch. Interrupted or failed, it leaves a colorizer that can predict and be saved.

        Args:
            photos: A folder, a list of files and folders, RGB bytes `(N, H, W, 3)`, or a dataset of (L, ab).
            validation: The same, or the share of `photos` to hold out; the loss there is in `history_`.
            warm_start: Start from the weights that this colorizer has, of `from_pretrained` or of its last training,
                instead of forgetting them. Its settings may have changed since, such as `learning_rate`, which is
                best lower then, but not its network.
            run: A new folder to save in, after each epoch: the colorizer, as in `save`; in `best` that of the lowest
                validation loss; in `sheets` a picture of some validation photos; in `checkpoints` what it takes to
                go on.
            resume: The folder of a run to go on with from its last checkpoint, or to begin if there is none. But for
                `epochs`, `learning_rate`, `clip_norm`, `patience`, `pretrained` and `upsample`, the settings must be
                those of the run.
            callbacks: Called with the colorizer after each epoch, and where a run goes on; training stops when one of
                them returns True.
            checkpoint_minutes: How long after the last checkpoint one is written within an epoch.
            num_workers: Processes that read photos; by default half of the cores, at most 8, where processes are
                forked, and none elsewhere.
            accelerator: Says on which devices, in which precision, in how many parts a batch is taken, whether
                compiled, and with which trackers; by default one that goes by its environment variables, such as
                `ACCELERATE_MIXED_PRECISION=bf16`.

        Raises:
            FileNotFoundError: A path does not exist.
            DataError: There are no photos, or none with colour, or a dataset is damaged.
            PhotoError: A photo cannot be read.
            NotFittedError: There are no weights for a warm start.
            ValueError: A setting is unknown or out of range; `run` holds a run already, or `resume` one with other
                settings, or both are given; or weights for a warm start are another network's, or those of an
                `optimized` or `mirrored` copy.
            TypeError: The photos are none of these, or a part is given by neither a name nor a mapping.
            WeightsError: The backbone's pretrained weights cannot be had, or no checkpoint can be used.
            TrainingError: A loss is not finite, or the memory does not suffice.
            OSError: The run's folder cannot be written to.
        """
        fit_colorizer(
            self,
            photos,
            validation,
            warm_start=warm_start,
            run=run,
            resume=resume,
            callbacks=callbacks,
            checkpoint_minutes=checkpoint_minutes,
            num_workers=num_workers,
            accelerator=accelerator,
            on_cpu=hasattr(self, "_device") and self.device.type == "cpu" != find_device().type,
        )
        return self

    def state(self) -> dict[str, Tensor]:
        """The weights of the network.

        Raises:
            ValueError: This copy is `optimized` or `mirrored`, or a part was changed since the network was built.
        """
        self._check_whole()
        changed = [name for name, part in self._built_of.items() if plain(getattr(self, name)) != part]
        if changed:
            raise ValueError(
                f"{', '.join(changed)} changed since the network was built; call fit or initialize again"
            )
        return self.network_.state_dict()

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Build the network without any weights, and give it these.

        Raises:
            RuntimeError: They are another network's.
        """
        self.initialize(pretrained=False).network_.load_state_dict(tensors)

    def summary(self, image_size: int | None = None) -> Summary:
        """The parts of the network with the shapes that they give, their parameters and their multiply-adds.

        Args:
            image_size: Side in pixels of the square photo to count for; that of training, if none is given.

        Raises:
            NotFittedError: There is no network yet.
            ValueError: The size is below 32, or this copy is `optimized` or `mirrored`.

        Example:
            >>> print(FusionColorizer.from_recipe("paper", pretrained=False).initialize().summary())
            part      name             parameters  multiply-adds  output
            encoder   conv              3,467,392  2,377,138,176  128 x 112 x 112, ..., 256 x 7 x 7
            backbone  mobilenetv1_100   3,206,976    567,716,352  64 x 112 x 112, ..., 1024 x 7 x 7
            fusion    concat              655,872     32,112,640  768 x 7 x 7
            decoder   paper             6,618,210  2,026,307,584  2 x 224 x 224
            all                        13,948,450  5,003,274,752  for 1 x 224 x 224
        """
        self._check_whole()
        side = self.image_size if image_size is None else image_size
        check_value(side, Side, "image_size", "a summary")
        names = {part: parse_spec(self._built_of[part], part)[0] for part in PARTS}
        return summarize(self.network_, names, side, side)
