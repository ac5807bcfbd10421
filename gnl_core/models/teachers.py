"""Frozen ImageNet backbones, cut into the three stages that reverse distillation reads."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, Self

import torch
from torch import Tensor, nn

from gnl_core.cells import CellGrid
from gnl_core.models.backbones import (
    LITE0,
    check_image_size,
    create_backbone,
    has_local_weights,
    load_backbone,
    normalisation,
    read_published_weights,
    readable_image,
)
from gnl_core.models.blocks import lay_channels_last, multiply_on_small_maps
from gnl_core.models.cutting import Backbone, is_outline
from gnl_core.models.padding import SamePadding, find_same_paddings
from gnl_core.models.stages import StageOutput, run_stage
from gnl_core.models.teacher_weights import read_weight_file

Mix = Callable[[int, Tensor], Tensor]
QueryGroup = tuple[int, ...]  # positions of the scorings that have had the same maps up to here
GroupSplitter = Callable[[int, Tensor, QueryGroup], Iterator[tuple[QueryGroup, Tensor]]]


class StageComputer(Protocol):
    """What computes a teacher's stages in place of PyTorch; see `gnl_core.engines`."""

    def compute(self, index: int, features: Tensor) -> Tensor | None:
        """Compute a stage's map, or None where only PyTorch can."""


class TeacherSpec(NamedTuple):
    """How to build a teacher and the student that mirrors it.

    Attributes:
        timm_name: timm's name of the architecture and its weights.
        block: Residual block of bottleneck and student: "basic" or "bottleneck".
        block_width: Inner channels of a bottleneck block for each 64 planes.
        embedding_blocks: Residual blocks of the embedding.
        student_blocks: Residual blocks of the student's layers, from abstract to low-level.
        rectified: Whether the teacher's stages end in a ReLU. Where they do not, each student map
            ends in a 1x1 convolution, since a rectified map can never match negative values.
    """

    timm_name: str
    block: str = "basic"
    block_width: int = 64
    embedding_blocks: int = 1
    student_blocks: tuple[int, int, int] = (1, 1, 1)
    rectified: bool = False


RESNET50 = TeacherSpec(
    "resnet50.tv_in1k", block="bottleneck", embedding_blocks=3, student_blocks=(3, 4, 6), rectified=True
)
TEACHERS = {
    "efficientnet_lite0": TeacherSpec(LITE0),
    "resnet18": TeacherSpec("resnet18.tv_in1k", embedding_blocks=2, student_blocks=(2, 2, 2), rectified=True),
    "resnet50": RESNET50,
    "wide_resnet50_2": RESNET50._replace(timm_name="wide_resnet50_2.tv_in1k", block_width=128),
}


class Teacher(nn.Module):
    """A frozen backbone: always in eval mode, never with gradients.

    Attributes:
        spec: The specification from which it was built.
        channels: Channels of the three stage maps.
        reductions: Pixels of the image per position of the three stage maps, along each side.
        is_cut: Whether each stage reads the map of the previous one; otherwise, no map can be changed in between.
        paddings: Layers before each stage map whose padding depends on the image's size.
        fingerprint: SHA-256 of its weights, in hexadecimal; empty for an outline.
        graphs: What computes its stages in place of PyTorch; None for PyTorch.
    """

    mean: Tensor
    std: Tensor
    graphs: StageComputer | None = None

    def __init__(self, spec: TeacherSpec, backbone: Backbone, *, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.spec = spec
        self.channels = backbone.channels
        self.reductions = backbone.reductions
        self.is_cut = backbone.is_cut
        self.stages = backbone.stages
        lay_channels_last(self.stages)
        multiply_on_small_maps(self.stages)
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1), persistent=False)
        self.requires_grad_(False).eval()
        self.paddings = () if is_outline(self.stages) else find_paddings(backbone)
        self.fingerprint = "" if is_outline(self.stages) else hash_weights(self.stages)

    def train(self, mode: bool = True) -> Self:
        """Stay in eval mode for any `mode`."""
        return super().train(False)

    def forward(self, images: Tensor, mix: Mix | None = None) -> tuple[Tensor, ...]:
        """Encode images stage by stage.

        Args:
            images: RGB in [0, 1], shape (B, 3, H, W).
            mix: Changes a stage's map before the next stage reads it; called with the stage's index
                (0, 1 or 2) and its map. Feature distribution matching is an example.

        Returns:
            The three stage maps E_1..E_3, shapes (B, C_k, H_k, W_k).
        """
        output = StageOutput(self.normalise(images))
        maps = []
        for index in range(len(self.stages)):
            output = self.apply_stage(index, output)
            if mix is not None:
                output = output._replace(features=mix(index, output.features))
            maps.append(output.features)
        return tuple(maps)

    def cell_grids(self, size: tuple[int, int]) -> tuple[CellGrid, ...]:
        """Return the positions of the three stage maps' cells on images of a size.

        Where a side is a multiple of a stage's reduction, the cells cover it exactly. At other sides they stay
        squares of the reduction, and SAME padding moves them up and to the left by its excess there.

        Args:
            size: Height and width of the images in pixels.
        """
        grids = []
        for side, layers in zip(self.reductions, self.paddings, strict=True):
            above, left = (sum(layer.excess_px(px) for layer in layers) for px in size)
            grids.append(CellGrid(side, above=above, left=left))
        return tuple(grids)

    def normalise(self, images: Tensor) -> Tensor:
        """Normalise images as in the backbone's own training."""
        return ((images - self.mean) / self.std).contiguous(memory_format=torch.channels_last)

    def apply_stage(self, index: int, before: StageOutput) -> StageOutput:
        """Apply a stage to the previous stage's output, in 32 bits even under autocast.

        A teacher in bfloat16 would change scores ten times as much as bottleneck and student do.
        """
        computed = None if self.graphs is None else self.graphs.compute(index, before.features)
        if computed is not None:
            return StageOutput(computed)
        device = before.features.device.type
        if not torch.amp.is_autocast_available(device) or not torch.is_autocast_enabled(device):
            return run_stage(self.stages[index], before)
        with torch.autocast(device, enabled=False):
            return run_stage(self.stages[index], before)

    def encode_each(
        self, images: Tensor, group: QueryGroup, split_groups: GroupSplitter
    ) -> Iterator[tuple[QueryGroup, tuple[Tensor, ...]]]:
        """Encode images for several scorings; work that scorings share is done once.

        Args:
            images: RGB in [0, 1], shape (B, 3, H, W).
            group: Positions of all scorings.
            split_groups: Called with a stage's index, its map and the group of scorings that share this map;
                yields smaller groups, each with the map that the next stage reads.

        Yields:
            Groups with their three stage maps; each scoring is in exactly one group, in no particular order.
        """
        return self.encode_rest(StageOutput(self.normalise(images)), group, split_groups, ())

    def encode_rest(
        self, before: StageOutput, group: QueryGroup, split_groups: GroupSplitter, maps: tuple[Tensor, ...]
    ) -> Iterator[tuple[QueryGroup, tuple[Tensor, ...]]]:
        """Apply the remaining stages depth first, so that only the maps of one path are in memory."""
        index = len(maps)
        if index == len(self.stages):
            yield group, maps
            return
        output = self.apply_stage(index, before)
        for part, mixed in split_groups(index, output.features, group):
            yield from self.encode_rest(output._replace(features=mixed), part, split_groups, (*maps, mixed))


def find_paddings(backbone: Backbone) -> tuple[tuple[SamePadding, ...], ...]:
    """Find the layers before each stage map whose padding depends on the image's size."""
    until = find_same_paddings(backbone.stages, readable_image(backbone))
    if backbone.is_cut:
        return until
    reached = zip(until, backbone.reductions, strict=True)  # the first stage has applied the layers of all stages
    return tuple(
        tuple(layer for layer in layers if layer.reduction * layer.stride <= reduction) for layers, reduction in reached
    )


def create_teacher(
    name: str, *, weights: Path | None = None, sha256: str | None = None, image_size: tuple[int, int] | None = None
) -> Teacher:
    """Build a teacher with its pretrained weights.

    Within `with torch.device("meta")`, it is an outline: it has shapes, but no values, so nothing large is built, and
    no weights are read or downloaded.

    Args:
        name: A key of TEACHERS, or a timm backbone of a family that docs/teachers.md lists.
        weights: Local weight file (.pth or .safetensors) instead of the bundled or downloaded weights.
        sha256: Expected SHA-256 of that file, or its first digits.
        image_size: Height and width of the images to encode, checked before the weights are read; None skips the check.

    Raises:
        ValueError: If the name is unknown, the backbone cannot be a teacher or cannot read images of this size, or the
            weights are unavailable or do not fit; the message says what to do.
    """
    spec = TEACHERS.get(name) or TeacherSpec(name)
    try:
        backbone = create_backbone(spec.timm_name)
    except ValueError as error:
        raise ValueError(
            f"{error}; choose one of {', '.join(TEACHERS)}, or a timm backbone that docs/teachers.md lists"
        ) from None
    if is_outline(backbone.classifier):
        return Teacher(spec, backbone, mean=(0.0,) * 3, std=(1.0,) * 3)
    if image_size is not None:
        check_image_size(backbone, image_size, name=name)
    state = read_weight_file(weights, sha256) if weights else read_published_weights(spec.timm_name)
    load_backbone(backbone, state, source=str(weights or spec.timm_name))
    mean, std = normalisation(backbone)
    return Teacher(spec, backbone, mean=mean, std=std)


def may_load(name: str) -> bool:
    """Return whether a file may ask for a teacher's weights: of TEACHERS, or on this machine already.

    Raises:
        ValueError: If there is no such teacher.
    """
    return name in TEACHERS or has_local_weights(name)


def check_is_cut(teacher: Teacher, *, purpose: str, remedy: str) -> None:
    """Check that a teacher's maps can be changed between its stages.

    Args:
        teacher: The teacher.
        purpose: What cannot be done otherwise.
        remedy: How to do without.

    Raises:
        ValueError: If they cannot.
    """
    if not teacher.is_cut:
        raise ValueError(
            f"the teacher {teacher.spec.timm_name} computes its three maps at once, so {purpose}; {remedy}, "
            "or choose a teacher that docs/teachers.md lists as cut into stages"
        )


def hash_weights(module: nn.Module) -> str:
    """Hash names, shapes, types and values of a module's tensors: SHA-256, in hexadecimal."""
    digest = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
