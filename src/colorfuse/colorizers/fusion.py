"""The colorizer built on a `FusionNetwork`."""

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
from colorfuse.inference.devices import as_default, find_device
from colorfuse.network import FusionNetwork, Summary, summarize
from colorfuse.objectives import Objective
from colorfuse.options import Side, check_value, plain
from colorfuse.recipes import check_settings, read_recipe
from colorfuse.registry import Spec, parse_spec
from colorfuse.training import Settings, fit_colorizer

if TYPE_CHECKING:
    from accelerate import Accelerator

_DEFAULTS = read_recipe("mobile")


@colorizers.register("fusion")
@dataclasses.dataclass(kw_only=True, eq=False)
class FusionColorizer(NetworkColorizer):
    """Colours gray photographs with a network trained on colour photographs.

    Each part is given by its name, or by a mapping with `name` and options. The constructor only stores its
    arguments; they are checked when they are used. The defaults are those of the recipe `mobile`.

    Args:
        backbone: Name from `list_backbones()`; its options are those of `create_backbone`.
        pretrained: Start the backbone from its published weights; raises if they are not available.
        encoder: Name from `list_encoders()`.
        fusion: Name from `list_fusions()`.
        decoder: Name from `list_decoders()`.
        objective: Name from `list_objectives()`; the option `terms` lists extra loss terms, each by its name from
            `list_terms()` or as a mapping.
        image_size: Side in pixels of the square training images; `predict` shows the network about as many pixels.
        upsample: How colours are upsampled to the photo's size: "guided" by its lightness, so that colour edges
            follow those of the photo; "joint_bilateral", which does the same at many times the cost; or "bilinear".
        augmentation: "none", or "crop_flip" for random crops and horizontal flips.
        epochs: Number of passes over the training photos.
        batch_size: Photos per optimizer step, summed over all processes and gradient accumulation.
        optimizer: "adam", "adamw", "adadelta", or "sgd" with a momentum of 0.9.
        learning_rate: The peak learning rate of the schedule.
        weight_decay: The optimizer's weight decay.
        schedule: "constant"; "cosine", which decays to zero along half a cosine (Loshchilov and Hutter 2017); or
            "one_cycle", which first rises (Smith and Topin 2017).
        warmup_steps: Optimizer steps over which the learning rate rises. None for a tenth of all steps with
            "one_cycle", and for no warmup with the other schedules.
        clip_norm: Clip gradients to this norm. None for no clipping.
        ema_decay: Predict with an exponential moving average of the weights (Polyak and Juditsky 1992) with this
            decay, such as 0.999. Its batch-norm statistics are estimated anew after each epoch (Izmailov et al.
            2018). None for no averaging.
        backbone_rate: The backbone's learning rate, as a factor of that of the other parts.
        frozen_epochs: Number of epochs at the start in which the backbone is frozen.
        start_size: Side of the training images in the first epoch. It grows to `image_size` over the first half of
            the epochs, rounded to multiples of 32. None for `image_size` in all epochs.
        patience: Stop after this many epochs without a lower validation loss, and restore the best weights. None to
            train for all epochs and keep the last weights.
        simulated_hints: How hints are drawn from the true colours in training, if the encoder takes any: the
            arguments of `SimulatedHints`. None to train without hints.
        old_film: How the lightness of training photos is made like that of old film: the arguments of `OldFilm`. None
            to train on the lightness of a camera alone.
        seed: Determines the initial weights and all random draws of training.

    Attributes:
        network_: The `FusionNetwork`.
        objective_: The `Objective`.
        history_: A list with a dict for each epoch of training: `epoch`; `learning_rate` at its start; `train_loss`;
            `train_mean_a` and `train_mean_b`, the mean colour of the epoch's photos. With validation photos, also
            `validation_loss`, and `validation_error`, `validation_gray_error` and `validation_constant_error`: the
            mean squared errors of ab / 127.5 of the network, of gray, and of the mean colour of the training photos.

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
    simulated_hints: dict[str, Any] | None = dataclasses.field(
        default_factory=lambda: copy.deepcopy(_DEFAULTS["simulated_hints"])
    )
    old_film: dict[str, Any] | None = _DEFAULTS["old_film"]
    seed: int = _DEFAULTS["seed"]

    @classmethod
    def from_recipe(cls, recipe: str | Path, **changes: Any) -> Self:
        """Create a colorizer with the settings of a recipe.

        Args:
            recipe: A name from `list_recipes()`, or the path of a `.json` file of the same form: an object whose
                `settings` are the constructor's arguments. Missing ones are taken from the recipe `mobile`.
            changes: Constructor arguments that override those of the recipe.

        Raises:
            ValueError: The recipe is unknown, or a setting in it is unknown, of the wrong type or out of range.
            FileNotFoundError: There is no file at the path.

        Example:
            >>> FusionColorizer.from_recipe("paper", epochs=5).decoder
            'paper'
        """
        return cls.from_settings(read_recipe(recipe), str(recipe)).set_params(**changes)

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any], where: str) -> Self:
        """Create a colorizer from settings, and check them down to the options of the parts.

        Raises:
            ValueError: A setting is unknown, of the wrong type or out of range; the message begins with `where`.
        """
        kinds = {name: each.annotation for name, each in inspect.signature(cls).parameters.items()}
        check_settings(settings, kinds | Settings.kinds(), where)
        return cls().set_params(**settings)

    @property
    def render_size(self) -> int:  # type: ignore[override]  # derived here, an attribute in the base
        """Equal to `image_size`: photos are resized to about `render_size ** 2` pixels for the network."""
        return self.image_size

    def initialize(self, *, warm_start: bool = False, pretrained: bool | None = None) -> Self:
        """Build `network_` and `objective_` without training them.

        Args:
            warm_start: Keep the current weights of the network, as after a change of the objective's options.
            pretrained: False never loads the backbone's pretrained weights, whatever the settings say.

        Raises:
            ValueError: A part is unknown, or cannot work with the others; a setting is out of range; or, with
                `warm_start`, the weights do not fit the new network or this copy only predicts.
            TypeError: A part is given by neither a name nor a mapping with a name.
            NotFittedError: There are no weights to keep.
            WeightsError: The backbone's pretrained weights are not available.

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
            vars(self).pop("history_", None)  # it belongs to the old weights
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
        """Train on colour photographs, from scratch unless `warm_start` or `resume` is given.

        The same script runs on its own and under `torchrun` or `accelerate launch`, where each process takes its
        share of each batch. If training is interrupted or fails, the colorizer can still predict and be saved.

        Args:
            photos: A folder, a list of files and folders, RGB bytes `(N, H, W, 3)`, or a dataset of (L, ab).
            validation: The same, or the fraction of `photos` to hold out. The validation loss goes to `history_`.
            warm_start: Start from the current weights, as loaded by `from_pretrained` or left by the last training.
                The settings may have changed since, but not the network. A lower `learning_rate` is usually best.
            run: A new folder, written after each epoch. It holds the colorizer, as written by `save`; in `best`, the
                colorizer with the lowest validation loss; in `sheets`, a picture of some validation photos; and in
                `checkpoints`, the state to resume from.
            resume: The folder of a run to continue from its last checkpoint, or to start if there is none. The
                settings must be those of the run, except `epochs`, `learning_rate`, `clip_norm`, `patience`,
                `pretrained` and `upsample`.
            callbacks: Called with the colorizer after each epoch, and when a run is resumed. Training stops if one
                returns True.
            checkpoint_minutes: Minutes between checkpoints within an epoch.
            num_workers: Worker processes that read photos. By default half of the cores, at most 8, on platforms
                that fork processes, and 0 on others.
            accelerator: Chooses devices, precision, gradient accumulation, compilation and trackers. By default an
                `Accelerator` configured by its environment variables, such as `ACCELERATE_MIXED_PRECISION=bf16`.

        Raises:
            FileNotFoundError: A path does not exist.
            DataError: There are no photos, or none with colour, or a dataset is damaged.
            PhotoError: A photo cannot be read.
            NotFittedError: There are no weights for a warm start.
            ValueError: A setting is unknown or out of range; `run` already holds a run, `resume` holds one with
                other settings, or both are given; or, with `warm_start`, the weights do not fit the network or this
                copy only predicts.
            TypeError: The photos are none of these, or a part is given by neither a name nor a mapping.
            WeightsError: The backbone's pretrained weights are not available, or no checkpoint can be used.
            TrainingError: A loss is not finite, or memory runs out.
            OSError: The run's folder cannot be written to.
        """
        with as_default(super().device):  # on which accelerate trains
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
        """Return the weights of the network.

        Raises:
            ValueError: This copy only predicts, or a part was changed since the network was built.
        """
        self._check_whole()
        if changed := self._changed_since(self._built_of):
            raise ValueError(
                f"{', '.join(changed)} changed since the network was built; call fit or initialize again"
            )
        return self.network_.state_dict()

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Build the network and load these weights into it.

        Raises:
            RuntimeError: The weights do not fit the network.
        """
        self.initialize(pretrained=False).network_.load_state_dict(tensors)

    def summary(self, image_size: int | None = None) -> Summary:
        """List the parts of the network with their output shapes, parameters and multiply-adds.

        Args:
            image_size: Side in pixels of the square photo to count for; by default the `image_size` of training.

        Raises:
            NotFittedError: There is no network yet.
            ValueError: The size is below 32, or this copy only predicts.

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
