"""Train one detector in several processes or at reduced precision, with Lightning Fabric.

Each process has a copy of the detector and reads its share of every batch. Gradients are averaged before each
optimizer's step, so every method's own training step works unchanged, with any number of optimizers.
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
SMALLEST_SHARE = 2  # images per process, since BatchNorm cannot learn from one
HOW_TO_INSTALL = 'pip install -e ".[cluster]"'
LOST_CONNECTION = (
    "the connection to another process of this training was lost; that process says why it ended, and "
    "gnl train --resume continues from the last epoch"
)
CONNECTION_ERRORS = ("Connection closed by peer", "Connection reset by peer", "Broken pipe", "Timed out waiting")
CLUSTER_VARIABLES = ("MASTER_ADDR", "SLURM_JOB_ID")  # from these, nodes know where to connect


def unchanged(values: Tensor) -> Tensor:
    """Return the mean over one process: the values themselves."""
    return values


def nothing() -> None:
    """Do nothing: a single process has no others to start or to part from."""


@dataclass(frozen=True)
class Processes:
    """The processes of a training, from the point of view of this process; by default, there is only one.

    Attributes:
        rank: Index of this process, from 0; the first writes the run.
        size: Number of processes.
        device: Device of this process; None for the detector's own.
        mean: Averages a tensor over all processes; every process must call it.
        autocast: The context in which training steps compute.
        start: Starts the other processes and waits until all are running.
        end: Ends the connection to the other processes; every process must call it before Python ends.
    """

    rank: int = 0
    size: int = 1
    device: torch.device | None = None
    mean: Callable[[Tensor], Tensor] = unchanged
    autocast: Callable[[], AbstractContextManager[Any]] = nullcontext
    start: Callable[[], object] = nothing
    end: Callable[[], object] = nothing

    @property
    def is_first(self) -> bool:
        """Whether this process writes files and reports progress."""
        return self.rank == 0


ALONE = Processes()


def plan_processes(config: RunConfig) -> Processes:
    """Plan the processes that a run's settings require, before starting any.

    In a process that was started for a training, the result contains its own rank, so that all run the same code.

    Raises:
        ValueError: If the settings require more devices than there are, or a package that is not installed.
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
        end=end_connection,
    )


def end_connection() -> None:
    """End the threads of PyTorch's process group, if there is one.

    One that still holds a tensor while Python is being shut down aborts the process (pytorch/pytorch#179291).
    """
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def check_processes(config: RunConfig, device: torch.device, *, size: int) -> None:
    """Check that several processes can train with these settings.

    Raises:
        ValueError: If they cannot; the message says what to change.
    """
    available = count_devices(device)
    if config.devices > available:
        raise ValueError(
            f"--devices {config.devices} is more than this machine has ({available} of type {device.type}); "
            "lower --devices"
        )
    if device.index is not None and config.device != "auto":
        raise ValueError(
            f"--device {config.device} is a single device and cannot serve {size} processes; "
            f"pass only the type: --device {device.type}"
        )
    if config.batch_size < SMALLEST_SHARE * size:
        raise ValueError(
            f"a batch of {config.batch_size} images is too small for {size} processes, which need {SMALLEST_SHARE} "
            f"each; use --batch-size {SMALLEST_SHARE * size} or more"
        )
    if config.num_nodes > 1 and not any(name in os.environ for name in CLUSTER_VARIABLES):
        raise ValueError(
            "several nodes need an address to connect to; "
            "set MASTER_ADDR, MASTER_PORT and each node's NODE_RANK, or use Slurm"
        )


def count_devices(device: torch.device) -> int:
    """Count this machine's devices of a type; for the CPU, its processor cores."""
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


def has_lost_connection(error: RuntimeError) -> bool:
    """Return whether PyTorch reports that another process of the training has ended or does not answer."""
    return any(reason in str(error) for reason in CONNECTION_ERRORS)


def average_gradients(optimizers: Iterable[Optimizer], processes: Processes) -> None:
    """Make each optimizer step with the mean of all processes' gradients."""
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
    training = (module for module in detector.modules() if module.training)  # a teacher is always in eval mode
    buffers = [buffer for module in training for buffer in module.buffers(recurse=False)]
    average_in_place([buffer for buffer in buffers if buffer.is_floating_point() and buffer.numel()], processes)


def average_in_place(tensors: list[Tensor], processes: Processes) -> None:
    """Replace tensors by their means over the processes, in a single exchange."""
    if not tensors:
        return
    means = processes.mean(torch.cat([tensor.flatten() for tensor in tensors]))
    for tensor, mean in zip(tensors, torch.split(means, [tensor.numel() for tensor in tensors]), strict=True):
        tensor.copy_(mean.view(tensor.shape))


def average_values(values: dict[str, float], processes: Processes) -> dict[str, float]:
    """Average each named value over the processes."""
    if processes.size == 1 or not values:
        return values
    means = processes.mean(torch.tensor(list(values.values()), dtype=torch.float64, device=processes.device))
    return dict(zip(values, means.tolist(), strict=True))
