"""The command that reproduces a comparison."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from gnl_core.comparison.records import Comparison, Method
from gnl_core.comparison.tray_text import uses_in
from gnl_core.config import COMMON_SETTINGS, RunConfig, flag_words
from gnl_core.datasets import find_dataset

SEPARATE_FLAGS = {"dataset", "normal_class", "detector", "seed", "style_weight"}


def comparison_command(comparison: Comparison, *, output: str) -> str:
    """Return the `gnl compare` command with the same runs and scoring settings, without defaults.

    Args:
        comparison: The comparison to reproduce.
        output: Folder for its runs and tables.
    """
    methods = [row.method for row in comparison.rows if not row.published]
    words = [
        *("gnl", "compare", "--dataset", comparison.config.dataset),
        *("--normal-class", *comparison.classes),
        *("--detector", *dict.fromkeys(method.detector for method in methods)),
        *("--seed", *map(str, comparison.seeds)),
        *flag("--style-weight", [f"{strength:g}" for strength in requested_strengths(methods)]),
        *flag("--domain", requested_domains(comparison)),
        *flag("--adapt", [use.request for use in uses_in(comparison) if use.way != "none"]),
        *changed_settings(comparison.config),
        *changed_method_settings(comparison.config),
        *("--output", output),
    ]
    return shlex.join(words)


def flag(name: str, values: list[str]) -> list[str]:
    """Return a flag with its values, or nothing if there are none."""
    return [name, *values] if values else []


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


def changed_settings(config: RunConfig) -> Iterator[str]:
    """Yield a flag for each setting that all runs share and that is not the default."""
    for name, field in COMMON_SETTINGS.items():
        value = getattr(config, name)
        if name not in SEPARATE_FLAGS and value != field.default:
            yield from flag_words(name, value)


def changed_method_settings(config: RunConfig) -> Iterator[str]:
    """A flag for each setting of a method that is not the default; files of earlier versions hold all of them."""
    given = config.method.model_dump()
    if not given:
        return
    from gnl_core.detectors import DETECTORS, method_fields  # noqa: PLC0415 (PyTorch takes seconds to import)

    fields = method_fields(DETECTORS)
    for name, value in given.items():
        if name not in fields or value != fields[name].default:
            yield from flag_words(name, value)
