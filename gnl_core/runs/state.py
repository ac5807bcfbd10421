"""The state of an unfinished training: all that it needs to go on to the same weights. Nothing is pickled.

One safetensors file: what the detector learnt so far, the optimizers' tensors, the state of PyTorch's generator
within an epoch, and as JSON the rest. What the settings decide is not in it and is made again from them: the
teacher, cached features, the optimizers' own settings.
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
    """What a state says beside its tensors.

    Attributes:
        format_version: Of the file.
        config: The run's settings.
        teacher_fingerprint: SHA-256 of the teacher's weights, or None without a teacher.
        epoch: The epoch under way.
        step: Its batches that are done.
        values: Their losses.
        elapsed_seconds: Since training began.
        records: The epochs that are done.
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
    """Write where a training stands; an older state is replaced in one move.

    Args:
        path: The file.
        training: Between two steps.
        config: The run's settings.
        records: The epochs that are done.
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
    """Bring a training that has just begun to where a state left it.

    Args:
        path: A file that `save_state` wrote.
        training: From `begin`, by the same settings.
        config: Those settings.

    Returns:
        The epochs that are done.

    Raises:
        ValueError: If the file cannot be read, or does not fit the settings or the teacher at hand.
    """
    header, tensors = read_state(path)
    check_header(path, header, training, config)
    detector, optimizers = of_part(tensors, DETECTOR), of_part(tensors, OPTIMIZER)
    check_state(path, expected=learnt_state(training.detector), actual=detector)
    training.detector.load_state_dict(detector, strict=False)
    for number, optimizer in enumerate(training.optimizers):
        restore_optimizer(optimizer, of_part(optimizers, str(number)))
    training.epoch, training.step, training.values = header.epoch, header.step, header.values
    training.draws = tensors.get(DRAWS)
    training.started -= header.elapsed_seconds
    return [EpochRecord(**record) for record in header.records]


def read_state(path: Path) -> tuple[Header, Tensors]:
    """Read a state's header and tensors.

    Raises:
        ValueError: If the file is damaged or none of ours.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = from_json((file.metadata() or {})[FORMAT])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no dict)
        return Header(**header), tensors
    except (SafetensorError, OSError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is damaged or no state of a training ({error}); train the run again") from None


def check_header(path: Path, header: Header, training: Training, config: RunConfig) -> None:
    """Refuse a state of another format, other settings or another teacher."""
    if header.format_version != FORMAT_VERSION:
        raise ValueError(
            f"{path} has format {header.format_version}, this gnl reads {FORMAT_VERSION}; train the run again"
        )
    for name, before, now in differing_settings(parse_config(header.config), config):
        raise ValueError(f"{path} was saved with {name} = {before}, but {now} is asked for; ask for the same")
    if header.teacher_fingerprint != teacher_fingerprint(training.detector):
        raise ValueError(
            f"{path} was saved with other weights of teacher {config.teacher} than those at hand; "
            "pass the file the run began with by --teacher-weights FILE"
        )


def of_part(tensors: Tensors, part: str) -> Tensors:
    """The tensors of one part, by their names in it."""
    return {name.removeprefix(f"{part}."): value for name, value in tensors.items() if name.startswith(f"{part}.")}


def optimizer_tensors(optimizers: list[Optimizer]) -> Tensors:
    """What optimizers remember of each parameter, such as Adam's moments and step count."""
    return {
        f"{OPTIMIZER}.{number}.{index}.{name}": value
        for number, optimizer in enumerate(optimizers)
        for index, memory in optimizer.state_dict()["state"].items()
        for name, value in memory.items()
    }


def restore_optimizer(optimizer: Optimizer, tensors: Tensors) -> None:
    """Give an optimizer back what it remembered of each parameter."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    memories: dict[int, Tensors] = {}
    for key, value in tensors.items():
        index, _, name = key.partition(".")
        memories.setdefault(int(index), {})[name] = laid_out_as(parameters[int(index)], value)
    optimizer.load_state_dict({"state": memories, "param_groups": optimizer.state_dict()["param_groups"]})


def laid_out_as(parameter: Tensor, value: Tensor) -> Tensor:
    """A moment with its parameter's order in memory, which the file does not keep; other tensors as they are."""
    return torch.empty_like(parameter).copy_(value) if value.shape == parameter.shape and value.dim() else value
