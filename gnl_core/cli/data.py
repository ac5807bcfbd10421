"""gnl data: list, check, import, divide, download and build data sets."""

from __future__ import annotations

from gnl_core.cli.parser import Command, Parser, add_commands

COMMANDS = {
    "list": Command("gnl_core.cli.data_list", "list data sets, what is available, and how to get the rest"),
    "check": Command("gnl_core.cli.data_check", "read all images and masks of a data set, and report problems"),
    "import": Command("gnl_core.cli.data_import", "bring images of other tools into the layout of the data set folder"),
    "split": Command("gnl_core.cli.data_split", "divide images into training and test by groups, in the same layout"),
    "build-mnist-m": Command("gnl_core.cli.data_build", "build MNIST-M from MNIST's test digits and photographs"),
    "build-line": Command("gnl_core.cli.data_build_line", "render a line of nuts, as an example for gnl follow"),
    "download": Command("gnl_core.cli.data_download", "download a data set to the data root"),
}


def add_arguments(parser: Parser) -> None:
    """Add the subcommands of gnl data."""
    add_commands(parser, COMMANDS)
