"""Flags from the fields of the settings, and words for the user."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic.fields import FieldInfo

from gnl_core.config import parse_config


def add_settings(parser: argparse.ArgumentParser, fields: Mapping[str, FieldInfo]) -> None:
    """Add a flag for each field; values stay text, the model checks them."""
    for name, field in fields.items():
        shown = "x".join(map(str, field.default)) if isinstance(field.default, tuple) else field.default
        default = "" if shown is None else f" (default: {shown})"
        flag: dict[str, Any] = (
            {"action": argparse.BooleanOptionalAction} if field.annotation is bool else {"metavar": "VALUE"}
        )
        parser.add_argument(
            f"--{name.replace('_', '-')}",
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
