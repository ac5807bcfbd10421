"""Random checkpoints of the published RD4AD code's form, and that code's forward pass.

The tensors have the names and shapes of published ones; the pass is made of plain PyTorch calls on them, written
from the architecture's description.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import scipy.ndimage
import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor

from gnl_core.config import RunConfig
from gnl_core.runs.imports import PUBLISHED

State = dict[str, Tensor]
SIDE = 64
IMAGENET_MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
IMAGENET_STD = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)


class Plan(NamedTuple):
    """The differences between the published networks of the three teachers."""

    expansion: int  # output channels of a block for each plane
    width: int  # inner channels of a bottleneck block for each 64 planes
    embedding_blocks: int
    decoder_blocks: tuple[int, int, int]


PLANS = {
    "resnet18": Plan(1, 64, 2, (2, 2, 2)),
    "resnet50": Plan(4, 64, 3, (3, 4, 6)),
    "wide_resnet50_2": Plan(4, 128, 3, (3, 4, 6)),
}


def random_convolution(*shape: int) -> Tensor:
    fan_in = shape[1] * shape[2] * shape[3]
    return torch.empty(shape).normal_() * (2 / fan_in) ** 0.5


def random_norm(name: str, channels: int) -> State:
    return {
        f"{name}.weight": torch.rand(channels) + 0.5,
        f"{name}.bias": torch.randn(channels) / 10,
        f"{name}.running_mean": torch.randn(channels) / 10,
        f"{name}.running_var": torch.rand(channels) + 0.5,
        f"{name}.num_batches_tracked": torch.tensor(7),
    }


def random_block(name: str, plan: Plan, channels: int, planes: int, change: str | None) -> State:
    """A residual block; `change` names the shortcut of one that halves or doubles the map."""
    out, state = planes * plan.expansion, {}
    doubled = change == "upsample"
    if plan.expansion == 1:
        first = (channels, planes, 2, 2) if doubled else (planes, channels, 3, 3)
        convolutions = [first, (planes, planes, 3, 3)]
        norms = [planes, planes]
    else:
        inner = planes * plan.width // 64
        side = 2 if doubled else 3
        convolutions = [(inner, channels, 1, 1), (inner, inner, side, side), (out, inner, 1, 1)]
        norms = [inner, inner, out]
    for number, (shape, size) in enumerate(zip(convolutions, norms, strict=True), start=1):
        state[f"{name}.conv{number}.weight"] = random_convolution(*shape)
        state |= random_norm(f"{name}.bn{number}", size)
    if change is not None:
        shape = (channels, out, 2, 2) if doubled else (out, channels, 1, 1)
        state[f"{name}.{change}.0.weight"] = random_convolution(*shape)
        state |= random_norm(f"{name}.{change}.1", out)
    return state


def random_bn(plan: Plan) -> State:
    e = plan.expansion
    shapes = {
        "1": (128 * e, 64 * e, 3, 3),
        "2": (256 * e, 128 * e, 3, 3),
        "3": (256 * e, 128 * e, 3, 3),
        "4": (512 * e, 1024 * e, 1, 1),
    }
    state = {}
    for number, shape in shapes.items():
        state[f"conv{number}.weight"] = random_convolution(*shape)
        state |= random_norm(f"bn{number}", shape[0])
    state |= random_block("bn_layer.0", plan, 768 * e, 512, "downsample")
    for index in range(1, plan.embedding_blocks):
        state |= random_block(f"bn_layer.{index}", plan, 512 * e, 512, None)
    return state


def random_decoder(plan: Plan) -> State:
    state, channels = {}, 512 * plan.expansion
    for layer, (planes, blocks) in enumerate(zip((256, 128, 64), plan.decoder_blocks, strict=True), start=1):
        for index in range(blocks):
            change = "upsample" if index == 0 else None
            state |= random_block(f"layer{layer}.{index}", plan, channels, planes, change)
            channels = planes * plan.expansion
    return state


def norm(state: State, name: str, x: Tensor) -> Tensor:
    weight, bias, mean, var = (state[f"{name}.{p}"] for p in ("weight", "bias", "running_mean", "running_var"))
    return F.batch_norm(x, mean, var, weight, bias, training=False, eps=1e-5)


def convolve(state: State, name: str, x: Tensor, stride: int = 1) -> Tensor:
    weight = state[f"{name}.weight"]
    return F.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2)


def enlarge(state: State, name: str, x: Tensor) -> Tensor:
    return F.conv_transpose2d(x, state[f"{name}.weight"], stride=2)


def run_block(state: State, name: str, x: Tensor) -> Tensor:
    """A residual block; where its map changes size, so does its shortcut."""
    halves, doubles = f"{name}.downsample.0.weight" in state, f"{name}.upsample.0.weight" in state
    is_bottleneck = f"{name}.conv3.weight" in state
    resized = "conv2" if is_bottleneck else "conv1"
    out = x
    for number in (1, 2, 3) if is_bottleneck else (1, 2):
        layer = f"{name}.conv{number}"
        if doubles and layer.endswith(resized):
            out = enlarge(state, layer, out)
        else:
            out = convolve(state, layer, out, stride=2 if halves and layer.endswith(resized) else 1)
        out = norm(state, f"{name}.bn{number}", out)
        if number < (3 if is_bottleneck else 2):
            out = out.relu()
    if doubles:
        x = norm(state, f"{name}.upsample.1", enlarge(state, f"{name}.upsample.0", x))
    if halves:
        x = norm(state, f"{name}.downsample.1", convolve(state, f"{name}.downsample.0", x, stride=2))
    return (out + x).relu()


def run_blocks(state: State, name: str, x: Tensor) -> Tensor:
    index = 0
    while f"{name}.{index}.conv1.weight" in state:
        x = run_block(state, f"{name}.{index}", x)
        index += 1
    return x


def run_bn(state: State, maps: list[Tensor]) -> Tensor:
    low = norm(state, "bn1", convolve(state, "conv1", maps[0], stride=2)).relu()
    low = norm(state, "bn2", convolve(state, "conv2", low, stride=2)).relu()
    middle = norm(state, "bn3", convolve(state, "conv3", maps[1], stride=2)).relu()
    return run_blocks(state, "bn_layer", torch.cat([low, middle, maps[2]], dim=1))


def run_decoder(state: State, embedding: Tensor) -> list[Tensor]:
    high = run_blocks(state, "layer1", embedding)
    middle = run_blocks(state, "layer2", high)
    return [run_blocks(state, "layer3", middle), middle, high]


def match_by_rank(features: Tensor, reference: Tensor, strength: float) -> Tensor:
    """Each value moves toward the reference's value of the same rank in its channel."""
    matched = features.numpy().copy()
    for image in matched:
        for channel, other in zip(image, reference[0].numpy(), strict=True):
            ranks = channel.ravel().argsort(kind="stable").argsort()
            channel[...] = (1 - strength) * channel + strength * np.sort(other.ravel())[ranks].reshape(channel.shape)
    return torch.from_numpy(matched)


def run_teacher(model: torch.nn.Module, images: Tensor, references: list[Tensor], strength: float) -> list[Tensor]:
    x = (images - IMAGENET_MEAN) / IMAGENET_STD
    x = model.maxpool(model.bn1(model.conv1(x)).relu())
    maps = []
    for index, layer in enumerate((model.layer1, model.layer2, model.layer3)):
        x = layer(x)
        if references and index < 2:
            x = match_by_rank(x, references[index], strength)
        maps.append(x)
    return maps


class Published(NamedTuple):
    """A teacher and a checkpoint on disk, and their contents."""

    teacher: str
    model: torch.nn.Module
    checkpoint: dict[str, State]
    folder: Path

    def config(self, **settings: object) -> RunConfig:
        own = {"teacher": self.teacher, "teacher_weights": self.folder / "teacher.pth", "image_size": SIDE}
        return RunConfig(**(dict(PUBLISHED) | {"device": "cpu"} | own | settings))

    def scores(self, images: Tensor, *, reference: Tensor, strength: float, sigma: float) -> list[float]:
        """Scores of images (B, 3, H, W), their features matched to one training image's."""
        references = run_teacher(self.model, reference[None], [], 0) if strength else []
        maps = run_teacher(self.model, images, references, strength)
        rebuilt = run_decoder(self.checkpoint["decoder"], run_bn(self.checkpoint["bn"], maps))
        summed = torch.zeros(len(images), 1, SIDE, SIDE)
        for ours, theirs in zip(maps, rebuilt, strict=True):
            distance = 1 - F.cosine_similarity(ours, theirs, dim=1)[:, None]
            summed += F.interpolate(distance, size=(SIDE, SIDE), mode="bilinear", align_corners=True)
        if sigma:
            summed = torch.from_numpy(scipy.ndimage.gaussian_filter(summed.numpy(), sigma=(0, 0, sigma, sigma)))
        return summed.amax(dim=(1, 2, 3)).tolist()


@pytest.fixture(scope="session")
def publish() -> Callable[[str, Path], Published]:
    """Save a random teacher and a random checkpoint in a folder, as teacher.pth and published.pth."""

    def make(teacher: str, folder: Path) -> Published:
        torch.manual_seed(1)
        model = getattr(torchvision.models, teacher)(weights=None).eval().requires_grad_(False)
        torch.save(model.state_dict(), folder / "teacher.pth")
        checkpoint = {"bn": random_bn(PLANS[teacher]), "decoder": random_decoder(PLANS[teacher])}
        torch.save(checkpoint, folder / "published.pth")
        return Published(teacher, model, checkpoint, folder)

    return make
