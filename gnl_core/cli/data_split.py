"""gnl data split: divide images by groups, whatever the source's own division is."""

from __future__ import annotations

import argparse

from gnl_core.cli import data_import
from gnl_core.cli.parser import Parser


def add_arguments(parser: Parser) -> None:
    """Add the flags of gnl data split: those of gnl data import."""
    data_import.add_arguments(parser)
    parser.set_defaults(command=split_command)


def split_command(parsed: argparse.Namespace) -> None:
    """Divide images by groups: gnl data split."""
    data_import.bring(parsed, keeps_division=False)
