"""Fixtures of many tests: one processor thread, tiny settings, two teachers, one trained run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from gnl_core.config import RunConfig
from gnl_core.datasets.base import Item
from gnl_core.detectors import complete_config
from gnl_core.models.teachers import Teacher, create_teacher
from gnl_core.runs.folder import RunFolder, create_run
from gnl_core.runs.training import train_run

torch.set_num_threads(1)  # maps of a few pixels: threads spend their time waiting for each other


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that `make torture` gives."""
    parser.addoption("--torture", action="store_true", help="make all tries of tests/torture, not a short form of them")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that have slow tests, so that at the end no process works on one while the others wait."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(autouse=True)
def seeded() -> None:
    """The same random numbers in any order of the tests."""
    torch.manual_seed(0)


PERIOD = 10_007  # a prime, so that no two rows of a matrix are equal


def repeat_noise(noise: Tensor, shape: torch.Size) -> Tensor:
    """A tensor of repeated noise that begins at a random position, so that tensors of the same shape differ."""
    start = int(torch.randint(len(noise), (), device="cpu"))  # also where tensors are outlined on meta
    return noise.roll(-start).repeat(-(-shape.numel() // len(noise)))[: shape.numel()].view(shape)


@contextmanager
def repeated_draws() -> Iterator[None]:
    uniform_noise, normal_noise = torch.rand(PERIOD), torch.randn(PERIOD)

    def uniform(tensor: Tensor, low: float = 0.0, high: float = 1.0, *, generator: Any = None) -> Tensor:
        return tensor.copy_(repeat_noise(low + (high - low) * uniform_noise, tensor.shape))

    def normal(tensor: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Any = None) -> Tensor:
        return tensor.copy_(repeat_noise(mean + std * normal_noise, tensor.shape))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Tensor, "uniform_", uniform)
        patch.setattr(Tensor, "normal_", normal)
        yield


@pytest.fixture(scope="session")
def quick_weights() -> Callable[[], AbstractContextManager[None]]:
    """A context in which large networks are built at once: their initial weights repeat a short period of noise."""
    return repeated_draws


@pytest.fixture(scope="session")
def tiny_config() -> Callable[..., RunConfig]:
    """Settings of a run that takes a second; any of them can be given."""

    def make(**settings: object) -> RunConfig:
        tiny = {
            "image_size": 32,
            "epochs": 1,
            "limit": 20,
            "batch_size": 8,
            "stored_references": 3,
            "reference_count": 2,
            "device": "cpu",
        }
        return RunConfig(**(tiny | settings))

    return make


@pytest.fixture(scope="session")
def teacher() -> Teacher:
    """The bundled teacher; tests leave it as it is."""
    return create_teacher("efficientnet_lite0")


@pytest.fixture(scope="session")
def small_teacher(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Settings of a teacher of few layers, whose graph is exported in half the time of the bundled teacher's."""
    file = tmp_path_factory.mktemp("teachers") / "test_resnet.pth"
    torch.save(timm.create_model("test_resnet").state_dict(), file)
    return {"teacher": "test_resnet", "teacher_weights": file}


@pytest.fixture(scope="session")
def trained_run(tmp_path_factory: pytest.TempPathFactory, tiny_config: Callable[..., RunConfig]) -> RunFolder:
    """A run of GNL, one epoch over 20 images; tests leave it as it is."""
    config = complete_config(tiny_config())
    folder = create_run(tmp_path_factory.mktemp("runs") / "tiny", config)
    list(train_run(config, folder))
    return folder


@pytest.fixture(scope="session")
def poison() -> Callable[..., None]:
    """A function that puts a number that is not finite into a checkpoint, as older versions could."""

    def put(weights: Path, value: float = float("nan")) -> None:
        with safe_open(weights, framework="pt") as file:
            metadata, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        tensors[next(name for name, kept in tensors.items() if kept.is_floating_point())].view(-1)[0] = value
        save_file(tensors, weights, metadata=metadata)

    return put


@pytest.fixture(scope="session")
def stripes() -> Callable[..., list[Item]]:
    """A toy data set: normal images have horizontal stripes, anomalous ones vertical stripes; both are noisy.

    Stripes begin at one of several phases, at random; with one phase normal images differ in their noise alone.
    """

    def make(count: int, *, label: int, size: tuple[int, int] = (32, 32), phases: int = 8) -> list[Item]:
        return [
            Item(
                path=f"stripes/{label}/{index}",
                read=lambda index=index: stripe_image(
                    size, vertical=bool(label), seed=1000 * label + index, phases=phases
                ),
                label=label,
                domain="stripes",
                category="vertical" if label else "horizontal",
            )
            for index in range(count)
        ]

    return make


def stripe_image(size: tuple[int, int], *, vertical: bool, seed: int, phases: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    position = np.indices(size)[int(vertical)] + generator.integers(phases)
    grey = 160 * (position // 4 % 2) + generator.integers(60, size=size)
    return np.repeat(grey[..., None], 3, axis=2).astype(np.uint8)
