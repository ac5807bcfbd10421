"""The keys of all widgets that are bound to the address, found in the app's source."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator

from app import PROJECT
from app import query_keys as keys
from gnl_core.config import COMMON_SETTINGS
from gnl_core.datasets import DATASETS
from gnl_core.detectors import DETECTORS

COMPOSED = (  # keys that end in the name of a method, a data set or a setting
    *(f"{prefix}{detector}" for prefix in (keys.RUN, keys.FDM) for detector in DETECTORS),
    *(f"{prefix}{dataset}" for prefix in (keys.NORMAL_IMAGE, keys.ANOMALOUS_IMAGE) for dataset in DATASETS),
    *(f"train_{setting}" for setting in COMMON_SETTINGS),
)


def bound_calls() -> Iterator[tuple[str, ast.Call]]:
    """Yield every call in the app that draws a widget bound to the address, with the name of its module."""
    for file in sorted((PROJECT / "app").rglob("*.py")):
        module = ".".join(file.relative_to(PROJECT).with_suffix("").parts)
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and any(
                word.arg == "bind" and isinstance(word.value, ast.Constant) for word in node.keywords
            ):
                yield module, node


def keys_of(module: str, call: ast.Call) -> list[str]:
    """Return the keys that a widget can have; none for a key that its caller composes."""
    (key,) = (word.value for word in call.keywords if word.arg == "key")
    if isinstance(key, ast.Attribute):
        return [getattr(keys, key.attr)]
    if isinstance(key, ast.Constant):
        return [key.value]
    named = isinstance(key, ast.Name) and key.id.isupper()
    return [getattr(importlib.import_module(module), key.id)] if named else []


ALL_KEYS = sorted(
    {key for module, call in bound_calls() for key in keys_of(module, call)}
    | {*keys.CARRIED, *COMPOSED, keys.IMAGE, keys.ORIGIN, "step"}
)
