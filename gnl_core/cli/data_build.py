"""gnl data build-mnist-m: build MNIST-M from MNIST's test digits and photographs."""

from __future__ import annotations

import argparse

from gnl_core.cli.console import say
from gnl_core.cli.data_root import add_root, given_root
from gnl_core.cli.parser import Parser, path_of
from gnl_core.datasets.layout import require_root
from gnl_core.datasets.mnist import BLENDED_FILE
from gnl_core.datasets.mnist_arrays import mnist_arrays
from gnl_core.downloads.mnist_m import build_mnist_m
from gnl_core.runs.outputs import check_output


def add_arguments(parser: Parser) -> None:
    """Add the flags of gnl data build-mnist-m."""
    parser.add_argument("--photos", type=path_of, required=True, help="folder of photographs")
    parser.add_argument("--seed", type=int, default=0, help="seed of photographs and crops (default: 0)")
    add_root(parser)
    parser.set_defaults(command=build_command)


def build_command(parsed: argparse.Namespace) -> None:
    """Build MNIST-M: gnl data build-mnist-m."""
    root = require_root(given_root(parsed))
    check_output(root / BLENDED_FILE, root, what="MNIST-M")
    digits, classes = mnist_arrays(root, "test")
    build_mnist_m(digits, classes, photographs=parsed.photos, destination=root / BLENDED_FILE, seed=parsed.seed)
    say(f"wrote {root / BLENDED_FILE}: {len(digits)} images")
