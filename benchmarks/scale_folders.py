"""Build the folders that `benchmarks.scale` measures: images, runs and scores in large numbers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import PIL.Image
import torch

from gnl_core.config import RunConfig, scoring_settings
from gnl_core.jobs.status import Status, write_status
from gnl_core.records import Batch, Scores
from gnl_core.runs.folder import RunFolder, read_config, write_config
from gnl_core.runs.scores import save_scores_each
from tests.browser.conftest import PROJECT

BUNDLED = PROJECT / "assets" / "checkpoints" / "digits-4-gnl"
DIFFERENT_IMAGES = 20
TRAINING_IMAGES = 100
SIDE_PX = 32
ANOMALOUS_SHARE = 0.1
OTHER_CLASS = "7"  # no bundled run has it, so Explore opens on the run with made-up scores
STRENGTH = 1.0  # of matching, with which Explore opens


def link(source: Path, target: Path) -> None:
    """Link a file, or copy it to another file system."""
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, target)


def build_images(root: Path, count: int) -> None:
    """Build a data set of the kind `folder`: many links to a few small PNG files, of which all training images are."""
    generator = np.random.default_rng(0)
    originals = root / "originals"
    originals.mkdir(parents=True)
    for number in range(DIFFERENT_IMAGES):
        pixels = generator.integers(0, 256, (SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
        PIL.Image.fromarray(pixels).save(originals / f"{number}.png")
    anomalous = round(ANOMALOUS_SHARE * count)
    parts = {"train/good": TRAINING_IMAGES, "test/good": count - anomalous, "test/scratch": anomalous}
    for part, images in parts.items():
        folder = root / "images" / part
        folder.mkdir(parents=True)
        for number in range(images):
            link(originals / f"{number % DIFFERENT_IMAGES}.png", folder / f"{number:07d}.png")


def build_runs(root: Path, count: int) -> None:
    """Build run folders, each with links to the files of a bundled run, and the status that `gnl train` leaves."""
    for number in range(count):
        folder = root / f"run-{number:05d}"
        folder.mkdir(parents=True)
        for file in BUNDLED.iterdir():
            link(file, folder / file.name)
        write_status(RunFolder(folder), Status(state="finished"))


def build_scores(root: Path, count: int) -> None:
    """Build a run with made-up scores of many images in the shifted domain, and of a few in the others."""
    folder = RunFolder(root / "many-scores")
    folder.path.mkdir(parents=True)
    link(BUNDLED / "weights.safetensors", folder.weights)
    config = read_config(RunFolder(BUNDLED)).model_copy(update={"normal_class": OTHER_CLASS})
    write_config(folder, config)
    generator = np.random.default_rng(0)
    sizes = {"train": 100, "held_out": 10, "digits": 1000, "digits_m": count}
    scoring = scoring_settings(config, style_weight=STRENGTH)
    save_scores_each(folder, [(scoring, make_scores(name, size, generator)) for name, size in sizes.items()])


def make_scores(domain: str, count: int, generator: np.random.Generator) -> Scores:
    """Make up scores of a domain; training images are normal."""
    labels = (generator.random(count) < ANOMALOUS_SHARE).astype(np.int64) * domain.startswith("digits")
    return Scores(
        score=generator.normal(1 + labels, 0.3),
        label=labels,
        domain=np.full(count, domain),
        category=np.where(labels, "3", OTHER_CLASS),
        path=np.array([f"{domain}/{number:07d}" for number in range(count)]),
    )


def random_batches(config: RunConfig, count: int, *, batch_size: int) -> Iterator[Batch]:
    """Yield batches of images of noise, of which only one is in memory at a time."""
    generator = torch.Generator().manual_seed(0)
    for start in range(0, count, batch_size):
        size = min(batch_size, count - start)
        yield Batch(
            views={"original": torch.rand(size, 3, *config.image_size, generator=generator)},
            labels=torch.zeros(size, dtype=torch.long),
            domains=("noise",) * size,
            categories=("good",) * size,
            paths=tuple(str(start + number) for number in range(size)),
        )
