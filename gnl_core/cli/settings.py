"""Flags for the settings, and messages for the user."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from gnl_core.config import COMMON_SETTINGS, SETTING_GROUPS, USUAL_SPLIT, Split, flag_of, flag_words, parse_config
from gnl_core.datasets import DATASETS, FOLDER, default_root
from gnl_core.datasets.reading import format_reading
from gnl_core.detectors import DETECTORS, method_fields
from gnl_core.messages import escape_hidden

NO_DEFAULTS: Mapping[str, Any] = MappingProxyType({})
CHOICES: Mapping[str, Iterable[str]] = MappingProxyType({"dataset": (*DATASETS, FOLDER), "detector": DETECTORS})
METAVARS = MappingProxyType({int: "INT", float: "FLOAT", Path: "PATH", tuple: "HxW"})
METHODS_NOTE = "Methods can have settings of their own: %(prog)s --detector NAME --help also lists those of NAME."


def add_run_settings(
    parser: argparse.ArgumentParser, arguments: Sequence[str], *, varied: Collection[str] = ()
) -> None:
    """Add flags for the settings of a run: the common ones by group, and those of every method.

    The help shows the common settings and those of the methods that are chosen.

    Args:
        parser: Gets the flags.
        arguments: The command line, from which the chosen methods are read.
        varied: Settings for which the command has flags of its own.
    """
    for group, fields in SETTING_GROUPS.items():
        kept = {name: field for name, field in fields.items() if name not in varied}
        add_settings(parser.add_argument_group(f"{group} settings"), kept)
    fields = method_fields(DETECTORS)
    for detector in chosen_detectors(arguments):
        own = {name: fields.pop(name) for name in method_fields([detector]) if name in fields}
        if own:
            add_settings(parser.add_argument_group(f"settings of {detector}"), own)
    add_settings(parser, fields, hidden=True)
    parser.epilog = METHODS_NOTE


def chosen_detectors(arguments: Sequence[str]) -> list[str]:
    """Return the methods that a command line names; unknown names are left for the command to refuse."""
    scanner = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    scanner.add_argument("--detector", nargs="*", default=[])
    named: list[str] = scanner.parse_known_args(arguments)[0].detector
    return [name for name in dict.fromkeys(named) if name in DETECTORS]


def add_settings(
    parser: argparse._ActionsContainer,
    fields: Mapping[str, FieldInfo],
    *,
    defaults: Mapping[str, Any] = NO_DEFAULTS,
    hidden: bool = False,
) -> None:
    """Add a flag for each field; values stay text, which the settings' records check.

    Args:
        parser: Gets the flags.
        fields: Fields of the settings by name.
        defaults: Defaults of the command that differ from those of the fields, for the help.
        hidden: Whether the help leaves the flags out.
    """
    for name, field in fields.items():
        parser.add_argument(
            flag_of(name),
            default=argparse.SUPPRESS,
            help=argparse.SUPPRESS if hidden else describe_flag(name, field, defaults.get(name, field.default)),
            **flag_form(name, field),
        )


def flag_form(name: str, field: FieldInfo) -> dict[str, Any]:
    """Return what makes a flag a switch, or names its values."""
    if field.annotation is bool:
        return {"action": argparse.BooleanOptionalAction}
    return {"metavar": join_choices(CHOICES[name]) if name in CHOICES else metavar_of(field.annotation)}


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


def given_run_settings(parsed: argparse.Namespace, *, varied: Collection[str] = ()) -> dict[str, Any]:
    """Return what `given_settings` does, for the flags of `add_run_settings`."""
    return given_settings(parsed, {*COMMON_SETTINGS, *method_fields(DETECTORS)} - {*varied})


def path_of(text: str) -> Path:
    """Read a path from the command line; an empty one, as of an unset variable, would be the current folder.

    Raises:
        ArgumentTypeError: If it is empty or contains the character NUL.
    """
    if "\0" in text:
        raise argparse.ArgumentTypeError("expected a path, which has no NUL character")
    if not text.strip():
        raise argparse.ArgumentTypeError("expected a path, got an empty text; pass . for the current folder")
    return Path(text)


def say(message: str) -> None:
    """Print one line that is not a result."""
    print(escape_hidden(message), file=sys.stderr)


def show(lines: str) -> None:
    """Print a result for a reader. Names of files in it do not act on the terminal."""
    print("\n".join(map(escape_hidden, lines.split("\n"))))


def say_reading(dataset: str, root: Path | None, *, split: Split = USUAL_SPLIT) -> None:
    """Print how a folder of the user's own images is read; nothing for other data sets.

    Args:
        dataset: Name of the data set.
        root: The folder. Unset: $GNL_DATA.
        split: How it is divided, if it has no training folder.

    Raises:
        ValueError: If the folder cannot be used.
    """
    for line in format_reading(root or default_root(), split) if dataset == FOLDER else ():
        say(line)
