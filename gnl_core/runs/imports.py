"""Import checkpoints as runs: of the published RD4AD and GNL code, and gnl checkpoints without a run folder.

A published file contains two state dicts, `bn` (the bottleneck) and `decoder` (the student). For ResNet teachers,
their tensors have the same names and shapes as ours.
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
from gnl_core.detectors import complete_config, create_detector
from gnl_core.detectors.rd4ad import RD4AD
from gnl_core.files import WEIGHTS_BYTES, hash_file, read_bytes
from gnl_core.files.writing import write_atomically
from gnl_core.finite import DivergedError, find_not_finite
from gnl_core.models.teacher_weights import read_state_dicts
from gnl_core.runs.checkpoints import load_checkpoint, save_checkpoint
from gnl_core.runs.deletion import discard_unstarted_run
from gnl_core.runs.folder import RunFolder, create_run
from gnl_core.strict_json import to_json

PARTS = MappingProxyType({"bn": "bottleneck", "decoder": "student"})  # published name to ours
NEVER_USED = ("conv4.", "bn4.")  # of the published bottleneck: stored, but unused in its forward pass
PARALLEL_PREFIX = "module."  # added by nn.DataParallel
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
"""Settings of the published code that differ from our defaults; it trains on all normal images."""
LISTED_MISFITS = 3  # named in an error; the rest are counted


def import_run(file: Path, path: Path, config: RunConfig, *, references: Sequence[Item]) -> RunFolder:
    """Import a published checkpoint as a run, with settings, weights and origin.

    Args:
        file: A .pth file with the state dicts `bn` and `decoder`.
        path: Folder to create for the run.
        config: Method, teacher, data set and image size of the checkpoint.
        references: Reference images for feature distribution matching, in order; if empty, the run cannot match.

    Returns:
        The run's folder.

    Raises:
        ValueError: If the file cannot be read or does not fit the teacher, or the settings are not supported.
    """
    config = complete_config(config.model_copy(update={"stored_references": len(references)}))
    check_settings(config)
    states = read_state_dicts(file, tuple(PARTS))  # before the teacher, which may need a download
    folder = create_run(path, config)
    try:
        detector = create_detector(config)
        assert isinstance(detector, RD4AD)  # as both of DETECTORS are
        load_published(detector, states, file=file, teacher=config.teacher)
        if references:
            store_references(detector, references)
        write_origin(folder, file)
        save_checkpoint(folder.weights, detector, config, epoch=0)
    finally:
        discard_unstarted_run(folder)
    return folder


def import_own(
    file: Path, path: Path, *, teacher_weights: Path | None = None, data_root: Path | None = None
) -> RunFolder:
    """Import a gnl checkpoint as a run, with the settings stored in it except paths, which are of another machine.

    Args:
        file: A weights.safetensors file.
        path: Folder to create for the run.
        teacher_weights: The teacher's weight file; unset: bundled or on this machine.
        data_root: The data root; unset: $GNL_DATA.

    Raises:
        ValueError: If the file is not a gnl checkpoint, is damaged, or was trained with other teacher weights than the
            available ones.
    """
    _, config = load_checkpoint(file, device="cpu", teacher_weights=teacher_weights)
    folder = create_run(path, config.model_copy(update={"data_root": data_root}))
    try:
        write_origin(folder, file)
        write_atomically(folder.weights, read_bytes(file, limit_bytes=WEIGHTS_BYTES))
    finally:
        discard_unstarted_run(folder)
    return folder


def check_settings(config: RunConfig) -> None:
    """Raise ValueError for a method without published code, or for more references in scoring than are stored."""
    if config.detector not in DETECTORS:
        raise ValueError(
            f"published checkpoints are of {' or '.join(DETECTORS)}, not of {config.detector!r}; choose one of these"
        )
    if config.reference_count > config.stored_references > 0:
        raise ValueError(
            f"a reference count of {config.reference_count} needs as many stored references, but "
            f"{config.stored_references} would be stored; raise --stored-references or lower --reference-count"
        )


def load_published(detector: RD4AD, states: dict[str, dict[str, Tensor]], *, file: Path, teacher: str) -> None:
    """Load the state dicts of a published checkpoint into the detector's bottleneck and student."""
    modules = {part: detector.network.get_submodule(name) for part, name in PARTS.items()}
    tensors = {part: rename_tensors(state) for part, state in states.items()}
    misfits = [text for part, module in modules.items() for text in find_misfits(part, module, tensors[part])]
    if misfits:
        more = f", and {len(misfits) - LISTED_MISFITS} more" if len(misfits) > LISTED_MISFITS else ""
        raise ValueError(
            f"{file} does not fit teacher {teacher}: {', '.join(misfits[:LISTED_MISFITS])}{more}; "
            "pass the teacher it was trained with as --teacher"
        )
    check_published(file, tensors)
    for part, module in modules.items():
        module.load_state_dict(tensors[part])


def check_published(file: Path, tensors: dict[str, dict[str, Tensor]]) -> None:
    """Check that all numbers of a published checkpoint are finite.

    Raises:
        DivergedError: If any is not.
    """
    name = find_not_finite({f"{part}.{name}": value for part, own in tensors.items() for name, value in own.items()})
    if name:
        raise DivergedError(
            f"{file}: this run diverged ({name} holds numbers that are not finite); import a checkpoint that did not"
        )


def rename_tensors(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return a published state dict with our names: without DataParallel's prefix and unused layers."""
    parallel = all(name.startswith(PARALLEL_PREFIX) for name in state)
    named = {name.removeprefix(PARALLEL_PREFIX) if parallel else name: value for name, value in state.items()}
    return {name: value for name, value in named.items() if not name.startswith(NEVER_USED)}


def find_misfits(part: str, module: nn.Module, tensors: dict[str, Tensor]) -> Iterator[str]:
    """Describe each tensor that is missing, unexpected, or of another shape than the module's."""
    expected = module.state_dict()
    for name in sorted(expected.keys() | tensors.keys()):
        if name not in tensors:
            yield f"{part} lacks {name}"
        elif name not in expected:
            yield f"{part} has an unexpected {name}"
        elif tensors[name].shape != expected[name].shape:
            yield f"{part} has {name} of shape {tuple(tensors[name].shape)} instead of {tuple(expected[name].shape)}"


def store_references(detector: RD4AD, items: Sequence[Item]) -> None:
    """Store the features of training images as matching references, in the given order."""
    config = detector.config
    batches = Batches(items, image_size=config.image_size, resize=config.resize, batch_size=len(items))
    (batch,) = batches
    detector.eval().references.keep(detector.network.teacher, batch.views["original"])


def write_origin(folder: RunFolder, file: Path) -> None:
    """Write the path and hash of the imported file."""
    write_atomically(folder.origin, to_json({"file": str(file), "sha256": hash_file(file)}, indent=2).encode())


def first_items(items: Sequence[Item], *, count: int, seed: int) -> list[Item]:
    """Return the first training images, as the published code does; the seed is ignored."""
    return list(items[:count])


def drawn_items(items: Sequence[Item], *, count: int, seed: int) -> list[Item]:
    """Draw training images at random without replacement."""
    order = np.random.default_rng(seed).permutation(len(items))
    return [items[position] for position in order[:count]]


REFERENCE_ITEMS = MappingProxyType({"first": first_items, "drawn": drawn_items})
