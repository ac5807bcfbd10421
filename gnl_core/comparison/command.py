"""The line of the command line that gives a comparison again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from gnl_core.comparison.records import Comparison, Method
from gnl_core.config import RunConfig, flag_words
from gnl_core.datasets import find_dataset

NAMED_APART = {"dataset", "normal_class", "detector", "seed", "style_weight"}


def comparison_command(comparison: Comparison, *, output: str) -> str:
    """The call of `gnl compare` with the same runs and questions; settings that have their default are left out.

    Args:
        comparison: What it gave.
        output: The folder for its runs and tables.
    """
    methods = [row.method for row in comparison.rows if not row.published]
    words = [
        *("gnl", "compare", "--dataset", comparison.config.dataset),
        *("--normal-class", *comparison.classes),
        *("--detector", *dict.fromkeys(method.detector for method in methods)),
        *("--seed", *map(str, comparison.seeds)),
        *flag("--style-weight", [f"{strength:g}" for strength in asked_strengths(methods)]),
        *flag("--domain", asked_domains(comparison)),
        *changed_settings(comparison.config),
        *("--output", output),
    ]
    return shlex.join(words)


def flag(name: str, values: list[str]) -> list[str]:
    """A flag with its values; nothing without any."""
    return [name, *values] if values else []


def asked_strengths(methods: list[Method]) -> list[float]:
    """The strengths of matching that were asked of all methods; none where each was asked for its own."""
    by_method: dict[str, list[float]] = {}
    for method in methods:
        if method.style_weight is not None:
            by_method.setdefault(method.detector, []).append(method.style_weight)
    strengths = sorted({strength for own in by_method.values() for strength in own})
    each_its_own = len(strengths) > 1 and all(len(own) == 1 for own in by_method.values())
    return [] if each_its_own else strengths


def asked_domains(comparison: Comparison) -> list[str]:
    """The domains, where they are not all of the data set."""
    config = comparison.config
    try:
        usual = set(find_dataset(config.dataset, config.data_root).domains)
    except ValueError:  # a folder of one's own that is not here
        usual = set()
    return [] if set(comparison.domains) == usual else list(comparison.domains)


def changed_settings(config: RunConfig) -> Iterator[str]:
    """A flag for each setting that all runs share and that is not the default."""
    for name, field in RunConfig.model_fields.items():
        value = getattr(config, name)
        if name not in NAMED_APART and value != field.default:
            yield from flag_words(name, value)
