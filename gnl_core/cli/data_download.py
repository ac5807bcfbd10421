"""gnl data download: download a data set to the data root."""

from __future__ import annotations

import argparse

from gnl_core.cli.console import say
from gnl_core.cli.data_root import add_root, given_root
from gnl_core.cli.parser import Parser
from gnl_core.datasets.layout import require_root
from gnl_core.downloads.fetch import DOWNLOADS
from gnl_core.runs.outputs import check_output


def add_arguments(parser: Parser) -> None:
    """Add the flags of gnl data download."""
    parser.add_argument("dataset", choices=DOWNLOADS)
    add_root(parser)
    parser.set_defaults(command=download_command)


def download_command(parsed: argparse.Namespace) -> None:
    """Download a data set: gnl data download."""
    root = require_root(given_root(parsed))
    check_output(root / parsed.dataset, root, what="the download")
    DOWNLOADS[parsed.dataset](root)
    say(f"downloaded {parsed.dataset} to {root / parsed.dataset}")
