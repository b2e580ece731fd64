"""The public names of colorfuse with their signatures, as a text that changes when they do.

Run as a script it writes that text to `tests/public_api.json`, which `tests/test_public_api.py` compares. It refuses
where names or signatures changed and the changelog did not.
"""

import hashlib
import inspect
import json
import sys
from pathlib import Path
from typing import Any

import colorfuse

KEPT = Path(__file__).parents[1] / "public_api.json"
CHANGELOG = Path(__file__).parents[2] / "CHANGELOG.md"


def public_api() -> dict[str, str]:
    """Signatures by name; those of what is in a class or module as `name.member`."""
    api: dict[str, str] = {}
    for name in sorted(colorfuse.__all__):
        described = getattr(colorfuse, name)
        api[name] = _signature(described)
        public = getattr(described, "__all__", None) or _members(described) if _has_members(described) else ()
        for member in sorted(key for key in public if not key.startswith("_")):
            signature = _signature(inspect.getattr_static(described, member))
            if signature:
                api[f"{name}.{member}"] = signature
    return api


def _members(described: Any) -> set[str]:
    """The names of what a module, or a class of this library and those that it inherits from, define."""
    places = inspect.getmro(described) if inspect.isclass(described) else (described,)
    ours = (place for place in places if place is described or place.__module__.startswith("colorfuse"))
    return {name for place in ours for name in vars(place)}


def changelog_digest() -> str:
    """What tells one changelog from another."""
    return hashlib.sha256(CHANGELOG.read_bytes()).hexdigest()


def _has_members(described: Any) -> bool:
    return inspect.ismodule(described) or (inspect.isclass(described) and not issubclass(described, Exception))


def _signature(described: Any) -> str:
    """Parameters, or what else it is; nothing for values and for what other modules define."""
    described = getattr(described, "__func__", described)  # of a class method
    if inspect.ismodule(described):
        return "module"
    if isinstance(described, property):
        return "property"
    if inspect.isclass(described) and issubclass(described, Exception):
        return "exception"
    if not callable(described) or not str(described.__module__).startswith("colorfuse"):
        return ""
    return f"({', '.join(map(_parameter, inspect.signature(described).parameters.values()))})"


def _parameter(parameter: inspect.Parameter) -> str:
    stars: dict[Any, str] = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    keyword = "keyword " if parameter.kind is inspect.Parameter.KEYWORD_ONLY else ""
    has_default = parameter.default is not inspect.Parameter.empty
    # A default that is made anew each time has no form that stays.
    default = parameter.default if isinstance(parameter.default, int | float | str | None | tuple) else "..."
    return f"{keyword}{stars.get(parameter.kind, '')}{parameter.name}" + (f"={default!r}" if has_default else "")


def main() -> None:
    """Write the names as they are now."""
    now, kept = public_api(), json.loads(KEPT.read_text()) if KEPT.exists() else {}
    if kept and kept["api"] != now and kept["changelog"] == changelog_digest():
        sys.exit(f"the public names changed; say so in {CHANGELOG.name} first")
    KEPT.write_text(json.dumps({"changelog": changelog_digest(), "api": now}, indent=1) + "\n")


if __name__ == "__main__":
    main()
