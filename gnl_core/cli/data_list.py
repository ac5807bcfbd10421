"""gnl data list: list data sets, what is available, and how to get the rest."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from gnl_core.cli.console import show
from gnl_core.cli.data_root import add_root, given_root
from gnl_core.cli.parser import Parser
from gnl_core.datasets import DATASETS, list_train_items
from gnl_core.datasets.accounting import list_sources
from gnl_core.datasets.base import DatasetSpec
from gnl_core.datasets.overview import list_each
from gnl_core.datasets.presence import available_classes, count_domains
from gnl_core.datasets.shifts import base_domains
from gnl_core.strict_json import to_json


def add_arguments(parser: Parser) -> None:
    """Add the flags of gnl data list."""
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    add_root(parser)
    parser.set_defaults(command=list_command)


def list_command(parsed: argparse.Namespace) -> None:
    """List the data sets: gnl data list."""
    root = given_root(parsed)
    described = {name: describe_dataset(name, spec, root) for name, spec in DATASETS.items()}
    if parsed.json:
        print(to_json({"datasets": described}))
        return
    for name, facts in described.items():
        show(f"{name}: {facts['summary']}")
        show(f"  licence: {'; '.join(filter(None, (facts['licence'], facts['page'])))}")
        show(f"  classes found: {', '.join(facts['classes']) or 'none'}")
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
        Summary, licence, page, how to get it, classes, number of images to score per domain (None if missing), where
        the first class is read from, and the split, if it depends on the files.
    """
    classes = available_classes(name, root)
    first = (*classes, *spec.classes)[0]
    counts = count_domains(name, normal_class=first, root=root)
    facts = {
        **{"summary": spec.summary, "licence": spec.licence, "page": spec.page, "how_to_get": spec.how_to_get},
        **{"classes": classes, "images": counts},
    }
    if root is None or not classes:
        return facts | {"read_from": [], "split": None}
    training = list_train_items(name, normal_class=first, root=root)
    test = list_each(name, base_domains(spec), normal_class=first, root=root).values()
    sources = list_sources([*training, *(item for items in test for item in items)], root)
    return facts | {"read_from": sources, "split": spec.split(root) if spec.split else None}
