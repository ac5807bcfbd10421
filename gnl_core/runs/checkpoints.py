"""Checkpoints: a detector's learnt tensors as safetensors, with the settings needed to rebuild it.

The teacher's weights are not stored, only their hash; loading with other teacher weights is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import save
from torch import Tensor

from gnl_core.config import PATHS, RunConfig, parse_config
from gnl_core.detectors import create_detector, keep_own_settings
from gnl_core.detectors.base import Detector
from gnl_core.devices import resolve_device
from gnl_core.files import read_tensors
from gnl_core.files.writing import write_atomically
from gnl_core.finite import REMEDY, DivergedError, find_not_finite
from gnl_core.messages import quote, shorten
from gnl_core.models.teachers import Teacher, may_load
from gnl_core.runs.checkpoint_header import FORMAT, Described
from gnl_core.runs.headers import read_described
from gnl_core.strict_json import to_json


class Header(NamedTuple):
    """The metadata of a checkpoint.

    Attributes:
        config: The settings that it was trained with.
        epoch: Number of epochs that it has trained.
        teacher_fingerprint: SHA-256 of the teacher's weights; None without a teacher.
    """

    config: RunConfig
    epoch: int
    teacher_fingerprint: str | None


class Outline(NamedTuple):
    """What a detector is made of, by its settings alone.

    Attributes:
        tensors: Its learnt tensors on the meta device: shapes, but no values.
        memories: `Detector.memories`.
        has_teacher: Whether it has a teacher.
    """

    tensors: dict[str, Tensor]
    memories: tuple[str, ...]
    has_teacher: bool


def save_checkpoint(path: Path, detector: Detector, config: RunConfig, *, epoch: int) -> None:
    """Write a detector's learnt tensors atomically.

    Args:
        path: The file to write; an existing file is replaced.
        detector: The detector to save.
        config: The settings it was built from; paths are left out.
        epoch: Number of epochs it has trained.

    Raises:
        DivergedError: If a tensor holds numbers that are not finite.
        ValueError: If a number is outside the stored precision's range.
    """
    header = {
        "format": FORMAT.entry,
        "format_version": FORMAT.version,
        "config": config.model_dump(mode="json", exclude=set(PATHS)),
        "epoch": epoch,
        "teacher": config.teacher,
        "teacher_fingerprint": teacher_fingerprint(detector),
    }
    # One metadata entry: safetensors does not fix the order of several, so the file's hash would vary.
    learnt = learnt_state(detector)
    check_finite(path, learnt)
    state = stored_state(learnt, precision=config.stored_precision)
    write_atomically(path, save(state, metadata={FORMAT.entry: to_json(header)}))


def stored_state(state: dict[str, Tensor], *, precision: str) -> dict[str, Tensor]:
    """Convert floating-point tensors to the stored precision; integer tensors stay as they are.

    Raises:
        ValueError: If a finite number becomes infinite.
    """
    if precision == "float32":
        return state
    halved = {name: value.half() if value.is_floating_point() else value for name, value in state.items()}
    name = find_not_finite(halved)
    if name:
        raise ValueError(
            f"{name} holds numbers beyond the range of float16, so they cannot be stored in that precision; "
            "train the run with --stored-precision float32"
        )
    return halved


def load_checkpoint(
    path: Path, *, device: str = "auto", teacher_weights: Path | None = None
) -> tuple[Detector, RunConfig]:
    """Build the detector of a checkpoint. Nothing is unpickled, and no data set is needed.

    Args:
        path: A file written by `save_checkpoint`.
        device: Device for the detector.
        teacher_weights: The teacher's weight file; unset: bundled or on this machine.

    Returns:
        The detector, in eval mode, and its settings. Paths in the file are not among them: it may come from anyone.

    Raises:
        DivergedError: If the file holds numbers that are not finite.
        ValueError: If the file is missing, is not a gnl checkpoint, is damaged or has a newer format, or was
            trained with other teacher weights than the available ones.
    """
    header, state = read_checkpoint(path)
    check_finite(path, state)
    config = header.config.model_copy(update={"teacher_weights": teacher_weights, "data_root": None})
    outline = outline_detector(config)
    check_state(path, expected=grown(outline, state), actual=state)
    if outline.has_teacher and config.teacher_weights is None and not may_load(config.teacher):
        raise ValueError(
            f"{path} needs the weights of teacher {config.teacher}, which are not on this machine, and which gnl does "
            "not download because a file names them; pass them with --teacher-weights FILE"
        )
    detector = create_detector(config)
    if teacher_fingerprint(detector) != header.teacher_fingerprint:
        raise ValueError(
            f"{path} was trained with other weights of teacher {config.teacher} than the available ones; "
            "pass the original file with --teacher-weights FILE"
        )
    for name in set(detector.memories) & state.keys():
        grow_memory(detector, name, rows=len(state[name]))
    detector.load_state_dict(state, strict=False)
    return detector.to(resolve_device(device)).eval(), config


@lru_cache(maxsize=16)
def outline_detector(config: RunConfig) -> Outline:
    """Return the tensors that a detector of these settings has, without building anything large.

    A file may name any network: it is built only if its tensors are those in the file.

    Raises:
        ValueError: If there is no such method or teacher, or the teacher cannot read images of this size.
    """
    try:
        with torch.device("meta"):
            detector = create_detector(config)
    except RuntimeError:  # of the teacher's layers, which compute the shapes of its maps
        height, width = config.image_size
        raise ValueError(
            f"the checkpoint names the teacher {config.teacher}, which cannot read images of its size, "
            f"{height}x{width} px; restore the file, or train again"
        ) from None
    return Outline(learnt_state(detector), detector.memories, teacher_fingerprint(detector) is not None)


def grown(outline: Outline, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of an outline, with memories of as many rows as in a checkpoint."""
    rows = {name: len(state[name]) for name in outline.memories if name in state and state[name].dim()}
    return outline.tensors | {
        name: outline.tensors[name].new_empty(count, *outline.tensors[name].shape[1:]) for name, count in rows.items()
    }


def read_checkpoint(path: Path) -> tuple[Header, dict[str, Tensor]]:
    """Read a checkpoint's header and tensors.

    Raises:
        ValueError: If the file cannot be read, or its settings are invalid.
    """
    described, state = read_described(path, FORMAT, Described, read=read_tensors)
    return Header(
        config=parse_settings(path, described.config),
        epoch=described.epoch,
        teacher_fingerprint=described.teacher_fingerprint,
    ), state


def parse_settings(path: Path, values: dict[str, Any]) -> RunConfig:
    """Check the settings of a checkpoint."""
    try:
        return keep_own_settings(parse_config(values))
    except ValueError as error:
        raise ValueError(f"{path} has settings that this version of gnl does not know: {error}") from None


def check_finite(path: Path, state: Mapping[str, Tensor]) -> None:
    """Check that all numbers of a checkpoint are finite.

    Raises:
        DivergedError: If any is not.
    """
    name = find_not_finite(state)
    if name:
        raise DivergedError(f"{path}: this run diverged ({shorten(name)} holds numbers that are not finite); {REMEDY}")


def check_state(path: Path, *, expected: dict[str, Tensor], actual: dict[str, Tensor]) -> None:
    """Raise ValueError if names or shapes of tensors differ from the detector's."""
    differing = sorted(set(expected) ^ set(actual))
    differing += [name for name in expected.keys() & actual.keys() if expected[name].shape != actual[name].shape]
    if differing:
        raise ValueError(
            f"{path} does not match its own settings: {len(differing)} tensors differ, such as {quote(differing[0])}"
        )


def learnt_state(detector: Detector) -> dict[str, Tensor]:
    """Return the detector's state dict without its teacher."""
    frozen = tuple(f"{name}." for name, module in detector.named_modules() if isinstance(module, Teacher))
    return {name: value.contiguous() for name, value in detector.state_dict().items() if not name.startswith(frozen)}


def teacher_fingerprint(detector: Detector) -> str | None:
    """Return the SHA-256 of the teacher's weights, or None for a detector without a teacher."""
    return next((module.fingerprint for module in detector.modules() if isinstance(module, Teacher)), None)


def grow_memory(detector: Detector, name: str, *, rows: int) -> None:
    """Resize an empty memory buffer to the number of rows in a checkpoint."""
    owner, _, buffer = name.rpartition(".")
    empty = detector.get_buffer(name)
    setattr(detector.get_submodule(owner), buffer, empty.new_zeros(rows, *empty.shape[1:]))
