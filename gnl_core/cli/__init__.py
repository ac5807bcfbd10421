"""The command line; one file per command."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence

from tqdm import tqdm

from gnl_core.cli.console import say
from gnl_core.cli.parser import Command, Parser, add_commands
from gnl_core.messages import as_sentence, describe_error, escape_hidden

BAD_INPUT = 2
INTERRUPTED = 130
COMMANDS = {
    "train": Command("gnl_core.cli.train", "train a detector on the normal images of one class"),
    "score": Command("gnl_core.cli.score", "score the images of one or more domains with a trained run"),
    "adapt": Command("gnl_core.cli.adapt", "adapt a run to a new domain from a few of its images, without training"),
    "follow": Command("gnl_core.cli.follow", "score images in order of time, with a threshold that follows the line"),
    "page": Command("gnl_core.cli.page", "write scores, images and maps of runs into one HTML file, without a server"),
    "runs": Command("gnl_core.cli.runs", "list, stop or delete runs"),
    "compare": Command("gnl_core.cli.compare", "train and score several methods side by side"),
    "export": Command("gnl_core.cli.export", "write a run as an ONNX file, for use without PyTorch"),
    "import": Command("gnl_core.cli.imports", "import a checkpoint of the published code, or of gnl, as a run"),
    "tune": Command("gnl_core.cli.tune", "choose scoring settings for shifted images without labels"),
    "data": Command("gnl_core.cli.data", "list, check, import, divide, download or build data sets"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit code: 2 for bad input, with one sentence on standard error."""
    parsed = build_parser().parse_args(arguments)
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


def print_warning(message: Warning | str, *_: object, **__: object) -> None:
    """Print a warning as one line on standard error, above any progress bar, without its source line."""
    tqdm.write(escape_hidden(f"gnl: {message}"), file=sys.stderr)


def build_parser() -> Parser:
    """Build the parser of all commands."""
    parser = Parser(prog="gnl", description="Image anomaly detection under distribution shift.")
    add_commands(parser, COMMANDS)
    return parser
