"""Extra terms that can be added to the loss of any objective."""

from colorfuse.objectives.terms.adversarial import Adversarial
from colorfuse.objectives.terms.base import Term, list_terms, register_term, terms
from colorfuse.objectives.terms.classes import ColorClasses, ImageClasses
from colorfuse.objectives.terms.colors import Colorfulness, PerceptualDistance

__all__ = [
    "Adversarial",
    "ColorClasses",
    "Colorfulness",
    "ImageClasses",
    "PerceptualDistance",
    "Term",
    "list_terms",
    "register_term",
    "terms",
]
