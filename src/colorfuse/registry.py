"""Parts found by name: one kind of registry for backbones, encoders, fusions, decoders and objectives."""

import difflib
import fnmatch
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeAlias, TypeVar

Part = TypeVar("Part")
Factory = TypeVar("Factory", bound=Callable[..., Any])

Spec: TypeAlias = str | Mapping[str, Any]
"""A part's name, or a mapping of `name` and the part's options."""


class Registry(Generic[Part]):
    """Names and the classes or functions that build the parts they stand for.

    Args:
        kind: What the parts are, for messages: "encoder", say.

    Example:
        >>> shouts: Registry[str] = Registry("shout")
        >>> @shouts.register("loud")
        ... def loud(word, mark="!"):
        ...     return word.upper() + mark
        >>> shouts.create({"name": "loud", "mark": "?"}, "hey")
        'HEY?'
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._factories: dict[str, Callable[..., Part]] = {}

    def register(self, name: str) -> Callable[[Factory], Factory]:
        """A decorator that makes a class or function known under `name`.

        Raises:
            ValueError: The name is taken.
        """

        def add(factory: Factory) -> Factory:
            if name in self._factories:
                raise ValueError(f"the {self.kind} {name!r} is already registered; choose another name")
            self._factories[name] = factory
            return factory

        return add

    def names(self, pattern: str = "*") -> list[str]:
        """The known names that match a shell-style pattern, sorted."""
        return sorted(fnmatch.filter(self._factories, pattern))

    def __contains__(self, name: object) -> bool:
        return name in self._factories

    def create(self, spec: Spec, *args: Any, **kwargs: Any) -> Part:
        """Build the part that `spec` names; its options are passed on beside `kwargs`.

        Raises:
            ValueError: The name is unknown, or the part does not take an option.
            TypeError: The spec is neither a name nor a mapping with a name.
        """
        name, options = parse_spec(spec, self.kind)
        if name not in self:
            raise unknown_name(self.kind, name, self._factories)
        return build_part(self.kind, name, self._factories[name], options, *args, **kwargs)


def build_part(
    kind: str, name: str, factory: Callable[..., Part], options: Mapping[str, Any], *args: Any, **kwargs: Any
) -> Part:
    """Call `factory` with its options beside the other arguments.

    Raises:
        ValueError: It does not take these options.
    """
    try:
        inspect.signature(factory).bind(*args, **kwargs, **options)
    except TypeError as error:
        raise ValueError(f"the {kind} {name!r} does not take the options {dict(options)}: {error}") from error
    return factory(*args, **kwargs, **options)


def parse_spec(spec: Any, kind: str) -> tuple[str, dict[str, Any]]:
    """Split a spec into its name and its options.

    Raises:
        TypeError: The spec is neither a name nor a mapping with a name.
    """
    if isinstance(spec, str):
        return spec, {}
    name = spec.get("name") if isinstance(spec, Mapping) else None
    if not isinstance(name, str):
        raise TypeError(f"{kind} must be a name or a mapping with a 'name' and options, not {spec!r}")
    return name, {option: value for option, value in spec.items() if option != "name"}


def unknown_name(kind: str, name: str, known: Iterable[str]) -> ValueError:
    """The error for a name that is not known, with the closest ones that are."""
    known = sorted(known)
    closest = difflib.get_close_matches(name, known, n=3) or known[:5]
    return ValueError(f"no {kind} is called {name!r}; of {len(known)} known, the closest are {', '.join(closest)}")
