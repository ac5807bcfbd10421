"""The parser of the command line, which imports a command's module only when that command is called."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from gnl_core.messages import escape_hidden, shorten

LONGEST_ERROR = 300  # characters of an error with the flags


class Command(NamedTuple):
    """A row in a table of commands.

    Attributes:
        module: Name of its module, whose `add_arguments(parser)` adds its flags, and sets `command` to the function
            that runs it, or adds commands of its own.
        summary: What it does, for the help.
    """

    module: str
    summary: str


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line each, also if a value is long or holds control characters.

    Args:
        words: What it will parse, if its help depends on that.
        **options: Those of ArgumentParser.
    """

    def __init__(self, *, words: Sequence[str] = (), **options: Any) -> None:
        super().__init__(**options)
        self.words = words

    def error(self, message: str) -> NoReturn:
        """Print the usage and the error, and exit with code 2."""
        super().error(shorten(escape_hidden(message), LONGEST_ERROR))


class CommandParser(Parser):
    """Stands for the parser of a command, which is built when the command is called.

    Args:
        module: Name of the command's module.
        **options: Those of Parser.
    """

    def __init__(self, *, module: str, **options: Any) -> None:
        super().__init__(**options)
        self.module = module

    def build(self, words: Sequence[str] = ()) -> Parser:
        """Import the command's module, and build the parser with its flags."""
        parser = Parser(prog=self.prog, words=words)
        import_module(self.module).add_arguments(parser)
        return parser

    def parse_known_args(self, args: Iterable[str] | None = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Parse with the command's flags; argparse calls this for the command that it has found."""
        words = list(args or ())
        return self.build(words).parse_known_args(words, namespace)


def add_commands(parser: Parser, commands: Mapping[str, Command]) -> None:
    """Add a table of commands, from name to row, of which one is to be called."""
    choices = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=CommandParser)
    for name, command in commands.items():
        choices.add_parser(name, help=command.summary, module=command.module)


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
