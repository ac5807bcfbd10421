"""gnl data: what is there, whether it can be read, and how to get what is missing."""

from __future__ import annotations

import argparse
import itertools
import json
from pathlib import Path
from typing import Any

from gnl_core.cli.settings import add_settings, given_settings, say, say_reading
from gnl_core.config import RunConfig
from gnl_core.datasets import DATASETS, TRAIN, default_root, find_dataset, list_items
from gnl_core.datasets.base import DatasetSpec, Item
from gnl_core.datasets.checking import check_items
from gnl_core.datasets.layout import require_root
from gnl_core.datasets.mnist import BLENDED_FILE
from gnl_core.datasets.mnist_arrays import mnist_arrays
from gnl_core.datasets.presence import count_domains, found_classes
from gnl_core.datasets.shifts import split_domain
from gnl_core.runs.downloads import DOWNLOADS
from gnl_core.runs.mnist_m import build_mnist_m

ROOT = {"data_root": RunConfig.model_fields["data_root"]}


def add_data_commands(parser: argparse.ArgumentParser) -> None:
    """The commands below gnl data."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    listing = commands.add_parser("list", help="list data sets, what is found of each, and how to get the rest")
    listing.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    listing.set_defaults(command=list_command)

    check = commands.add_parser("check", help="read every image and mask of a data set and tell all that is wrong")
    check.add_argument("--dataset", required=True, help="data set to check")
    check.add_argument("--normal-class", nargs="+", help="classes to check; unset: all that are found")
    check.set_defaults(command=check_command)

    build = commands.add_parser("build-mnist-m", help="make MNIST-M from MNIST's test digits and photographs")
    build.add_argument("--photos", type=Path, required=True, help="folder of photographs")
    build.add_argument("--seed", type=int, default=0, help="decides photographs and crops (default: 0)")
    build.set_defaults(command=build_command)

    download = commands.add_parser("download", help="fetch a data set into the data root")
    download.add_argument("dataset", choices=DOWNLOADS)
    download.set_defaults(command=download_command)

    for command in (listing, check, build, download):
        add_settings(command, ROOT)


def given_root(parsed: argparse.Namespace) -> Path | None:
    """The data root that was given, else $GNL_DATA."""
    return given_settings(parsed, ROOT).get("data_root") or default_root()


def list_command(parsed: argparse.Namespace) -> None:
    """List the data sets: gnl data list."""
    root = given_root(parsed)
    described = {name: describe_dataset(name, spec, root) for name, spec in DATASETS.items()}
    if parsed.json:
        print(json.dumps({"datasets": described}))
        return
    for name, facts in described.items():
        print(f"{name}: {facts['summary']}\n  classes found: {', '.join(facts['classes']) or 'none'}")
        for domain, count in facts["images"].items():
            print(f"  {domain}: {'not found' if count is None else f'{count} images'}")
        if None in facts["images"].values():
            print(f"  {facts['how_to_get']}")


def describe_dataset(name: str, spec: DatasetSpec, root: Path | None) -> dict[str, Any]:
    """What is found of a data set: its classes, and the number of images to score by domain, None where missing."""
    classes = found_classes(name, root)
    counts = count_domains(name, normal_class=(*classes, *spec.classes)[0], root=root)
    return {"summary": spec.summary, "classes": classes, "images": counts, "how_to_get": spec.how_to_get}


def check_command(parsed: argparse.Namespace) -> None:
    """Read all images of a data set: gnl data check.

    Raises:
        ValueError: If there are problems, after all of them were told.
    """
    root = given_root(parsed)
    items, missing = list_everything(parsed.dataset, parsed.normal_class, root)
    problems = [*missing, *check_items(items)]
    for problem in problems:
        print(problem)
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise ValueError(f"{count} in {len(items)} images; mend or remove the files named above")
    say_reading(parsed.dataset, root)
    print(f"{len(items)} images, all well")


def list_everything(name: str, classes: list[str] | None, root: Path | None) -> tuple[list[Item], list[str]]:
    """Each image of a data set once, training images and all domains of the classes; and why some cannot be listed.

    Raises:
        ValueError: If nothing can be listed.
    """
    spec = find_dataset(name, root)
    domains = dict.fromkeys((TRAIN, *(split_domain(domain)[0] for domain in spec.domains)))
    listed: list[Item] = []
    problems: list[str] = []
    for normal_class, domain in itertools.product(classes or found_classes(name, root) or spec.classes, domains):
        try:
            listed += list_items(name, normal_class=normal_class, domain=domain, root=root)
        except ValueError as error:  # to be told with all the others
            problems.append(str(error))
    if not listed:
        raise ValueError(problems[0])
    once = {(item.domain == TRAIN, item.path): item for item in listed}
    return list(once.values()), list(dict.fromkeys(problems))


def build_command(parsed: argparse.Namespace) -> None:
    """Make MNIST-M: gnl data build-mnist-m."""
    root = require_root(given_root(parsed))
    digits, classes = mnist_arrays(root, "test")
    build_mnist_m(digits, classes, photographs=parsed.photos, destination=root / BLENDED_FILE, seed=parsed.seed)
    say(f"wrote {root / BLENDED_FILE}: {len(digits)} images")


def download_command(parsed: argparse.Namespace) -> None:
    """Fetch a data set: gnl data download."""
    root = require_root(given_root(parsed))
    DOWNLOADS[parsed.dataset](root)
    say(f"fetched {parsed.dataset} into {root / parsed.dataset}")
