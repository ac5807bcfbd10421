"""Checkpoints from elsewhere as runs: of the published RD4AD and GNL code, and our own without their folders.

A published file holds two state dicts, `bn` (the bottleneck) and `decoder` (the student). For ResNet teachers
their tensors have the names and shapes that ours have.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from torch import Tensor, nn

from gnl_core.config import RunConfig
from gnl_core.datasets.base import Item
from gnl_core.datasets.loading import Batches
from gnl_core.detectors import create_detector
from gnl_core.detectors.rd4ad import RD4AD
from gnl_core.files import hash_file, write_atomically
from gnl_core.finite import DivergedError, find_not_finite
from gnl_core.models.teacher_weights import read_state_dicts
from gnl_core.runs.checkpoints import load_checkpoint, save_checkpoint
from gnl_core.runs.deletion import discard_unstarted_run
from gnl_core.runs.folder import RunFolder, create_run
from gnl_core.strict_json import to_json

PARTS = MappingProxyType({"bn": "bottleneck", "decoder": "student"})  # theirs to ours
NEVER_USED = ("conv4.", "bn4.")  # of their bottleneck: in the file, but not in its forward pass
PARALLEL_PREFIX = "module."  # what nn.DataParallel puts before each name
DETECTORS = ("rd4ad", "gnl")
PUBLISHED: MappingProxyType[str, Any] = MappingProxyType(
    {
        "teacher": "wide_resnet50_2",
        "image_size": (256, 256),
        "align_corners": True,
        "smoothing_sigma_px": 4.0,
        "reference_count": 1,
        "stored_references": 1,
        "holdout_percent": 0.0,
    }
)
"""What the published code does where our defaults differ; it trains on all normal images."""
TOLD = 3  # misfits that an error names; the rest is counted


def import_run(file: Path, path: Path, config: RunConfig, *, references: Sequence[Item]) -> RunFolder:
    """Make a run of a published checkpoint: settings, weights, and where they came from.

    Args:
        file: A .pth file that holds the state dicts `bn` and `decoder`.
        path: Folder to make for the run.
        config: Method, teacher, data set and size that the checkpoint belongs to.
        references: Training images that matching refers to, in this order; without any, the run cannot match.

    Returns:
        The run's folder.

    Raises:
        ValueError: If the file cannot be read or does not fit the teacher, or the settings cannot be met.
    """
    config = config.model_copy(update={"stored_references": len(references)})
    check_settings(config)
    states = read_state_dicts(file, tuple(PARTS))  # before the teacher, which may have to be downloaded
    folder = create_run(path, config)
    try:
        detector = create_detector(config)
        assert isinstance(detector, RD4AD)  # as both of DETECTORS are
        load_published(detector, states, file=file, teacher=config.teacher)
        if references:
            keep_references(detector, references)
        write_origin(folder, file)
        save_checkpoint(folder.weights, detector, config, epoch=0)
    finally:
        discard_unstarted_run(folder)
    return folder


def import_own(file: Path, path: Path) -> RunFolder:
    """Make a run of a checkpoint that this library wrote: it says itself what it was trained on, and how.

    Args:
        file: A weights.safetensors.
        path: Folder to make for the run.

    Raises:
        ValueError: If the file is none of ours, is damaged, or was made with other teacher weights than those at hand.
    """
    _, config = load_checkpoint(file, device="cpu")
    if config.data_root is not None and not config.data_root.exists():  # it was written on another machine
        config = config.model_copy(update={"data_root": None})
    folder = create_run(path, config)
    try:
        write_origin(folder, file)
        write_atomically(folder.weights, file.read_bytes())
    finally:
        discard_unstarted_run(folder)
    return folder


def check_settings(config: RunConfig) -> None:
    """Refuse a method that the published code does not have, and more references to score by than are kept."""
    if config.detector not in DETECTORS:
        raise ValueError(
            f"published checkpoints are of {' or '.join(DETECTORS)}, not of {config.detector!r}; choose one of them"
        )
    if config.reference_count > config.stored_references > 0:
        raise ValueError(
            f"a reference count of {config.reference_count} needs as many stored references, and "
            f"{config.stored_references} would be kept; raise --stored-references or lower --reference-count"
        )


def load_published(detector: RD4AD, states: dict[str, dict[str, Tensor]], *, file: Path, teacher: str) -> None:
    """Give the detector's bottleneck and student the tensors of a published checkpoint, which was read from a file."""
    modules = {part: detector.network.get_submodule(name) for part, name in PARTS.items()}
    tensors = {part: own_names(state) for part, state in states.items()}
    misfits = [text for part, module in modules.items() for text in find_misfits(part, module, tensors[part])]
    if misfits:
        more = f", and {len(misfits) - TOLD} more" if len(misfits) > TOLD else ""
        raise ValueError(
            f"{file} does not fit teacher {teacher}: {', '.join(misfits[:TOLD])}{more}; "
            "name the teacher that it was trained with by --teacher"
        )
    check_published(file, tensors)
    for part, module in modules.items():
        module.load_state_dict(tensors[part])


def check_published(file: Path, tensors: dict[str, dict[str, Tensor]]) -> None:
    """Refuse a published checkpoint that holds numbers that are not finite.

    Raises:
        DivergedError: If it does.
    """
    name = find_not_finite({f"{part}.{name}": value for part, own in tensors.items() for name, value in own.items()})
    if name:
        raise DivergedError(
            f"{file}: this run diverged ({name} holds numbers that are not finite); import a checkpoint that did not"
        )


def own_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A published state dict by our names: without DataParallel's prefix and the layers that are never used."""
    parallel = all(name.startswith(PARALLEL_PREFIX) for name in state)
    named = {name.removeprefix(PARALLEL_PREFIX) if parallel else name: value for name, value in state.items()}
    return {name: value for name, value in named.items() if not name.startswith(NEVER_USED)}


def find_misfits(part: str, module: nn.Module, tensors: dict[str, Tensor]) -> Iterator[str]:
    """Each tensor that is missing, left over, or of another shape than the module's, in a few words."""
    expected = module.state_dict()
    for name in sorted(expected.keys() | tensors.keys()):
        if name not in tensors:
            yield f"{part} lacks {name}"
        elif name not in expected:
            yield f"{part} has {name}, which has no place there"
        elif tensors[name].shape != expected[name].shape:
            yield f"{part} has {name} of shape {tuple(tensors[name].shape)} and not {tuple(expected[name].shape)}"


def keep_references(detector: RD4AD, items: Sequence[Item]) -> None:
    """Keep the features of training images for matching, in their order."""
    batches = Batches(items, image_size=detector.config.image_size, batch_size=len(items))
    (batch,) = batches
    detector.eval().references.keep(detector.network.teacher, batch.views["original"])


def write_origin(folder: RunFolder, file: Path) -> None:
    """Note which file a run was imported from."""
    write_atomically(folder.origin, to_json({"file": str(file), "sha256": hash_file(file)}, indent=2).encode())


def first_items(items: Sequence[Item], *, count: int, seed: int) -> list[Item]:
    """The first training images, as the published code takes its one; the seed decides nothing."""
    return list(items[:count])


def drawn_items(items: Sequence[Item], *, count: int, seed: int) -> list[Item]:
    """Training images drawn at random without replacement."""
    order = np.random.default_rng(seed).permutation(len(items))
    return [items[position] for position in order[:count]]


REFERENCE_ITEMS = MappingProxyType({"first": first_items, "drawn": drawn_items})
