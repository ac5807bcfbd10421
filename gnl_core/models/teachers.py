"""Frozen ImageNet backbones, cut into the three stages that reverse distillation reads."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import timm
import torch
from torch import Tensor, nn

from gnl_core.models.blocks import multiply_on_small_maps
from gnl_core.models.teacher_weights import (
    BUNDLED_SHA256,
    bundled_lite0_file,
    download_weights,
    read_weight_file,
)

STAGES = (1, 2, 3)  # timm counts the stem's output as stage 0
Mix = Callable[[int, Tensor], Tensor]
Ways = tuple[int, ...]  # numbers of ways to mix, all of which have come to the same maps so far
Branch = Callable[[int, Tensor, Ways], Iterator[tuple[Ways, Tensor]]]


class TeacherSpec(NamedTuple):
    """How a teacher is built, and what student mirrors it.

    Attributes:
        timm_name: Architecture and weights, as timm names them.
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


LITE0 = "tf_efficientnet_lite0.in1k"
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
        spec: What it was built from.
        channels: Channels of the three stage maps.
        reductions: Pixels of the image for each position of the three stage maps.
        fingerprint: SHA-256 of its weights, in hexadecimal.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, spec: TeacherSpec, backbone: nn.Module, *, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.spec = spec
        info: Any = backbone.feature_info
        self.channels: tuple[int, ...] = tuple(info.channels())
        self.reductions: tuple[int, ...] = tuple(info.reduction())
        self.stages = split_stages(backbone).to(memory_format=torch.channels_last)  # faster, same values
        multiply_on_small_maps(self.stages)
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1), persistent=False)
        self.requires_grad_(False).eval()
        self.fingerprint = hash_weights(self.stages)

    def train(self, mode: bool = True) -> Self:
        """Stay in eval mode, whatever is asked."""
        return super().train(False)

    def forward(self, images: Tensor, mix: Mix | None = None) -> tuple[Tensor, ...]:
        """Encode images stage by stage.

        Args:
            images: RGB in [0, 1], shape (B, 3, H, W).
            mix: Changes a stage's map before the next stage reads it, called with the stage's index
                0, 1, 2 and its map. Feature distribution matching is one.

        Returns:
            The three stage maps E_1..E_3, shapes (B, C_k, H_k, W_k).
        """
        features = self.normalise(images)
        maps = []
        for index in range(len(self.stages)):
            features = self.apply_stage(index, features)
            if mix is not None:
                features = mix(index, features)
            maps.append(features)
        return tuple(maps)

    def normalise(self, images: Tensor) -> Tensor:
        """Images as the backbone was trained on them."""
        return ((images - self.mean) / self.std).contiguous(memory_format=torch.channels_last)

    def apply_stage(self, index: int, features: Tensor) -> Tensor:
        """A stage's map of what the stage before gave, in 32 bits even where autocast surrounds it.

        In bfloat16 the teacher would move scores ten times as far as bottleneck and student do.
        """
        device = features.device.type
        if not torch.is_autocast_enabled(device):
            return self.stages[index](features)
        with torch.autocast(device, enabled=False):
            return self.stages[index](features)

    def encode_each(self, images: Tensor, ways: Ways, branch: Branch) -> Iterator[tuple[Ways, tuple[Tensor, ...]]]:
        """Encode images under several ways to mix; what these have in common is computed once.

        Args:
            images: RGB in [0, 1], shape (B, 3, H, W).
            ways: The number of each way.
            branch: Called with a stage's index, its map and the ways that led there; yields the ways that
                go on alike, with the map that the next stage reads.

        Yields:
            Ways with the three stage maps that they come to, each way once, not in order.
        """
        return self.follow(self.normalise(images), ways, branch, ())

    def follow(
        self, features: Tensor, ways: Ways, branch: Branch, maps: tuple[Tensor, ...]
    ) -> Iterator[tuple[Ways, tuple[Tensor, ...]]]:
        """Go through the remaining stages depth first, so that no more maps are held than one way needs."""
        index = len(maps)
        if index == len(self.stages):
            yield ways, maps
            return
        for alike, mixed in branch(index, self.apply_stage(index, features), ways):
            yield from self.follow(mixed, alike, branch, (*maps, mixed))


def create_teacher(name: str, *, weights: Path | None = None, sha256: str | None = None) -> Teacher:
    """Build a teacher with its pretrained weights.

    Args:
        name: A key of TEACHERS, or any timm backbone whose stages follow one another.
        weights: Local weight file (.pth or .safetensors) instead of the bundled or downloaded weights.
        sha256: Expected SHA-256 of that file, or its first digits.

    Raises:
        ValueError: If the name is unknown, or the weights cannot be had or do not fit; says what to do.
    """
    spec = TEACHERS.get(name) or TeacherSpec(name)
    backbone = create_backbone(spec.timm_name)
    state = read_weight_file(weights, sha256) if weights else read_published_weights(spec.timm_name)
    load_backbone(backbone, state, source=str(weights or spec.timm_name))
    normalisation = timm.data.resolve_model_data_config(backbone)
    return Teacher(spec, backbone, mean=normalisation["mean"], std=normalisation["std"])


def create_backbone(timm_name: str) -> nn.Module:
    """Build timm's feature extractor for the three stages, with random weights."""
    try:
        return timm.create_model(timm_name, features_only=True, out_indices=STAGES)
    except (RuntimeError, AttributeError, AssertionError, IndexError) as error:
        raise ValueError(
            f"unknown teacher {timm_name!r} ({error}); choose one of {', '.join(TEACHERS)}, "
            "or a convolutional backbone of timm"
        ) from None


def read_published_weights(timm_name: str) -> dict[str, Tensor]:
    """Read the weights that belong to a timm name: bundled if we have them, else downloaded once and kept.

    Raises:
        ValueError: If there are none, or the download fails; says what to do.
    """
    bundled = bundled_lite0_file()
    if timm_name == LITE0 and bundled is not None:
        return name_bundled_tensors(read_weight_file(bundled, BUNDLED_SHA256))
    source = timm.get_pretrained_cfg(timm_name)
    if source is None or not isinstance(source.url, str) or not source.url:
        raise ValueError(
            f"no address is known for the weights of {timm_name!r}; pass a file with --teacher-weights FILE"
        )
    return download_weights(source.url)


def name_bundled_tensors(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Give the package's tensors timm's names: their own names differ, order and shapes are the same."""
    names = timm.create_model(LITE0).state_dict()
    return dict(zip(names, state.values(), strict=True))


def load_backbone(backbone: nn.Module, state: dict[str, Tensor], *, source: str) -> None:
    """Load a whole classifier's state dict into its feature extractor; what lies behind stage 3 is left over."""
    try:
        missing = backbone.load_state_dict(state, strict=False).missing_keys
    except RuntimeError as error:
        raise ValueError(
            f"the weights of {source} do not fit the teacher: {str(error).splitlines()[-1].strip()}"
        ) from None
    if missing:
        raise ValueError(
            f"the weights of {source} lack {len(missing)} of the teacher's tensors, such as {missing[0]!r}"
        )


def split_stages(backbone: nn.Module) -> nn.ModuleList:
    """Cut a backbone behind each of its three feature modules; layers behind the last one are left out.

    Raises:
        ValueError: If the backbone is not a chain of modules, so that the cut gives other features.
    """
    info: Any = backbone.feature_info
    ends = info.module_name()
    stages, steps = nn.ModuleList(), []
    for name, module in flatten_chain(backbone, ends):
        steps.append(module)
        if name in ends:
            stages.append(nn.Sequential(*steps))
            steps = []
    check_same_features(backbone, stages)
    return stages


def flatten_chain(backbone: nn.Module, ends: Sequence[str]) -> list[tuple[str, nn.Module]]:
    """List the backbone's modules in order, opening those that hold the end of a stage within."""
    steps = []
    flattened_by_timm = {end.replace(".", "_"): end for end in ends}
    for child, module in backbone.named_children():
        name = flattened_by_timm.get(child, child)
        if any(end.startswith(f"{name}.") for end in ends):
            steps += [(f"{name}.{inner}", step) for inner, step in module.named_children()]
        else:
            steps.append((name, module))
    return steps


@torch.no_grad()
def check_same_features(backbone: nn.Module, stages: nn.ModuleList) -> None:
    """Compare the cut backbone with the whole one on one small image."""
    backbone.eval()
    try:
        pairs = zip(backbone(small_image()), run_stages(stages), strict=True)
        same = all(torch.equal(a, b) for a, b in pairs)
    except (RuntimeError, TypeError, ValueError, AssertionError):
        same = False
    if not same:
        raise ValueError(
            f"{type(backbone).__name__} is not a chain of three stages; choose one of {', '.join(TEACHERS)}"
        )


def run_stages(stages: nn.ModuleList) -> list[Tensor]:
    """The stage maps of one small image."""
    features, maps = small_image(), []
    for stage in stages:
        features = stage(features)
        maps.append(features)
    return maps


def small_image() -> Tensor:
    """One image of 64 px, as a backbone sees it."""
    return torch.linspace(-1, 1, 3 * 64 * 64).view(1, 3, 64, 64)


def hash_weights(module: nn.Module) -> str:
    """SHA-256 over names, shapes and values of a module's tensors, in hexadecimal."""
    digest = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
