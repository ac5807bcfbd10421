"""Flags from the fields of the settings, and words for the user."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic.fields import FieldInfo

from gnl_core.config import USUAL_SPLIT, Split, flag_of, parse_config
from gnl_core.datasets import FOLDER, default_root
from gnl_core.datasets.reading import format_reading

NO_DEFAULTS: Mapping[str, Any] = MappingProxyType({})


def add_settings(
    parser: argparse.ArgumentParser, fields: Mapping[str, FieldInfo], *, defaults: Mapping[str, Any] = NO_DEFAULTS
) -> None:
    """Add a flag for each field; values stay text, the model checks them.

    Args:
        parser: Gets the flags.
        fields: Fields of the settings by name.
        defaults: What a command takes for a field in place of its own default, for the help.
    """
    for name, field in fields.items():
        value = defaults.get(name, field.default)
        shown = "x".join(map(str, value)) if isinstance(value, tuple) else value
        default = "" if shown is None else f" (default: {shown})"
        flag: dict[str, Any] = (
            {"action": argparse.BooleanOptionalAction} if field.annotation is bool else {"metavar": "VALUE"}
        )
        parser.add_argument(
            flag_of(name),
            default=argparse.SUPPRESS,
            **flag,
            help=f"{field.description}{default}".replace("%", "%%"),
        )


def given_settings(parsed: argparse.Namespace, names: Iterable[str]) -> dict[str, Any]:
    """The settings that were given as flags, checked and converted."""
    given = {name: value for name, value in vars(parsed).items() if name in names}
    checked = parse_config(given)
    return {name: getattr(checked, name) for name in given}


def say(message: str) -> None:
    """Tell the user something that is not a result."""
    print(message, file=sys.stderr)


def say_reading(dataset: str, root: Path | None, *, split: Split = USUAL_SPLIT) -> None:
    """Tell the user what the folders of images of their own were taken for; nothing of another data set.

    Args:
        dataset: Name of the data set.
        root: The folder; unset: $GNL_DATA.
        split: How it is divided, if it has no training folder.

    Raises:
        ValueError: If the folder cannot be used.
    """
    for line in format_reading(root or default_root(), split) if dataset == FOLDER else ():
        say(line)
