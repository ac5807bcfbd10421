"""The command, and the call from Python, that reproduce a comparison."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gnl_core.comparison.records import Comparison, Method
from gnl_core.comparison.tray_text import uses_in
from gnl_core.config import COMMON_SETTINGS, RunConfig
from gnl_core.config.flags import flag_of, flag_words
from gnl_core.datasets import find_dataset

SEPARATE_FLAGS = {"dataset", "normal_class", "detector", "seed", "style_weight"}


def comparison_command(comparison: Comparison, *, output: str) -> str:
    """Return the `gnl compare` command with the same runs and scoring settings, without defaults.

    Args:
        comparison: The comparison to reproduce.
        output: Folder for its runs and tables.
    """
    arguments = comparison_arguments(comparison) | {"output": output}
    words = [word for name, value in arguments.items() for word in argument_words(name, value)]
    return shlex.join(["gnl", "compare", *words])


def comparison_arguments(comparison: Comparison) -> dict[str, Any]:
    """Return the arguments of `gnl_core.api.compare`, by name, that give the same runs and scoring, without defaults.

    The argument output, the folder for runs and tables, is left out.

    Args:
        comparison: The comparison to reproduce.
    """
    methods = [row.method for row in comparison.rows if not row.published]
    lists = {
        "normal_class": list(comparison.classes),
        "detector": list(dict.fromkeys(method.detector for method in methods)),
        "seed": list(comparison.seeds),
        "style_weight": requested_strengths(methods),
        "domain": requested_domains(comparison),
        "adapt": [use.request for use in uses_in(comparison) if use.way != "none"],
    }
    given = {name: values for name, values in lists.items() if values}
    config = comparison.config
    changed = dict([*changed_settings(config), *changed_method_settings(config)])
    return {"dataset": config.dataset} | given | changed


def argument_words(name: str, value: Any) -> list[str]:
    """Write an argument as words of a command line, with a word for each value of a list."""
    if not isinstance(value, list):
        return flag_words(name, value)
    return [flag_of(name), *(flag_words(name, part)[-1] for part in value)]


def requested_strengths(methods: list[Method]) -> list[float]:
    """Return the strengths of matching requested for all methods; none if each method used its own."""
    by_method: dict[str, list[float]] = {}
    for method in methods:
        if method.style_weight is not None:
            by_method.setdefault(method.detector, []).append(method.style_weight)
    strengths = sorted({strength for own in by_method.values() for strength in own})
    each_its_own = len(strengths) > 1 and all(len(own) == 1 for own in by_method.values())
    return [] if each_its_own else strengths


def requested_domains(comparison: Comparison) -> list[str]:
    """Return the domains unless they are all domains of the data set."""
    config = comparison.config
    try:
        available = set(find_dataset(config.dataset, config.data_root).domains)
    except ValueError:  # the user's own folder is missing here
        available = set()
    return [] if set(comparison.domains) == available else list(comparison.domains)


def changed_settings(config: RunConfig) -> Iterator[tuple[str, object]]:
    """Yield each setting that all runs share and that is not the default: its name and its value, a path as text."""
    for name, field in COMMON_SETTINGS.items():
        value = getattr(config, name)
        if name not in SEPARATE_FLAGS and value != field.default:
            yield name, str(value) if isinstance(value, Path) else value


def changed_method_settings(config: RunConfig) -> Iterator[tuple[str, object]]:
    """Yield each setting of a method that is not the default; files of earlier versions hold all of them."""
    given = config.method.model_dump()
    if not given:
        return
    from gnl_core.detectors import DETECTORS, method_fields  # noqa: PLC0415 (PyTorch takes seconds to import)

    fields = method_fields(DETECTORS)
    for name, value in given.items():
        if name not in fields or value != fields[name].default:
            yield name, value
