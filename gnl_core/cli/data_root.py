"""The flag of the data root, for the commands of gnl data."""

from __future__ import annotations

import argparse
from pathlib import Path

from gnl_core.cli.parser import Parser
from gnl_core.cli.settings import add_settings, given_settings
from gnl_core.config import RunConfig
from gnl_core.datasets import default_root

ROOT = {"data_root": RunConfig.model_fields["data_root"]}


def add_root(parser: Parser) -> None:
    """Add the flag."""
    add_settings(parser, ROOT)


def given_root(parsed: argparse.Namespace) -> Path | None:
    """Return the data root from the flag, or else $GNL_DATA."""
    return given_settings(parsed, ROOT).get("data_root") or default_root()
