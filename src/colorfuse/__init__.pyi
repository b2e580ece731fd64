from . import metrics, plots
from .backbones import MapInfo, create_backbone, list_backbones, register_backbone
from .color import LabToRgb, RgbToLab, gray_to_lightness, lab_to_rgb, reduce_chroma, rgb_to_lab
from .colorizers import (
    Colorizer,
    FusionColorizer,
    create_colorizer,
    list_colorizers,
    register_colorizer,
)
from .data import LabArrays, PhotoArray, PhotoFolder, pack, split
from .errors import (
    DataError,
    HintsError,
    NotFittedError,
    PhotoError,
    TrainingError,
    VideoError,
    WeightsError,
)
from .evaluation import Difference, Evaluation, compare, evaluate
from .hints import Hints, read_hints
from .images import read_pages, read_photo, write_photo
from .network import (
    FusionNetwork,
    list_decoders,
    list_encoders,
    list_fusions,
    register_decoder,
    register_encoder,
    register_fusion,
)
from .objectives import (
    Objective,
    Term,
    list_objectives,
    list_terms,
    register_objective,
    register_term,
)
from .recipes import list_recipes

__version__: str

__all__ = [
    "Colorizer",
    "DataError",
    "Difference",
    "Evaluation",
    "FusionColorizer",
    "FusionNetwork",
    "Hints",
    "HintsError",
    "LabArrays",
    "LabToRgb",
    "MapInfo",
    "NotFittedError",
    "Objective",
    "PhotoArray",
    "PhotoError",
    "PhotoFolder",
    "RgbToLab",
    "Term",
    "TrainingError",
    "VideoError",
    "WeightsError",
    "compare",
    "create_backbone",
    "create_colorizer",
    "evaluate",
    "gray_to_lightness",
    "lab_to_rgb",
    "list_backbones",
    "list_colorizers",
    "list_decoders",
    "list_encoders",
    "list_fusions",
    "list_objectives",
    "list_recipes",
    "list_terms",
    "metrics",
    "pack",
    "plots",
    "read_hints",
    "read_pages",
    "read_photo",
    "reduce_chroma",
    "register_backbone",
    "register_colorizer",
    "register_decoder",
    "register_encoder",
    "register_fusion",
    "register_objective",
    "register_term",
    "rgb_to_lab",
    "split",
    "write_photo",
]
