"""Several processes that train one detector together, and reduced precision, through Lightning Fabric.

Each process has a copy of the detector and takes its share of every batch. Gradients are averaged before each
optimizer's step, so any method's own training step works as it is, however many optimizers it has.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from gnl_core.config import RunConfig
from gnl_core.devices import resolve_device

FULL_PRECISION = "32-true"
SMALLEST_SHARE = 2  # images a process: BatchNorm cannot learn from one
HOW_TO_INSTALL = 'pip install -e ".[cluster]"'
CLUSTER_MARKS = ("MASTER_ADDR", "SLURM_JOB_ID")  # what tells the nodes where to meet


def unchanged(values: Tensor) -> Tensor:
    """The mean over one process."""
    return values


def start_nothing() -> None:
    """One process has no others to start."""


@dataclass(frozen=True)
class Processes:
    """The processes of a training as one of them sees them; by default it is alone.

    Attributes:
        rank: Which one this is, from 0; the first writes the run.
        size: How many there are.
        device: What this one computes on; None leaves it where the detector is.
        mean: The mean of a tensor over all of them; each must call it.
        autocast: The context in which training steps compute.
        start: Starts the others and waits until all are there.
    """

    rank: int = 0
    size: int = 1
    device: torch.device | None = None
    mean: Callable[[Tensor], Tensor] = unchanged
    autocast: Callable[[], AbstractContextManager[Any]] = nullcontext
    start: Callable[[], object] = start_nothing

    @property
    def is_first(self) -> bool:
        """Whether this is the one that writes and tells."""
        return self.rank == 0


ALONE = Processes()


def plan_processes(config: RunConfig) -> Processes:
    """What a run's settings ask for, before any other process is started.

    In a process that was started for a training it says which one this is, so that all can run the same code.

    Raises:
        ValueError: If it asks for more than there is, or for a package that is not installed.
    """
    size = config.devices * config.num_nodes
    if size == 1 and config.precision == FULL_PRECISION:
        return ALONE
    device = resolve_device(config.device)
    if size > 1:
        check_processes(config, device, size=size)
    fabric = create_fabric(config, device, strategy="ddp" if size > 1 else "auto")
    return Processes(
        rank=fabric.global_rank,
        size=size,
        device=fabric.device if size > 1 else device,
        mean=partial(fabric.all_reduce, reduce_op="mean"),
        autocast=fabric.autocast,
        start=fabric.launch,
    )


def check_processes(config: RunConfig, device: torch.device, *, size: int) -> None:
    """Refuse settings that several processes cannot meet."""
    available = count_devices(device)
    if config.devices > available:
        raise ValueError(
            f"{config.devices} devices were asked for, and this machine has {available} of kind {device.type}; "
            "lower --devices"
        )
    if device.index is not None and config.device != "auto":
        raise ValueError(
            f"--device {config.device} is a single one and cannot stand with {size} processes; "
            f"name the kind alone: --device {device.type}"
        )
    if config.batch_size < SMALLEST_SHARE * size:
        raise ValueError(
            f"a batch of {config.batch_size} images is too small for {size} processes, which need {SMALLEST_SHARE} "
            f"each; use --batch-size {SMALLEST_SHARE * size} or more"
        )
    if config.num_nodes > 1 and not any(mark in os.environ for mark in CLUSTER_MARKS):
        raise ValueError(
            "several nodes need a place to meet; set MASTER_ADDR, MASTER_PORT and each node's NODE_RANK, or use Slurm"
        )


def count_devices(device: torch.device) -> int:
    """How many devices of a kind this machine has; processor cores for the CPU."""
    if device.type == "cpu":
        return os.cpu_count() or 1
    return int(torch.get_device_module(device).device_count())


def create_fabric(config: RunConfig, device: torch.device, *, strategy: str) -> Any:
    """Build Fabric for a run's settings.

    Raises:
        ValueError: If it is not installed.
    """
    try:
        from lightning_fabric import Fabric  # noqa: PLC0415 (an extra, and seconds of import)
    except ImportError:
        raise ValueError(
            f"--devices, --num-nodes and --precision need the package lightning-fabric; install it: {HOW_TO_INSTALL}"
        ) from None
    return Fabric(
        accelerator=device.type,
        devices=config.devices,
        num_nodes=config.num_nodes,
        strategy=strategy,
        precision=config.precision,
    )


def average_gradients(optimizers: Iterable[Optimizer], processes: Processes) -> None:
    """Have each optimizer step on the mean of all processes' gradients."""
    if processes.size == 1:
        return

    def average(optimizer: Optimizer, *_: object) -> None:
        parameters = (parameter for group in optimizer.param_groups for parameter in group["params"])
        average_in_place([parameter.grad for parameter in parameters if parameter.grad is not None], processes)

    for optimizer in optimizers:
        optimizer.register_step_pre_hook(average)


def average_buffers(detector: nn.Module, processes: Processes) -> None:
    """Set what training changes without gradients, such as BatchNorm's running statistics, to the processes' mean."""
    if processes.size == 1:
        return
    training = (module for module in detector.modules() if module.training)  # a teacher never is
    buffers = [buffer for module in training for buffer in module.buffers(recurse=False)]
    average_in_place([buffer for buffer in buffers if buffer.is_floating_point() and buffer.numel()], processes)


def average_in_place(tensors: list[Tensor], processes: Processes) -> None:
    """Replace tensors by their means over the processes, all in one exchange."""
    if not tensors:
        return
    means = processes.mean(torch.cat([tensor.flatten() for tensor in tensors]))
    for tensor, mean in zip(tensors, torch.split(means, [tensor.numel() for tensor in tensors]), strict=True):
        tensor.copy_(mean.view(tensor.shape))


def average_values(values: dict[str, float], processes: Processes) -> dict[str, float]:
    """The mean of each named number over the processes."""
    if processes.size == 1 or not values:
        return values
    means = processes.mean(torch.tensor(list(values.values()), dtype=torch.float64, device=processes.device))
    return dict(zip(values, means.tolist(), strict=True))
