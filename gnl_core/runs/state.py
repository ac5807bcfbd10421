"""The state of an unfinished training: all it needs to resume to the same weights. Nothing is pickled.

One safetensors file: the detector's learnt tensors, the optimizers' tensors, the state of PyTorch's generator
within an epoch, and the rest as JSON. What follows from the settings is not stored but rebuilt: the teacher,
cached features, the optimizers' own settings.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from pydantic import Field
from safetensors.torch import save
from torch import Tensor
from torch.optim import Optimizer

from gnl_core.config import LARGEST_EPOCHS, RunConfig
from gnl_core.files import UnreadableFileError, read_tensors
from gnl_core.files.records import SavedRecord
from gnl_core.files.writing import write_atomically
from gnl_core.messages import quote
from gnl_core.records import EpochRecord
from gnl_core.runs.checkpoints import check_state, learnt_state, parse_settings, teacher_fingerprint
from gnl_core.runs.compatibility import differing_settings
from gnl_core.runs.folder import SavedEpoch
from gnl_core.runs.headers import Format, read_described
from gnl_core.strict_json import to_json
from gnl_core.training import Training

FORMAT = Format(
    entry="gnl-state",
    version=1,
    name="a training state",
    writer="gnl train",
    remedy="train the run again",
    absent="train the run again",
)
DETECTOR, OPTIMIZER, DRAWS = "detector", "optimizer", "draws"
Tensors = dict[str, Tensor]


class Header(SavedRecord):
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

    format_version: int = FORMAT.version
    config: dict[str, Any]
    teacher_fingerprint: str | None
    epoch: int = Field(ge=1, le=LARGEST_EPOCHS + 1)
    step: int = Field(ge=0)
    values: dict[str, list[float]]
    elapsed_seconds: float = Field(ge=0)
    records: list[SavedEpoch]


def save_state(path: Path, training: Training, config: RunConfig, *, records: list[EpochRecord]) -> None:
    """Save the state of a training atomically, replacing an older one.

    Args:
        path: The file to write.
        training: The training, between two steps.
        config: The run's settings.
        records: Records of the completed epochs.
    """
    header = Header(
        config=config.model_dump(mode="json"),
        teacher_fingerprint=teacher_fingerprint(training.detector),
        epoch=training.epoch,
        step=training.step,
        values=training.values,
        elapsed_seconds=training.elapsed_seconds,
        records=[SavedEpoch(**record._asdict()) for record in records],
    )
    tensors = {f"{DETECTOR}.{name}": value for name, value in learnt_state(training.detector).items()}
    tensors |= {name: value.contiguous() for name, value in optimizer_tensors(training.optimizers).items()}
    if training.draws is not None:
        tensors[DRAWS] = training.draws
    write_atomically(path, save(tensors, metadata={FORMAT.entry: to_json(header.model_dump())}))


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
        check_optimizer(path, optimizer, select_part(optimizers, str(number)))
    check_draws(path, tensors.get(DRAWS), step=header.step)
    for number, optimizer in enumerate(training.optimizers):
        restore_optimizer(optimizer, select_part(optimizers, str(number)))
    training.epoch, training.step, training.values = header.epoch, header.step, header.values
    training.draws = tensors.get(DRAWS)
    training.started -= header.elapsed_seconds
    return [record.to_record() for record in header.records]


def read_state(path: Path) -> tuple[Header, Tensors]:
    """Read a state's header and tensors.

    Raises:
        ValueError: If the file is damaged or not a training state.
    """
    return read_described(path, FORMAT, Header, read=read_tensors)


def check_header(path: Path, header: Header, training: Training, config: RunConfig) -> None:
    """Raise ValueError for a state of other settings or another teacher, or of a place that the training lacks."""
    for name, before, now in differing_settings(parse_settings(path, header.config), config):
        raise ValueError(f"{path} was saved with {name} = {before}, but {now} is requested; use {name} = {before}")
    if header.teacher_fingerprint != teacher_fingerprint(training.detector):
        raise ValueError(
            f"{path} was saved with other weights of teacher {config.teacher} than the available ones; "
            "pass the original file with --teacher-weights FILE"
        )
    check_place(path, header, training)


def check_place(path: Path, header: Header, training: Training) -> None:
    """Raise ValueError if the epoch, the step, the losses and the records of a state do not fit the training."""
    is_within = header.epoch <= training.epochs and header.step < len(training.batches)
    has_values = all(len(column) == header.step for column in header.values.values())
    has_records = [record.epoch for record in header.records] == list(range(1, header.epoch))
    if not (is_within and has_values and has_records):
        raise UnreadableFileError(
            f"{path} is damaged: its epoch {header.epoch} and step {quote(header.step)} do not fit the training, its "
            "losses or its records; train the run again"
        )


def check_optimizer(path: Path, optimizer: Optimizer, tensors: Tensors) -> None:
    """Raise ValueError if an optimizer's tensors lack one of a parameter, or do not have its shape."""
    parameters = {str(index): parameter for index, parameter in enumerate(parameters_of(optimizer))}
    named: dict[str, set[str]] = {}
    for key, value in tensors.items():
        index, _, name = key.partition(".")
        named.setdefault(index, set()).add(name)
        if index not in parameters or value.shape not in (parameters[index].shape, torch.Size()):
            raise UnreadableFileError(f"{path} is damaged: {quote(key)} does not fit the optimizer; {FORMAT.remedy}")
    if any(names != set().union(*named.values()) for names in named.values()):
        raise UnreadableFileError(f"{path} is damaged: it lacks tensors of the optimizer; {FORMAT.remedy}")


def check_draws(path: Path, draws: Tensor | None, *, step: int) -> None:
    """Raise ValueError if the state of PyTorch's generator is missing within an epoch, or is invalid."""
    try:
        if (draws is None) == (step > 0):
            raise TypeError
        if draws is not None:
            torch.Generator().set_state(draws)
    except (TypeError, RuntimeError):
        raise UnreadableFileError(f"{path} is damaged: its random state is invalid; {FORMAT.remedy}") from None


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
    parameters = parameters_of(optimizer)
    state: dict[int, Tensors] = {}
    for key, value in tensors.items():
        index, _, name = key.partition(".")
        state.setdefault(int(index), {})[name] = match_layout(parameters[int(index)], value)
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def parameters_of(optimizer: Optimizer) -> list[Tensor]:
    """List an optimizer's parameters in the order of its state."""
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def match_layout(parameter: Tensor, value: Tensor) -> Tensor:
    """Give a moment its parameter's memory layout, which the file does not store; return other tensors unchanged."""
    return torch.empty_like(parameter).copy_(value) if value.shape == parameter.shape and value.dim() else value
