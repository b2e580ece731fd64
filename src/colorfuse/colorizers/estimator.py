"""The habits of scikit-learn's estimators, without depending on it."""

import inspect
from typing import Any, Self

from colorfuse.errors import NotFittedError


class Estimator:
    """Settings that the constructor only stores, and what scikit-learn asks an estimator for.

    A subclass takes its settings as keywords of `__init__`, stores each under its own name, and ends the names of
    what it learns in an underscore.
    """

    learns = False
    """Whether predictions need a `fit` first."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The constructor's arguments, as scikit-learn asks for them."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def set_params(self, **params: Any) -> Self:
        """Change some of the constructor's arguments.

        Raises:
            ValueError: An argument is unknown.
        """
        known = self.get_params()
        for name, value in params.items():
            if name not in known:
                listed = ", ".join(known) or "none"
                raise ValueError(f"a colorizer has no setting {name!r}; its settings are {listed}")
            setattr(self, name, value)
        return self

    def fit(self, photos: Any, y: Any = None) -> Self:
        """Nothing, since this system learns nothing; so that it can stand where an estimator is expected."""
        return self

    def check_fitted(self) -> None:
        """Check that what predictions need has been learnt.

        Raises:
            NotFittedError: It has not.
        """
        if not self.__sklearn_is_fitted__():
            name = type(self).__name__
            raise NotFittedError(f"this {name} has learnt nothing yet; call fit, or load or from_pretrained instead")

    def __sklearn_is_fitted__(self) -> bool:
        return not self.learns or any(name.endswith("_") for name in vars(self))

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import InputTags, Tags, TargetTags

        return Tags(
            estimator_type=None,
            target_tags=TargetTags(required=False),
            input_tags=InputTags(two_d_array=False, string=True),
            requires_fit=self.learns,
            non_deterministic=False,
        )
