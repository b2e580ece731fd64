"""scikit-learn's estimator interface, without depending on scikit-learn."""

import inspect
from collections.abc import Mapping
from typing import Any, Self

from colorfuse.errors import NotFittedError
from colorfuse.options import check_options, plain


class Estimator:
    """An object that follows the conventions of scikit-learn's estimators.

    A subclass takes its settings as keyword arguments of `__init__` and only stores each under its own name. The
    names of fitted attributes end in an underscore.
    """

    learns = False
    """Whether `fit` must be called before `predict`."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Get the constructor's arguments by name, as in scikit-learn."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def set_params(self, **params: Any) -> Self:
        """Change some of the constructor's arguments.

        Raises:
            ValueError: An argument is unknown.
        """
        known = self.get_params()
        for name in params:
            if name not in known:
                listed = ", ".join(known) or "none"
                raise ValueError(f"a colorizer has no setting {name!r}; its settings are {listed}")
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def fit(self, photos: Any, y: Any = None) -> Self:
        """Do nothing: this system learns nothing. It is here so that scikit-learn accepts the system."""
        return self

    def _changed_since(self, kept: Mapping[str, Any]) -> list[str]:
        """The names of the settings that no longer have the plain values that were kept."""
        return [name for name, value in kept.items() if plain(getattr(self, name)) != value]

    def _check_settings(self) -> None:
        """Check that the settings have the types, and are in the ranges, that the constructor announces.

        Raises:
            ValueError: One is not.
        """
        check_options(type(self).__name__, type(self), self.get_params())

    def check_fitted(self) -> None:
        """Check that the colorizer is fitted, if it needs to be.

        Raises:
            NotFittedError: It is not.
        """
        if not self.__sklearn_is_fitted__():
            name = type(self).__name__
            raise NotFittedError(
                f"this {name} has learnt nothing yet; call fit, or load or from_pretrained instead, in the shell "
                "--model"
            )

    def __sklearn_is_fitted__(self) -> bool:
        return not self.learns or any(name.endswith("_") for name in vars(self).keys() - self.get_params().keys())

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import InputTags, Tags, TargetTags

        return Tags(
            estimator_type=None,
            target_tags=TargetTags(required=False),
            input_tags=InputTags(two_d_array=False, string=True),
            requires_fit=self.learns,
            non_deterministic=False,
        )
