"""gnl data build-line: write the example line of rendered nuts, to be followed with gnl follow."""

from __future__ import annotations

import argparse
import sys

from tqdm import tqdm

from gnl_core.cli.console import say
from gnl_core.cli.parser import Parser, path_of
from gnl_core.datasets import default_root
from gnl_core.datasets.parts.line import list_shots
from gnl_core.downloads.nut_line import write_nut_line
from gnl_core.runs.outputs import check_new_folder, check_output


def add_arguments(parser: Parser) -> None:
    """Add the flags of gnl data build-line."""
    parser.add_argument(
        "--output", type=path_of, required=True, metavar="DIR", help="folder to create, or an empty one"
    )
    parser.set_defaults(command=build_command)


def build_command(parsed: argparse.Namespace) -> None:
    """Write the example line: gnl data build-line."""
    check_new_folder(parsed.output, what="--output")
    check_output(parsed.output, default_root(), what="--output")
    shots = list_shots()
    write_nut_line(tqdm(shots, unit="image", file=sys.stderr), parsed.output)
    say(f"wrote {parsed.output}: {len(shots)} images in order of time; each name states the defect or the wear")
