"""Flags for the settings."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from gnl_core.config import COMMON_SETTINGS, parse_config
from gnl_core.config.flags import flag_of, flag_words

NO_DEFAULTS: Mapping[str, Any] = MappingProxyType({})
NO_CHOICES: Mapping[str, Iterable[str]] = MappingProxyType({})
METAVARS = MappingProxyType({int: "INT", float: "FLOAT", Path: "PATH", tuple: "HxW"})


def add_settings(
    parser: argparse._ActionsContainer,
    fields: Mapping[str, FieldInfo],
    *,
    defaults: Mapping[str, Any] = NO_DEFAULTS,
    choices: Mapping[str, Iterable[str]] = NO_CHOICES,
    hidden: bool = False,
) -> None:
    """Add a flag for each field; values stay text, which the settings' records check.

    Args:
        parser: Gets the flags.
        fields: Fields of the settings by name.
        defaults: Defaults of the command that differ from those of the fields, for the help.
        choices: Values of the fields that take names from a table, for the help.
        hidden: Whether the help leaves the flags out.
    """
    for name, field in fields.items():
        parser.add_argument(
            flag_of(name),
            default=argparse.SUPPRESS,
            help=argparse.SUPPRESS if hidden else describe_flag(name, field, defaults.get(name, field.default)),
            **flag_form(field, choices.get(name)),
        )


def flag_form(field: FieldInfo, choices: Iterable[str] | None) -> dict[str, Any]:
    """Return what makes a flag a switch, or names its values."""
    if field.annotation is bool:
        return {"action": argparse.BooleanOptionalAction}
    return {"metavar": metavar_of(field.annotation) if choices is None else join_choices(choices)}


def metavar_of(annotation: Any) -> str:
    """Name the values of a type in a help text: FLOAT for `float | None`, {mean,top} for a Literal."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType, Annotated):
        return metavar_of(arguments[0])
    if origin is Literal:
        return join_choices(arguments)
    return METAVARS.get(origin or annotation, "TEXT")


def join_choices(choices: Iterable[str]) -> str:
    """Join choices in braces: by commas, or by bars if a choice contains a comma."""
    listed = list(choices)
    return f"{{{('|' if any(',' in choice for choice in listed) else ',').join(listed)}}}"


def describe_flag(name: str, field: FieldInfo, default: object) -> str:
    """Return a flag's help: the field's description, and the default unless the setting is unset."""
    words = ["on" if default else "off"] if isinstance(default, bool) else flag_words(name, default)
    shown = f" (default: {words[-1]})" if words else ""
    return f"{field.description}{shown}".replace("%", "%%")


def given_settings(parsed: argparse.Namespace, names: Collection[str]) -> dict[str, Any]:
    """Return the settings that were given as flags: common ones checked and converted, a method's own as text.

    Args:
        parsed: The command line.
        names: The settings that the command has flags for.

    Raises:
        ValueError: If a common setting is invalid.
    """
    checked = parse_config({name: value for name, value in vars(parsed).items() if name in names})
    common = {name: getattr(checked, name) for name in vars(parsed) if name in names and name in COMMON_SETTINGS}
    return common | checked.method.model_dump()
