"""The estimator: a network and an objective, with `fit` and `predict`."""

import copy
import dataclasses
import json
import os
import tempfile
import typing
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, overload

import torch
from torch import Tensor

from colorfuse.backbones import without_pretrained
from colorfuse.data import as_datasets
from colorfuse.data.finding import find_photos
from colorfuse.data.sources import Source
from colorfuse.errors import NotFittedError, one_line
from colorfuse.images import PhotoSource, Pixels, read_photo
from colorfuse.network import FusionNetwork, Summary, build_network, summarize
from colorfuse.objectives import Objective, create_objective, create_terms
from colorfuse.options import Side, check_value
from colorfuse.painting import Painter, is_stream
from colorfuse.prediction import see_checked, to_seen_size
from colorfuse.recipes import check_settings, read_recipe
from colorfuse.registry import Spec, parse_spec
from colorfuse.runs import RunFolder, open_run
from colorfuse.storage import read_history, read_settings, read_weights, write_folder
from colorfuse.training import History, Settings, best_epoch, tracked, train
from colorfuse.upsampling import find_upsampling

if TYPE_CHECKING:
    from accelerate import Accelerator

_DEFAULTS = read_recipe("mobile")
_PARTS = ("backbone", "encoder", "fusion", "decoder", "objective")


@dataclasses.dataclass(kw_only=True, eq=False)
class FusionColorizer:
    """Colours gray photographs, and learns to from colour ones.

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
        settings = read_recipe(recipe)
        check_settings(settings, typing.get_type_hints(cls), str(recipe))
        return cls().set_params(**settings | changes)

    @classmethod
    def from_pretrained(cls, source: str | Path | None = None, *, revision: str | None = None) -> Self:
        """A colorizer that has learnt already.

        Nothing of it is run or unpickled: its configuration names parts that are installed here, and its weights are
        tensors.

        Args:
            source: Nothing for the weights inside the package, the folder of a saved colorizer, or the name of a
                repository of the Hugging Face hub, as in "owner/name", which is downloaded once.
            revision: The branch, tag or commit of the repository; its main branch if none is given.

        Raises:
            FileNotFoundError: The source is neither a folder nor can be a repository, or holds no saved colorizer.
            ValueError: Its configuration is not one of a colorizer, or names unknown settings or parts.
            WeightsError: The repository cannot be had; or its weights are missing, damaged, or another network's.

        Example:
            >>> FusionColorizer.from_pretrained().backbone
            'tf_efficientnet_lite0'
        """
        if source is None:
            with resources.as_file(resources.files("colorfuse") / "weights" / "mobile") as folder:
                return cls.load(folder)
        if Path(source).is_dir():
            return cls.load(source)
        from colorfuse.hub import fetch, is_repository

        if not is_repository(str(source)):
            raise FileNotFoundError(f"{source} is neither a folder nor a repository of the hub, as in 'owner/name'")
        return cls.load(fetch(str(source), revision))

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read a colorizer from the folder that `save` wrote. Never asks the network.

        Raises:
            FileNotFoundError: The folder holds no saved colorizer.
            ValueError: Its configuration is not one of a colorizer, or names unknown settings or parts.
            WeightsError: Its weights are missing, damaged, or another network's.
        """
        folder = Path(folder)
        settings = read_settings(folder)
        check_settings(settings, typing.get_type_hints(cls), str(folder))
        colorizer = cls().set_params(**settings)
        colorizer._build(without_pretrained(colorizer.backbone), pretrained=False)
        read_weights(folder, colorizer.network_)
        colorizer.history_ = read_history(folder)
        return colorizer

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The constructor's arguments, as scikit-learn asks for them."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def set_params(self, **params: Any) -> Self:
        """Change some of the constructor's arguments.

        Raises:
            ValueError: An argument is unknown.
        """
        known = self.get_params()
        for name, value in params.items():
            if name not in known:
                raise ValueError(f"a colorizer has no setting {name!r}; its settings are {', '.join(known)}")
            setattr(self, name, value)
        return self

    def initialize(self, *, warm_start: bool = False) -> Self:
        """Build `network_` and `objective_` without training them.

        Args:
            warm_start: Keep the weights that the network has, as after a change of how its planes are read.

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
        if not warm_start:
            self._build(self.backbone, self.pretrained)
            vars(self).pop("history_", None)  # which was that of other weights
            return self
        self._check_whole()
        before = {name: vars(self)[name] for name in ("network_", "objective_", "_built_of")}
        self._build(without_pretrained(self.backbone), pretrained=False)
        try:
            self.network_.load_state_dict(before["network_"].state_dict())
        except RuntimeError as error:
            vars(self).update(before)
            raise ValueError(f"the weights for a warm start are another network's: {one_line(error)}") from error
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
        from accelerate import Accelerator  # takes seconds to import, and only training needs it

        settings = Settings(**{field.name: getattr(self, field.name) for field in dataclasses.fields(Settings)})
        checkpoints = open_run(run, resume, self.get_params())
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(self.seed)
            terms = create_terms(self.objective)
        train_data, validation_data = as_datasets(
            photos,
            validation,
            image_size=self.image_size,
            augmentation=self.augmentation,
            seed=self.seed,
            labels=any(term.needs_labels for term in terms),
        )
        if checkpoints and checkpoints.exist():
            self._build(without_pretrained(self.backbone), pretrained=False)
        else:
            self.initialize(warm_start=warm_start)
        vars(self).pop("history_", None)
        if checkpoints:
            checkpoints.prepare()
        self.history_: History = []
        accelerator = Accelerator() if accelerator is None else accelerator
        folder = RunFolder(checkpoints.run if checkpoints else None, validation_data, accelerator.is_main_process)

        def after_epoch(history: History) -> bool:
            self.history_ = history
            folder.keep(self)
            answers = [callback(self) for callback in callbacks]
            return any(answers)

        device = accelerator.device
        forked = torch.random.fork_rng(devices=[device] if device.type == "cuda" else [])
        with forked, tracked(accelerator, self.get_params()):
            train(
                self.network_,
                self.objective_,
                terms,
                train_data,
                validation_data,
                settings,
                accelerator=accelerator,
                checkpoints=checkpoints,
                checkpoint_minutes=checkpoint_minutes,
                about=self.get_params(),
                after_epoch=after_epoch,
                num_workers=num_workers,
            )
        if self.patience and best_epoch(self.history_) not in (None, len(self.history_)):
            folder.restore_best(self)
        accelerator.wait_for_everyone()  # so that what the main process writes is there
        return self

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
                are taken sorted by path. The colours of a colour photo are not looked at.
            saturation: A factor of ab from 0 to 100: 0 keeps the photo gray, 1 is as predicted. What has learnt by
                squared error is pale where it is unsure, and more than 1 makes up for it.
            upsample: How colours are brought to the photo's size; None for the colorizer's `upsample`.
            render_size: The network sees about this number squared pixels of a photo; None for `image_size`. More
                shows it finer things, and fewer of what it takes to know them.

        Returns:
            RGB `(H, W, 3)` in sRGB, or RGBA where the photo has alpha, with its height and width, upright: uint16
            for files and arrays of 16 bit, float32 for floats, else uint8. A list of them for a list or tuple; for
            any other iterable, and for a folder, an iterator that reads and colours photos as they are asked for.

        Raises:
            NotFittedError: There is no network yet.
            FileNotFoundError: There is no file at a path.
            PhotoError: A photo cannot be read, or an array is not a photo; from an iterator, in its place.
            DataError: A folder has no photos.
            MemoryError: A photo is too large for the memory; the error says what would fit.
            ValueError: An option is unknown or out of range, or the network's values are not finite.
            TypeError: A photo is none of these.

        Example:
            >>> from skimage import data
            >>> colorizer = FusionColorizer.from_pretrained()
            >>> for colored in colorizer.predict(iter([data.camera(), data.moon()])):
            ...     print(colored.shape)
            (512, 512, 3)
            (512, 512, 3)
        """
        self._check_network()
        painter = Painter(
            self.network_,
            self.objective_,
            self.image_size if render_size is None else render_size,
            self.upsample if upsample is None else upsample,
            saturation,
        )
        if isinstance(photos, str | os.PathLike) and Path(photos).is_dir():
            return painter.stream(find_photos(Path(photos)))
        if not is_stream(photos):
            return painter.paint([read_photo(photos)])[0]
        colored = painter.stream(photos)
        return list(colored) if isinstance(photos, list | tuple) else colored

    def predict_ab(self, lightness: Tensor) -> Tensor:
        """The colours of lightness, without a photo around them.

        Args:
            lightness: L `(N, 1, H, W)` in 0 to 100.

        Returns:
            ab `(N, 2, H, W)` in CIELAB units. The network sees about `image_size` squared pixels of each photo; what
            it gives is brought to the photo's size as `upsample` says.

        Raises:
            NotFittedError: There is no network yet.
            ValueError: The shape is another, `upsample` is unknown, or the network's values are not finite.
        """
        self._check_network()
        seen = see_checked(self.network_, self.objective_, to_seen_size(lightness, self.image_size))
        return find_upsampling(self.upsample)(*seen, lightness.shape[-2])(lightness, 0)

    def optimized(self, dtype: torch.dtype | None = None, *, compiled: bool = False) -> Self:
        """A copy that predicts faster, and can neither be saved nor exported.

        Batch norms are folded into the convolutions before them, and weights laid out channels-last.

        Args:
            dtype: Of the network; None for bfloat16 where the processor or device computes with it, else float32.
            compiled: Let `torch.compile` translate the network, which takes long for the first photo of a shape.

        Raises:
            NotFittedError: There is no network yet.
            ValueError: The dtype is not a float.

        Example:
            >>> from skimage import data
            >>> FusionColorizer.from_pretrained().optimized().predict(data.camera()).shape
            (512, 512, 3)
        """
        from colorfuse.network.inference import best_dtype, for_inference  # with timm, which takes long to import

        self._check_network()
        device = next(self.network_.parameters()).device
        dtype = best_dtype(device) if dtype is None else dtype
        if not dtype.is_floating_point:
            raise ValueError(f"the network computes with floats, such as torch.bfloat16, not with {dtype}")
        network = for_inference(self.network_, dtype)
        if compiled:
            network.compile()
        return self._only_predicting(network)

    def mirrored(self) -> Self:
        """A copy that also looks at each photo mirrored and takes the mean, and can neither be saved nor exported.

        Its colours are a little nearer to the true ones, and the network takes twice the time.

        Raises:
            NotFittedError: There is no network yet.

        Example:
            >>> from skimage import data
            >>> FusionColorizer.from_pretrained().optimized().mirrored().predict(data.camera()).shape
            (512, 512, 3)
        """
        from colorfuse.network.mirrored import Mirrored

        self._check_network()
        return self._only_predicting(Mirrored(self.network_))

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
        names = {part: parse_spec(self._built_of[part], part)[0] for part in _PARTS}
        return summarize(self.network_, names, side, side)

    def save(self, folder: str | Path, dtype: torch.dtype = torch.float32) -> None:
        """Write `config.json`, `model.safetensors`, `history.csv` and a model card to a folder.

        Args:
            folder: Where to; it is made if it is not there.
            dtype: The floating dtype to store weights in; float16 halves the file.

        Raises:
            NotFittedError: There is no network yet.
            ValueError: The dtype is not a float, this copy is `optimized` or `mirrored`, or a part was changed since
                the network was built.
            OSError: The folder cannot be written to.
        """
        self._check_whole()
        changed = [name for name, part in self._built_of.items() if getattr(self, name) != part]
        if changed:
            raise ValueError(
                f"{', '.join(changed)} changed since the network was built; call fit or initialize again"
            )
        write_folder(Path(folder), self.get_params(), self.network_, getattr(self, "history_", []), dtype)

    def push_to_hub(
        self,
        repository: str,
        *,
        private: bool = False,
        message: str = "Save a colorizer",
        dtype: torch.dtype = torch.float32,
    ) -> str:
        """Save to a repository of the Hugging Face hub, which is made if it is not there.

        Whoever may push is known to the hub by the token of `hf auth login`, or of the variable `HF_TOKEN`.

        Args:
            repository: Its name, as in "owner/name".
            private: Whether a repository that is made is for its owner alone.
            message: Of the commit.
            dtype: The floating dtype to store weights in.

        Returns:
            The address of the repository.

        Raises:
            NotFittedError: There is no network yet.
            ValueError: As in `save`.
            OSError: The hub cannot be reached, or refuses.
        """
        from colorfuse.hub import push

        with tempfile.TemporaryDirectory() as folder:
            self.save(folder, dtype)
            return push(Path(folder), repository, private=private, message=message)

    def export(self, path: str | Path) -> None:
        """Write all that `predict` does to an array as a program for other software: gray in, RGB out.

        It takes gray photos `(N, 1, H, W)`, float32 in 0 to 1 of sRGB, of any number and size, as `gray`, and gives
        RGB `(N, 3, H, W)` likewise as `rgb`. Reading and writing files stays with its user.

        Args:
            path: Where to, whole or not at all: `.onnx` for ONNX Runtime and its like, which takes the extra `onnx`,
                or `.pt2` for `torch.export.load`, which refuses photos so narrow that a map of the network would be
                one pixel wide.

        Raises:
            NotFittedError: There is no network yet.
            ValueError: The suffix is another, this copy is `optimized` or `mirrored`, or a part of the network does
                what cannot be exported.
            ImportError: torch is older than 2.14, or what ONNX takes is not installed.
        """
        from colorfuse.export import Program, write_program  # torch takes seconds to import what it exports with

        self._check_whole()
        write_program(Program(self.network_, self.objective_, self.image_size, self.upsample), Path(path))

    def _only_predicting(self, network: Any) -> Self:
        """A copy with a network that is not what its settings describe."""
        changed = copy.copy(self)
        changed.network_ = network
        vars(changed).pop("_built_of", None)
        return changed

    def _check_network(self) -> None:
        if not hasattr(self, "network_"):
            raise NotFittedError("this colorizer has no network yet; call fit or load, or use from_pretrained()")

    def _check_whole(self) -> None:
        self._check_network()
        if not hasattr(self, "_built_of"):
            raise ValueError("an optimized or mirrored colorizer only predicts; use the one that it was made of")

    def _build(self, backbone: Spec, pretrained: bool) -> None:
        check_value(self.image_size, Side, "image_size", "a colorizer")
        find_upsampling(self.upsample)
        parts = {name: getattr(self, name) for name in _PARTS}
        for name, spec in parts.items():
            try:
                json.dumps(spec)
            except (TypeError, ValueError) as error:
                raise ValueError(f"{name} must be made of strings, numbers, lists and dicts, not {spec}") from error
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(self.seed)  # and not those of GPUs, which stay the caller's
            objective = create_objective(self.objective)
            network = build_network(
                encoder=self.encoder,
                backbone=backbone,
                fusion=self.fusion,
                decoder=self.decoder,
                planes=objective.planes,
                activation=objective.activation,
                pretrained=pretrained,
            ).eval()
        self.objective_: Objective = objective
        self.network_: FusionNetwork = network
        self._built_of = copy.deepcopy(parts)
