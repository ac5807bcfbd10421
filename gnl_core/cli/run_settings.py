"""Flags for the settings of a run, those of every method included."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Sequence
from typing import Any

from gnl_core.cli.parser import Parser
from gnl_core.cli.settings import add_settings, given_settings
from gnl_core.config import COMMON_SETTINGS, SETTING_GROUPS
from gnl_core.datasets import DATASETS, OWN
from gnl_core.detectors import DETECTORS, method_fields

CHOICES = {"dataset": (*DATASETS, *OWN), "detector": tuple(DETECTORS)}
METHODS_NOTE = "Methods can have settings of their own: %(prog)s --detector NAME --help also lists those of NAME."


def add_run_settings(parser: Parser, *, varied: Collection[str] = ()) -> None:
    """Add flags for the settings of a run: the common ones by group, and those of every method.

    The help shows the common settings and those of the methods that the parser's words choose.

    Args:
        parser: Gets the flags.
        varied: Settings for which the command has flags of its own.
    """
    for group, fields in SETTING_GROUPS.items():
        kept = {name: field for name, field in fields.items() if name not in varied}
        add_settings(parser.add_argument_group(f"{group} settings"), kept, choices=CHOICES)
    fields = method_fields(DETECTORS)
    for detector in chosen_detectors(parser.words):
        own = {name: fields.pop(name) for name in method_fields([detector]) if name in fields}
        if own:
            add_settings(parser.add_argument_group(f"settings of {detector}"), own)
    add_settings(parser, fields, hidden=True)
    parser.epilog = METHODS_NOTE


def chosen_detectors(words: Sequence[str]) -> list[str]:
    """Return the methods that the words of a command line name; unknown names are left for the command to refuse."""
    scanner = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    scanner.add_argument("--detector", nargs="*", default=[])
    named: list[str] = scanner.parse_known_args(words)[0].detector
    return [name for name in dict.fromkeys(named) if name in DETECTORS]


def given_run_settings(parsed: argparse.Namespace, *, varied: Collection[str] = ()) -> dict[str, Any]:
    """Return what `given_settings` does, for the flags of `add_run_settings`."""
    return given_settings(parsed, {*COMMON_SETTINGS, *method_fields(DETECTORS)} - {*varied})
