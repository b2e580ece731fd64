"""Extra terms that the loss of any objective can carry."""

from colorfuse.objectives.terms.adversarial import Adversarial
from colorfuse.objectives.terms.classes import ColorClasses, ImageClasses
from colorfuse.objectives.terms.colors import Colorfulness, PerceptualDistance
from colorfuse.objectives.terms.contract import Term, terms

__all__ = ["Adversarial", "ColorClasses", "Colorfulness", "ImageClasses", "PerceptualDistance", "Term", "terms"]
