"""Registries that build parts by name: backbones, encoders, fusions, decoders, objectives and others."""

import difflib
import fnmatch
import inspect
import warnings
from collections.abc import Callable, Iterable, Mapping
from importlib import metadata
from typing import Any, Generic, TypeAlias, TypeVar

from colorfuse.options import check_options

Part = TypeVar("Part")
Factory = TypeVar("Factory", bound=Callable[..., Any])

Spec: TypeAlias = str | Mapping[str, Any]
"""A part's name, or a mapping with its `name` and its options."""


class Registry(Generic[Part]):
    """Maps names to the classes or functions that build parts of one kind.

    Installed packages add parts through entry points. The group is the plural of the kind, such as
    `colorfuse.encoders`, and the entry point's name is the part's name. A plug-in that cannot be imported, or whose
    name is taken, is skipped with a warning.

    Args:
        kind: What the parts are, such as "encoder".

    Attributes:
        reserved: Returns names that already have a meaning and cannot be registered.

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
        self.reserved: Callable[[], Iterable[str]] = tuple
        self._registered: dict[str, Callable[..., Part]] = {}
        self._plug_ins_to_come = True

    def register(self, name: str) -> Callable[[Factory], Factory]:
        """Return a decorator that registers a class or function under `name`.

        A class or function that is defined again, as when a notebook cell is rerun, replaces its old definition.

        Raises:
            ValueError: The name is taken or reserved.
            TypeError: `name` is not a string, as when the decorator is used without parentheses.
        """
        if not isinstance(name, str):
            raise TypeError(f"a {self.kind} is registered under a name, @register_{self.kind}('mine'), not {name!r}")
        if name in self.reserved():
            raise self._taken(name)

        def add(factory: Factory) -> Factory:
            if name in self._registered and _definition_of(self._registered[name]) != _definition_of(factory):
                raise self._taken(name)
            self._registered[name] = factory
            return factory

        return add

    def _taken(self, name: str) -> ValueError:
        return ValueError(f"there is a {self.kind} {name!r} already; choose another name")

    def names(self, pattern: str = "*") -> list[str]:
        """The registered names that match a shell-style pattern, sorted."""
        return sorted(fnmatch.filter(self._factories, pattern))

    @property
    def _factories(self) -> dict[str, Callable[..., Part]]:
        """All parts by name. Plug-ins are imported on first access, not together with the library."""
        if self._plug_ins_to_come:
            self._plug_ins_to_come = False
            for entry_point in metadata.entry_points(group=f"colorfuse.{self.kind}s"):
                self._add_plug_in(entry_point)
        return self._registered

    def _add_plug_in(self, entry_point: metadata.EntryPoint) -> None:
        try:
            factory = entry_point.load()
            self.register(entry_point.name)(factory)
        except Exception as error:  # importing a plug-in may raise anything
            what = f"the plug-in {entry_point.value} for the {self.kind} {entry_point.name!r}"
            warnings.warn(f"{what} is passed over: {type(error).__name__}: {error}", stacklevel=4)

    def __contains__(self, name: object) -> bool:
        return name in self._factories

    def create(self, spec: Spec, *args: Any) -> Part:
        """Build the part that `spec` names, from `args` followed by the spec's options.

        Raises:
            ValueError: The name is unknown, or an option is unknown, invalid or missing.
            TypeError: The spec is neither a name nor a mapping with a name.
        """
        name, options = parse_spec(spec, self.kind)
        return build_part(self.kind, name, self.factory(name), options, *args)

    def name_of(self, factory: Callable[..., Part]) -> str:
        """The name under which a class or function is registered.

        Raises:
            ValueError: It is not registered.
        """
        for name, known in self._factories.items():
            if _definition_of(known) == _definition_of(factory):
                return name
        raise ValueError(f"{factory.__name__} is registered under no name; use @register_{self.kind}")

    def factory(self, name: str) -> Callable[..., Part]:
        """The class or function registered under `name`.

        Raises:
            ValueError: The name is unknown.
        """
        if name not in self:
            raise unknown_name(self.kind, name, self._factories)
        return self._factories[name]


def build_part(
    kind: str,
    name: str,
    factory: Callable[..., Part],
    options: Mapping[str, Any],
    *args: Any,
    others: Iterable[str] = (),
) -> Part:
    """Call `factory` with `args`, followed by its options as keyword arguments.

    `others` are options that the caller takes itself; errors list them with the factory's.

    Raises:
        ValueError: An option is unknown, invalid or missing.
    """
    what = f"the {kind} {name!r}"
    check_options(what, factory, options, inputs=len(args), others=others)
    try:
        inspect.signature(factory).bind(*args, **options)
    except TypeError as error:
        raise ValueError(f"{what} cannot be built with the options {dict(options)}: {error}") from error
    return factory(*args, **options)


def parse_spec(spec: Any, kind: str) -> tuple[str, dict[str, Any]]:
    """Split a spec into its name and its options.

    Raises:
        TypeError: The spec is neither a name nor a mapping with a name.
    """
    if isinstance(spec, str):
        return spec, {}
    name = spec.get("name") if isinstance(spec, Mapping) else None
    if not isinstance(name, str):
        own = f"; register a class of your own by @colorfuse.register_{kind}('mine') first" if callable(spec) else ""
        shown = type(spec).__name__ if callable(spec) else repr(spec)
        raise TypeError(f"{kind} must be a name or a mapping with a 'name' and options, not {shown}{own}")
    return name, {option: value for option, value in spec.items() if option != "name"}


def unknown_name(kind: str, name: str, known: Iterable[str]) -> ValueError:
    """An error for an unknown name, which lists the closest known names."""
    name, known = str(name), sorted(known, key=lambda other: (len(other), other))
    if not known:
        return ValueError(f"no {kind} is called {name!r}; there are none")
    begun = [other for other in known if _normalized(name) and _normalized(other).startswith(_normalized(name))][:3]
    closest = begun or difflib.get_close_matches(name, known, n=3) or known[:5]
    listed = f"closest is {closest[0]}" if len(closest) == 1 else f"closest are {', '.join(closest)}"
    return ValueError(f"no {kind} is called {name!r}; of {len(known)} known, the {listed}")


def _definition_of(factory: Callable[..., Any]) -> tuple[Any, Any]:
    """Where a class or function was defined."""
    return getattr(factory, "__module__", None), getattr(factory, "__qualname__", id(factory))


def _normalized(name: str) -> str:
    """The letters and digits of a name in lower case, so that matching ignores case and hyphens."""
    return "".join(filter(str.isalnum, name.lower()))
