"""gnl data: list, check, download and build data sets."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from gnl_core.cli.check import add_check_command
from gnl_core.cli.settings import add_settings, given_settings, path_of, say, show
from gnl_core.config import RunConfig
from gnl_core.datasets import DATASETS, default_root, list_train_items
from gnl_core.datasets.accounting import list_sources
from gnl_core.datasets.base import DatasetSpec
from gnl_core.datasets.layout import require_root
from gnl_core.datasets.mnist import BLENDED_FILE
from gnl_core.datasets.mnist_arrays import mnist_arrays
from gnl_core.datasets.overview import list_each
from gnl_core.datasets.presence import available_classes, count_domains
from gnl_core.datasets.shifts import base_domains
from gnl_core.downloads.fetch import DOWNLOADS
from gnl_core.downloads.mnist_m import build_mnist_m
from gnl_core.runs.outputs import check_output
from gnl_core.strict_json import to_json

ROOT = {"data_root": RunConfig.model_fields["data_root"]}


def add_data_commands(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands of gnl data."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    listing = commands.add_parser("list", help="list data sets, what is available, and how to get the rest")
    listing.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    listing.set_defaults(command=list_command)

    add_check_command(commands.add_parser("check", help="read all images and masks of a data set, and report problems"))

    build = commands.add_parser("build-mnist-m", help="build MNIST-M from MNIST's test digits and photographs")
    build.add_argument("--photos", type=path_of, required=True, help="folder of photographs")
    build.add_argument("--seed", type=int, default=0, help="seed of photographs and crops (default: 0)")
    build.set_defaults(command=build_command)

    download = commands.add_parser("download", help="download a data set to the data root")
    download.add_argument("dataset", choices=DOWNLOADS)
    download.set_defaults(command=download_command)

    for command in (listing, build, download):
        add_settings(command, ROOT)


def given_root(parsed: argparse.Namespace) -> Path | None:
    """Return the data root from the flags, or else $GNL_DATA."""
    return given_settings(parsed, ROOT).get("data_root") or default_root()


def list_command(parsed: argparse.Namespace) -> None:
    """List the data sets: gnl data list."""
    root = given_root(parsed)
    described = {name: describe_dataset(name, spec, root) for name, spec in DATASETS.items()}
    if parsed.json:
        print(to_json({"datasets": described}))
        return
    for name, facts in described.items():
        show(f"{name}: {facts['summary']}\n  classes found: {', '.join(facts['classes']) or 'none'}")
        for domain, count in facts["images"].items():
            show(f"  {domain}: {'not found' if count is None else f'{count} images'}")
        if facts["read_from"]:
            show(f"  read from: {', '.join(facts['read_from'])}")
        if facts["split"]:
            show(f"  split: {facts['split']}")
        if None in facts["images"].values():
            show(f"  {facts['how_to_get']}")


def describe_dataset(name: str, spec: DatasetSpec, root: Path | None) -> dict[str, Any]:
    """Describe what is available of a data set.

    Returns:
        Summary, classes, number of images to score per domain (None if missing), how to get it, where the first class
        is read from, and the split, if it depends on the files.
    """
    classes = available_classes(name, root)
    first = (*classes, *spec.classes)[0]
    counts = count_domains(name, normal_class=first, root=root)
    facts = {"summary": spec.summary, "classes": classes, "images": counts, "how_to_get": spec.how_to_get}
    if root is None or not classes:
        return facts | {"read_from": [], "split": None}
    training = list_train_items(name, normal_class=first, root=root)
    test = list_each(name, base_domains(spec), normal_class=first, root=root).values()
    sources = list_sources([*training, *(item for items in test for item in items)], root)
    return facts | {"read_from": sources, "split": spec.split(root) if spec.split else None}


def build_command(parsed: argparse.Namespace) -> None:
    """Build MNIST-M: gnl data build-mnist-m."""
    root = require_root(given_root(parsed))
    check_output(root / BLENDED_FILE, root, what="MNIST-M")
    digits, classes = mnist_arrays(root, "test")
    build_mnist_m(digits, classes, photographs=parsed.photos, destination=root / BLENDED_FILE, seed=parsed.seed)
    say(f"wrote {root / BLENDED_FILE}: {len(digits)} images")


def download_command(parsed: argparse.Namespace) -> None:
    """Download a data set: gnl data download."""
    root = require_root(given_root(parsed))
    check_output(root / parsed.dataset, root, what="the download")
    DOWNLOADS[parsed.dataset](root)
    say(f"downloaded {parsed.dataset} to {root / parsed.dataset}")
