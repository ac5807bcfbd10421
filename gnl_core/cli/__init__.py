"""The command line; one file per command."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence
from typing import NoReturn

from tqdm import tqdm

from gnl_core.cli.adapt import add_adapt_command
from gnl_core.cli.compare import add_compare_command
from gnl_core.cli.data import add_data_commands
from gnl_core.cli.export import add_export_command
from gnl_core.cli.follow import add_follow_command
from gnl_core.cli.imports import add_import_command
from gnl_core.cli.page import add_page_command
from gnl_core.cli.runs import add_runs_command
from gnl_core.cli.score import add_score_command
from gnl_core.cli.settings import say
from gnl_core.cli.train import add_train_command
from gnl_core.cli.tune import add_tune_command
from gnl_core.messages import as_sentence, describe_error, escape_hidden, shorten

BAD_INPUT = 2
LONGEST_ERROR = 300  # characters of an error with the flags
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit code: 2 for bad input, with one sentence on standard error."""
    given = sys.argv[1:] if arguments is None else arguments
    parsed = build_parser(given).parse_args(given)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = print_warning
            parsed.command(parsed)
    except (ValueError, OSError) as error:
        say(as_sentence(f"gnl: {describe_error(error)}"))
        return BAD_INPUT
    except KeyboardInterrupt:
        say("gnl: stopped")
        return INTERRUPTED
    return 0


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line each, also if a value is long or holds control characters."""

    def error(self, message: str) -> NoReturn:
        """Print the usage and the error, and exit with code 2."""
        super().error(shorten(escape_hidden(message), LONGEST_ERROR))


def print_warning(message: Warning | str, *_: object, **__: object) -> None:
    """Print a warning as one line on standard error, above any progress bar, without its source line."""
    tqdm.write(escape_hidden(f"gnl: {message}"), file=sys.stderr)


def build_parser(arguments: Sequence[str] = ()) -> argparse.ArgumentParser:
    """Build the parser of all commands and flags; the arguments decide which methods' settings the help shows."""
    parser = Parser(prog="gnl", description="Image anomaly detection under distribution shift.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    add_train_command(
        commands.add_parser("train", help="train a detector on the normal images of one class"), arguments
    )

    add_score_command(commands.add_parser("score", help="score the images of one or more domains with a trained run"))

    add_adapt_command(
        commands.add_parser("adapt", help="adapt a run to a new domain from a few of its images, without training")
    )
    add_follow_command(
        commands.add_parser("follow", help="score images in order of time, with a threshold that follows the line")
    )

    add_page_command(
        commands.add_parser("page", help="write scores, images and maps of runs into one HTML file, without a server")
    )
    add_runs_command(commands.add_parser("runs", help="list, stop or delete runs"))

    add_compare_command(commands.add_parser("compare", help="train and score several methods side by side"), arguments)

    add_export_command(commands.add_parser("export", help="write a run as an ONNX file, for use without PyTorch"))

    add_import_command(
        commands.add_parser("import", help="import a checkpoint of the published code, or of gnl, as a run")
    )

    add_tune_command(commands.add_parser("tune", help="choose scoring settings for shifted images without labels"))

    add_data_commands(commands.add_parser("data", help="list, check, download or build data sets"))
    return parser
