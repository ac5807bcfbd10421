"""gnl import: import a checkpoint of the published RD4AD or GNL code, or of gnl, as a run."""

from __future__ import annotations

import argparse

from gnl_core.cli.console import say
from gnl_core.cli.parser import Parser, path_of
from gnl_core.cli.run_settings import CHOICES
from gnl_core.cli.settings import add_settings, given_settings
from gnl_core.config import RunConfig, ScoringConfig, parse_config
from gnl_core.datasets import check_class, find_dataset, list_train_items
from gnl_core.datasets.base import Item
from gnl_core.runs.imports import PUBLISHED, REFERENCE_ITEMS, import_own, import_run

OWN_SUFFIX = ".safetensors"
PLACES = ("teacher_weights", "data_root")  # which a checkpoint does not name
SETTINGS = (
    "detector",
    "teacher",
    "teacher_weights",
    "teacher_sha256",
    "dataset",
    "normal_class",
    "data_root",
    "split_seed",
    "test_percent",
    "image_size",
    "resize",
    "stored_references",
    "seed",
    *ScoringConfig.model_fields,
)


def add_arguments(parser: Parser) -> None:
    """Add the flags of gnl import, with the defaults of the published code."""
    parser.add_argument(
        "file",
        type=path_of,
        help='.pth file of the published code: {"bn": …, "decoder": …}; or a weights.safetensors file of gnl, '
        "whose own settings replace the flags below, except --teacher-weights and --data-root",
    )
    parser.add_argument("--run", type=path_of, required=True, help="folder to create for the run")
    parser.add_argument(
        "--references",
        choices=REFERENCE_ITEMS,
        default="first",
        help="reference images for FDM: the first training images, or images drawn by --seed (default: first)",
    )
    add_settings(parser, {name: RunConfig.model_fields[name] for name in SETTINGS}, defaults=PUBLISHED, choices=CHOICES)
    parser.set_defaults(command=import_command)


def import_command(parsed: argparse.Namespace) -> None:
    """Import a checkpoint as a run: gnl import."""
    if parsed.file.suffix == OWN_SUFFIX:
        folder = import_own(parsed.file, parsed.run, **given_settings(parsed, PLACES))
        say(f"wrote {folder.weights}")
        return
    config = parse_config(dict(PUBLISHED) | given_settings(parsed, SETTINGS))
    chosen = REFERENCE_ITEMS[parsed.references](
        training_items(config), count=config.stored_references, seed=config.seed
    )
    folder = import_run(parsed.file, parsed.run, config, references=chosen)
    say(
        f"wrote {folder.weights}: {config.detector} on {config.teacher}, normal class {config.normal_class} of "
        f"{config.dataset}; references: {', '.join(item.path for item in chosen) or 'none'}"
    )


def training_items(config: RunConfig) -> list[Item]:
    """List the training images of the checkpoint's data set; report if they are missing and return an empty list.

    Raises:
        ValueError: If the data set or class is unknown.
    """
    check_class(find_dataset(config.dataset, config.data_root), config.normal_class)
    try:
        return list_train_items(
            config.dataset, normal_class=config.normal_class, root=config.data_root, split=config.split
        )
    except ValueError as error:
        say(f"no reference images, so the run can only be scored with --style-weight 0: {error}")
        return []
