from __future__ import annotations

import sys
import threading
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Optimizer

from gnl_core import distributed
from gnl_core.config import RunConfig, ScoringConfig
from gnl_core.datasets.base import Item
from gnl_core.datasets.loading import Batches
from gnl_core.detectors.base import Detector
from gnl_core.distributed import ALONE, Processes, average_buffers, average_gradients, plan_processes
from gnl_core.records import Batch, Detection, EpochRecord
from gnl_core.training import fit


class Meeting:
    """Threads in place of processes: each waits for the others' tensors and gets their mean."""

    def __init__(self, size: int) -> None:
        self.barrier = threading.Barrier(size, timeout=60)
        self.brought: list[Tensor | None] = [None] * size

    def process(self, rank: int) -> Processes:
        def mean(values: Tensor) -> Tensor:
            self.brought[rank] = values.clone()
            self.barrier.wait()
            result = torch.stack(self.brought).mean(dim=0)
            self.barrier.wait()
            return result

        return Processes(rank=rank, size=len(self.brought), mean=mean)


def together(size: int, work: Callable[[Processes], object]) -> list[object]:
    """The results of several processes."""
    meeting, results = Meeting(size), [None] * size

    def run(rank: int) -> None:
        results[rank] = work(meeting.process(rank))

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


class TwoLines(Detector):
    """A detector with two weights on an image's mean, each with its own optimizer, and no BatchNorm."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = (nn.Parameter(torch.tensor([value])) for value in (0.3, -0.2))

    def optimizers(self, learning_rate: float) -> list[Optimizer]:
        return [SGD([self.first], lr=learning_rate, momentum=0.9), SGD([self.second], lr=learning_rate)]

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        grey = batch.views["original"].mean(dim=(1, 2, 3))
        return {"first": (self.first * grey - 1).square().mean(), "second": (self.second * grey + 1).square().mean()}

    def forward(self, images: Tensor, scoring: ScoringConfig) -> Detection:
        return Detection(score=images.mean(dim=(1, 2, 3)), anomaly_map=None)


def train_lines(stripes: Callable[..., list[Item]], processes: Processes) -> tuple[TwoLines, list[EpochRecord]]:
    detector = TwoLines()
    batches = Batches(stripes(12, label=0), image_size=(8, 8), batch_size=4)
    return detector, list(fit(detector, batches, epochs=3, learning_rate=0.1, processes=processes))


@pytest.mark.parametrize("size", [2, 4])
def test_processes_learn_the_same_as_a_single_process_from_whole_batches(stripes: Callable[..., list[Item]], size: int):
    alone, records = train_lines(stripes, ALONE)
    for detector, its_records in together(size, lambda processes: train_lines(stripes, processes)):
        for name, value in alone.state_dict().items():
            torch.testing.assert_close(detector.state_dict()[name], value, rtol=1e-5, atol=1e-6)
        for ours, expected in zip(its_records, records, strict=True):
            assert ours.losses == pytest.approx(expected.losses, rel=1e-5)


def test_without_averaging_processes_learn_something_else(stripes: Callable[..., list[Item]]):
    alone, _ = train_lines(stripes, ALONE)
    detector, _ = train_lines(stripes, Processes(rank=1, size=2))
    assert (detector.first - alone.first).abs() > 1e-4


def test_an_optimizer_steps_on_the_mean_gradient():
    def step(processes: Processes) -> list[float]:
        weight, unused = nn.Parameter(torch.zeros(2)), nn.Parameter(torch.ones(1))
        optimizer = SGD([weight, unused], lr=1.0)
        average_gradients([optimizer], processes)
        weight.grad = torch.tensor([1.0, 4.0]) * (processes.rank + 1)
        optimizer.step()
        return weight.tolist()

    assert together(3, step) == [[-2.0, -8.0]] * 3


def test_running_statistics_become_their_mean_and_what_is_frozen_stays():
    def average(processes: Processes) -> tuple[float, float, int]:
        model = nn.ModuleList([nn.BatchNorm2d(1), nn.BatchNorm2d(1).eval()])
        for norm in model:
            norm.running_mean.fill_(processes.rank)
            norm.num_batches_tracked.fill_(5)
        average_buffers(model, processes)
        return model[0].running_mean.item(), model[1].running_mean.item(), int(model[0].num_batches_tracked)

    assert together(3, average) == [(1.0, rank, 5) for rank in range(3)]


def test_one_process_in_full_precision_needs_no_package(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "lightning_fabric", None)
    assert plan_processes(RunConfig()) is ALONE
    assert ALONE.is_first


@pytest.mark.parametrize("settings", [{"precision": "bf16-mixed"}, {"devices": 2}])
def test_a_missing_package_is_reported_with_how_to_install_it(
    settings: dict[str, object], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "lightning_fabric", None)
    monkeypatch.setattr(distributed, "count_devices", lambda device: 2)
    with pytest.raises(ValueError, match=r"need the package lightning-fabric; install it: pip install"):
        plan_processes(RunConfig(device="cpu", **settings))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"devices": 5}, r"--devices 5 is more than this machine has \(4 of type cpu\); lower --devices"),
        ({"devices": 2, "device": "cpu:0"}, "--device cpu:0 is a single device and cannot serve 2 processes"),
        ({"devices": 4, "batch_size": 7}, "a batch of 7 images is too small for 4 processes.*--batch-size 8 or more"),
        ({"num_nodes": 2}, "several nodes need an address to connect to; set MASTER_ADDR"),
    ],
)
def test_impossible_settings_are_refused_before_anything_starts(
    settings: dict[str, object], words: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(distributed, "count_devices", lambda device: 4)
    for mark in distributed.CLUSTER_VARIABLES:
        monkeypatch.delenv(mark, raising=False)
    with pytest.raises(ValueError, match=words):
        plan_processes(RunConfig(**({"device": "cpu"} | settings)))


@pytest.mark.parametrize(("node", "local", "rank"), [(0, 0, 0), (0, 1, 1), (1, 0, 2), (1, 1, 3)])
def test_a_process_learns_its_rank_from_what_started_it(
    node: int, local: int, rank: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(distributed, "count_devices", lambda device: 2)
    for name, value in {"MASTER_ADDR": "127.0.0.1", "NODE_RANK": node, "LOCAL_RANK": local}.items():
        monkeypatch.setenv(name, str(value))
    processes = plan_processes(RunConfig(device="cpu", devices=2, num_nodes=2))
    assert (processes.rank, processes.size, processes.is_first) == (rank, 4, rank == 0)


def test_half_precision_computes_products_in_16_bits():
    with plan_processes(RunConfig(device="cpu", precision="bf16-mixed")).autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16
