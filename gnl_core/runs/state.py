"""The state of an unfinished training: all it needs to resume to the same weights. Nothing is pickled.

One safetensors file: the detector's learnt tensors, the optimizers' tensors, the state of PyTorch's generator
within an epoch, and the rest as JSON. What follows from the settings is not stored but rebuilt: the teacher,
cached features, the optimizers' own settings.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor
from torch.optim import Optimizer

from gnl_core.config import RunConfig, parse_config
from gnl_core.files import write_atomically
from gnl_core.records import EpochRecord
from gnl_core.runs.checkpoints import check_state, learnt_state, teacher_fingerprint
from gnl_core.runs.compatibility import differing_settings
from gnl_core.strict_json import from_json, to_json
from gnl_core.training import Training

FORMAT = "gnl-state"
FORMAT_VERSION = 1
DETECTOR, OPTIMIZER, DRAWS = "detector", "optimizer", "draws"
Tensors = dict[str, Tensor]


class Header(NamedTuple):
    """The metadata of a state.

    Attributes:
        format_version: Version of the file format.
        config: The run's settings.
        teacher_fingerprint: SHA-256 of the teacher's weights, or None without a teacher.
        epoch: The current epoch.
        step: Completed batches of that epoch.
        values: Losses of those batches by name.
        elapsed_seconds: Time since training began.
        records: Records of the completed epochs.
    """

    format_version: int
    config: dict[str, Any]
    teacher_fingerprint: str | None
    epoch: int
    step: int
    values: dict[str, list[float]]
    elapsed_seconds: float
    records: list[dict[str, Any]]


def save_state(path: Path, training: Training, config: RunConfig, *, records: list[EpochRecord]) -> None:
    """Save the state of a training atomically, replacing an older one.

    Args:
        path: The file to write.
        training: The training, between two steps.
        config: The run's settings.
        records: Records of the completed epochs.
    """
    header = Header(
        format_version=FORMAT_VERSION,
        config=config.model_dump(mode="json"),
        teacher_fingerprint=teacher_fingerprint(training.detector),
        epoch=training.epoch,
        step=training.step,
        values=training.values,
        elapsed_seconds=training.elapsed_seconds,
        records=[record._asdict() for record in records],
    )
    tensors = {f"{DETECTOR}.{name}": value for name, value in learnt_state(training.detector).items()}
    tensors |= {name: value.contiguous() for name, value in optimizer_tensors(training.optimizers).items()}
    if training.draws is not None:
        tensors[DRAWS] = training.draws
    write_atomically(path, save(tensors, metadata={FORMAT: to_json(header._asdict())}))


def restore_state(path: Path, training: Training, config: RunConfig) -> list[EpochRecord]:
    """Restore a training that has just begun from a saved state.

    Args:
        path: A file written by `save_state`.
        training: From `begin`, with the same settings.
        config: The run's settings.

    Returns:
        Records of the completed epochs.

    Raises:
        ValueError: If the file cannot be read, or does not fit the settings or the available teacher.
    """
    header, tensors = read_state(path)
    check_header(path, header, training, config)
    detector, optimizers = select_part(tensors, DETECTOR), select_part(tensors, OPTIMIZER)
    check_state(path, expected=learnt_state(training.detector), actual=detector)
    training.detector.load_state_dict(detector, strict=False)
    for number, optimizer in enumerate(training.optimizers):
        restore_optimizer(optimizer, select_part(optimizers, str(number)))
    training.epoch, training.step, training.values = header.epoch, header.step, header.values
    training.draws = tensors.get(DRAWS)
    training.started -= header.elapsed_seconds
    return [EpochRecord(**record) for record in header.records]


def read_state(path: Path) -> tuple[Header, Tensors]:
    """Read a state's header and tensors.

    Raises:
        ValueError: If the file is damaged or not a training state.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = from_json((file.metadata() or {})[FORMAT])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no dict)
        return Header(**header), tensors
    except (SafetensorError, OSError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is damaged or not a training state ({error}); train the run again") from None


def check_header(path: Path, header: Header, training: Training, config: RunConfig) -> None:
    """Raise ValueError for a state of another format, other settings or another teacher."""
    if header.format_version != FORMAT_VERSION:
        raise ValueError(
            f"{path} has format {header.format_version}, this version of gnl reads {FORMAT_VERSION}; "
            "train the run again"
        )
    for name, before, now in differing_settings(parse_config(header.config), config):
        raise ValueError(f"{path} was saved with {name} = {before}, but {now} is requested; use {name} = {before}")
    if header.teacher_fingerprint != teacher_fingerprint(training.detector):
        raise ValueError(
            f"{path} was saved with other weights of teacher {config.teacher} than the available ones; "
            "pass the original file with --teacher-weights FILE"
        )


def select_part(tensors: Tensors, part: str) -> Tensors:
    """Select the tensors of one part, without the part's name prefix."""
    return {name.removeprefix(f"{part}."): value for name, value in tensors.items() if name.startswith(f"{part}.")}


def optimizer_tensors(optimizers: list[Optimizer]) -> Tensors:
    """Return the optimizers' tensors per parameter, such as Adam's moments and step count."""
    return {
        f"{OPTIMIZER}.{number}.{index}.{name}": value
        for number, optimizer in enumerate(optimizers)
        for index, own in optimizer.state_dict()["state"].items()
        for name, value in own.items()
    }


def restore_optimizer(optimizer: Optimizer, tensors: Tensors) -> None:
    """Restore an optimizer's tensors per parameter."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, Tensors] = {}
    for key, value in tensors.items():
        index, _, name = key.partition(".")
        state.setdefault(int(index), {})[name] = match_layout(parameters[int(index)], value)
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def match_layout(parameter: Tensor, value: Tensor) -> Tensor:
    """Give a moment its parameter's memory layout, which the file does not store; return other tensors unchanged."""
    return torch.empty_like(parameter).copy_(value) if value.shape == parameter.shape and value.dim() else value
