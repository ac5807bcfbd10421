"""Checkpoints: what a detector learnt, as safetensors, with the settings it needs to be built again.

The teacher's weights stay out; their hash is kept, and other weights are refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from gnl_core.config import RunConfig, describe_invalid
from gnl_core.detectors import create_detector
from gnl_core.detectors.base import Detector
from gnl_core.devices import resolve_device
from gnl_core.files import write_atomically
from gnl_core.finite import REMEDY, DivergedError, find_not_finite
from gnl_core.models.teachers import Teacher
from gnl_core.strict_json import from_json, to_json

FORMAT = "gnl-checkpoint"
FORMAT_VERSION = 2


class Header(NamedTuple):
    """What a checkpoint says of itself."""

    format_version: int
    config: RunConfig
    epoch: int
    teacher: str
    teacher_fingerprint: str | None


def save_checkpoint(path: Path, detector: Detector, config: RunConfig, *, epoch: int) -> None:
    """Write what the detector learnt, to a temporary name first.

    Args:
        path: The file; an older one is replaced.
        detector: What to save.
        config: The settings it was built from.
        epoch: Epochs it has trained.

    Raises:
        DivergedError: If it holds numbers that are not finite.
        ValueError: If numbers are beyond the stored precision's range.
    """
    header = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "config": config.model_dump(mode="json"),
        "epoch": epoch,
        "teacher": config.teacher,
        "teacher_fingerprint": teacher_fingerprint(detector),
    }
    # One metadata entry: several would be written in an order of their own, and the file's hash would vary.
    learnt = learnt_state(detector)
    check_finite(path, learnt)
    state = stored_state(learnt, precision=config.stored_precision)
    write_atomically(path, save(state, metadata={FORMAT: to_json(header)}))


def stored_state(state: dict[str, Tensor], *, precision: str) -> dict[str, Tensor]:
    """The tensors as they are written: floating-point ones in the precision named, counters as they are.

    Raises:
        ValueError: If a finite number becomes infinite.
    """
    if precision == "float32":
        return state
    halved = {name: value.half() if value.is_floating_point() else value for name, value in state.items()}
    name = find_not_finite(halved)
    if name:
        raise ValueError(
            f"{name} holds numbers beyond the range of float16, so they cannot be stored as such; "
            "train the run with --stored-precision float32"
        )
    return halved


def load_checkpoint(
    path: Path, *, device: str = "auto", teacher_weights: Path | None = None
) -> tuple[Detector, RunConfig]:
    """Build the detector that a checkpoint holds; nothing is unpickled, no data set is needed.

    Args:
        path: A file that `save_checkpoint` wrote.
        device: Where to put it.
        teacher_weights: Where the teacher's weight file lies now; unset: where it lay in training.

    Returns:
        The detector, in eval mode, and its settings.

    Raises:
        DivergedError: If the file holds numbers that are not finite.
        ValueError: If the file is missing, is not ours, is damaged or of a newer format, or was made
            with other teacher weights than those at hand.
    """
    header, state = read_checkpoint(path)
    check_finite(path, state)
    config = header.config
    if teacher_weights is not None:
        config = config.model_copy(update={"teacher_weights": teacher_weights})
    detector = create_detector(config)
    if teacher_fingerprint(detector) != header.teacher_fingerprint:
        raise ValueError(
            f"{path} was made with other weights of teacher {header.teacher} than those at hand; "
            "pass the file it was trained with by --teacher-weights FILE"
        )
    for name in set(detector.memories) & state.keys():
        grow_memory(detector, name, rows=len(state[name]))
    check_state(path, expected=learnt_state(detector), actual=state)
    detector.load_state_dict(state, strict=False)
    return detector.to(resolve_device(device)).eval(), config


def read_checkpoint(path: Path) -> tuple[Header, dict[str, Tensor]]:
    """Read a checkpoint's header and tensors."""
    if not path.is_file():
        raise ValueError(
            f"no checkpoint at {path}; train one with gnl train, or pass a run folder that holds weights.safetensors"
        )
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no dict)
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path} is damaged or no checkpoint ({error}); copy it again, or train it again") from None
    return parse_header(path, metadata), state


def parse_header(path: Path, metadata: dict[str, str]) -> Header:
    """Check what a checkpoint says of itself."""
    if FORMAT not in metadata:
        raise ValueError(f"{path} is a safetensors file, but not a checkpoint of gnl; pass one that gnl train wrote")
    try:
        header = from_json(metadata[FORMAT])
        if header["format_version"] != FORMAT_VERSION:
            mend = "update gnl" if header["format_version"] > FORMAT_VERSION else "train the run again"
            raise ValueError(f"{path} has format {header['format_version']}, this gnl reads {FORMAT_VERSION}; {mend}")
        config = RunConfig(**header["config"])
        return Header(**{name: header[name] for name in Header._fields} | {"config": config})
    except ValidationError as error:
        raise ValueError(f"{path} has settings that this gnl does not know: {describe_invalid(error)}") from None
    except (json.JSONDecodeError, KeyError, TypeError):
        raise ValueError(f"{path} has a damaged header; copy it again, or train it again") from None


def check_finite(path: Path, state: Mapping[str, Tensor]) -> None:
    """Refuse tensors that hold numbers that are not finite.

    Raises:
        DivergedError: If one does.
    """
    name = find_not_finite(state)
    if name:
        raise DivergedError(f"{path}: this run diverged ({name} holds numbers that are not finite); {REMEDY}")


def check_state(path: Path, *, expected: dict[str, Tensor], actual: dict[str, Tensor]) -> None:
    """Refuse tensors whose names or shapes are not the detector's."""
    differing = sorted(set(expected) ^ set(actual))
    differing += [name for name in expected.keys() & actual.keys() if expected[name].shape != actual[name].shape]
    if differing:
        raise ValueError(
            f"{path} does not fit its own settings: {len(differing)} tensors differ, such as {differing[0]!r}"
        )


def learnt_state(detector: Detector) -> dict[str, Tensor]:
    """The detector's state without its teacher's."""
    frozen = tuple(f"{name}." for name, module in detector.named_modules() if isinstance(module, Teacher))
    return {name: value.contiguous() for name, value in detector.state_dict().items() if not name.startswith(frozen)}


def teacher_fingerprint(detector: Detector) -> str | None:
    """SHA-256 of the weights of the detector's teacher, or None if it has none."""
    return next((module.fingerprint for module in detector.modules() if isinstance(module, Teacher)), None)


def grow_memory(detector: Detector, name: str, *, rows: int) -> None:
    """Give a memory that begins empty the length that a checkpoint's has."""
    owner, _, buffer = name.rpartition(".")
    empty = detector.get_buffer(name)
    setattr(detector.get_submodule(owner), buffer, empty.new_zeros(rows, *empty.shape[1:]))
