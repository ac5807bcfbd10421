"""Choose three feature maps of a timm classifier, and cut it into the stages that compute them."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torchvision.ops import Permute

from gnl_core.models.stages import NextMap, TokenBlocks, TokenStart, WholeNetwork, run_stages

STAGE_COUNT = 3
FINEST_REDUCTION = 4  # finer maps show texture and would take most of the time
DEPTHS = (4, 7, 10)  # of 12: spread over the blocks that Dinomaly (Guo et al., CVPR 2025) rebuilds, 3 to 10 of 12
TWELFTHS = 12
SMALL_PX = 64


class Backbone(NamedTuple):
    """A timm classifier and the part of it that computes the three stage maps.

    Attributes:
        classifier: The whole model. Its modules are shared with the stages.
        levels: Position of each stage's map in timm's list of the model's feature maps.
        modules: Names in the classifier of the modules and tensors that make up the stages.
        stages: The stages, each of which reads what the previous one passes on; see `run_stages`.
        channels: Channels of the three stage maps.
        reductions: Pixels of the image per position of the three stage maps, along each side.
    """

    classifier: nn.Module
    levels: tuple[int, ...]
    modules: tuple[str, ...]
    stages: nn.ModuleList
    channels: tuple[int, ...]
    reductions: tuple[int, ...]

    @property
    def is_cut(self) -> bool:
        """Whether each stage reads the map of the previous one, so that matching can change it in between."""
        return not isinstance(self.stages[0], WholeNetwork)


def is_outline(module: nn.Module) -> bool:
    """Return whether a module was built on the meta device: it has shapes, but no values."""
    return any(tensor.is_meta for tensor in module.state_dict().values())


def cut(classifier: nn.Module, *, native_size: tuple[int, int]) -> Backbone:
    """Cut a classifier into three stages and drop later layers; keep it whole if the stages' maps are not timm's own.

    Args:
        classifier: A model of timm in eval mode.
        native_size: Height and width of the images for which it was trained.

    Raises:
        ValueError: If it does not have three suitable maps; the message says why.
    """
    info = feature_list(classifier)
    levels = choose_levels([level["reduction"] for level in info])
    image, expected = timm_maps(classifier, levels, native_size=native_size)
    backbone = cut_tokens(classifier, levels) if has_tokens(classifier) else cut_chain(classifier, levels)
    if not has_maps(backbone, image, expected):
        backbone = keep_whole(classifier, levels)
    return backbone


def feature_list(classifier: nn.Module) -> Sequence[Mapping[str, Any]]:
    """Return timm's list of a model's feature maps, from the image inwards; empty if it has none."""
    return getattr(classifier, "feature_info", None) or ()


def choose_levels(reductions: Sequence[int]) -> tuple[int, ...]:
    """Choose the stage maps: by size if there are three sizes, otherwise by depth.

    By size, they are those of reductions 4, 8 and 16, or of the next finest powers of two where a model lacks these;
    of several maps of one size, the last is chosen. By depth, they are those behind 4, 7 and 10 twelfths of the maps.

    Args:
        reductions: Of each feature map that timm lists, from the image inwards.

    Returns:
        Three positions in the list.

    Raises:
        ValueError: If there are fewer than three such maps, or their sizes do not fit each other.
    """
    last = {reduction: level for level, reduction in enumerate(reductions)}
    usable = sorted(r for r in last if r >= FINEST_REDUCTION and r.bit_count() == 1)
    if len(usable) >= STAGE_COUNT:
        return tuple(last[reduction] for reduction in usable[:STAGE_COUNT])
    deep = [level for level, reduction in enumerate(reductions) if reduction >= FINEST_REDUCTION]
    if len(deep) < STAGE_COUNT:
        maps = f"feature maps at reductions {', '.join(map(str, last))} only" if last else "no feature maps"
        raise ValueError(f"it has {maps}, and three at reductions of 4 or more are needed")
    chosen = deep if len(deep) == STAGE_COUNT else [deep[round(len(deep) * k / TWELFTHS) - 1] for k in DEPTHS]
    if any(reductions[coarser] % reductions[finer] for finer, coarser in pairwise(chosen)):
        sizes = ", ".join(str(reductions[level]) for level in chosen)
        raise ValueError(f"its feature maps are at reductions {sizes}, and each has to be a multiple of the one before")
    return tuple(chosen)


def has_tokens(classifier: nn.Module) -> bool:
    """Return whether a classifier is a vision transformer that reads images of any multiple of its patch size."""
    return bool(getattr(classifier, "dynamic_img_size", False)) and hasattr(classifier, "num_prefix_tokens")


def cut_tokens(classifier: nn.Module, levels: Sequence[int]) -> Backbone:
    """Cut a vision transformer behind three of its blocks."""
    transformer: Any = classifier
    ends = [level + 1 for level in levels]
    first = prune(classifier, levels[:1])
    rope = getattr(transformer, "rope", None)
    blocks = [
        TokenBlocks(
            transformer.blocks[start:end], first=start, rope=rope, differ=getattr(transformer, "rope_mixed", False)
        )
        for start, end in pairwise(ends)
    ]
    needed = prune(classifier, levels)
    return describe(classifier, levels, modules=needed.state_dict(), stages=[TokenStart(first), *blocks])


def keep_whole(classifier: nn.Module, levels: Sequence[int]) -> Backbone:
    """Keep a classifier as it is, apart from the layers that no map needs."""
    needed = prune(classifier, levels)
    stages = [WholeNetwork(needed, levels), NextMap(), NextMap()]
    return describe(classifier, levels, modules=needed.state_dict(), stages=stages)


def cut_chain(classifier: nn.Module, levels: Sequence[int]) -> Backbone:
    """Cut a classifier after each of the three modules that output its stage maps, as if it were a chain of modules."""
    ends = [feature_list(classifier)[level]["module"] for level in levels]
    steps = flatten_chain(classifier, ends)
    stages = split_chain(steps, ends, channels_last=getattr(classifier, "output_fmt", "NCHW") == "NHWC")
    return describe(classifier, levels, modules=[name for name, _ in steps], stages=stages)


def describe(
    classifier: nn.Module, levels: Sequence[int], *, modules: Iterable[str], stages: Iterable[nn.Module]
) -> Backbone:
    """Put stages together with what timm says about their maps."""
    info = [feature_list(classifier)[level] for level in levels]
    return Backbone(
        classifier,
        tuple(levels),
        modules=tuple(modules),
        stages=nn.ModuleList(stages),
        channels=tuple(level["num_chs"] for level in info),
        reductions=tuple(level["reduction"] for level in info),
    )


def prune(classifier: nn.Module, levels: Sequence[int]) -> nn.Module:
    """Copy a classifier without the layers behind its maps; both share the remaining layers."""
    pruned: Any = copy.copy(classifier)
    pruned.__dict__["_modules"] = classifier._modules.copy()  # else both would lose them
    pruned.prune_intermediate_layers(list(levels), prune_norm=True)
    return pruned


def flatten_chain(model: nn.Module, ends: Sequence[str], prefix: str = "") -> list[tuple[str, nn.Module]]:
    """List a model's modules with their full names, in order up to the last end; open modules that contain an end."""
    steps: list[tuple[str, nn.Module]] = []
    for child, module in model.named_children():
        name = f"{prefix}{child}"
        if any(end.startswith(f"{name}.") for end in ends):
            steps += flatten_chain(module, ends, f"{name}.")
        else:
            steps.append((name, module))
        if any(step == ends[-1] for step, _ in steps):
            break
    return steps


def split_chain(steps: Sequence[tuple[str, nn.Module]], ends: Sequence[str], *, channels_last: bool) -> nn.ModuleList:
    """Group steps into stages that map (B, C, H, W) to (B, C, H, W), for any layout that the steps use in between."""
    stages, group = nn.ModuleList(), list[nn.Module]()
    for name, module in steps:
        group.append(module)
        if name in ends:
            entry = [Permute([0, 2, 3, 1])] if channels_last and len(stages) else []
            exit_ = [Permute([0, 3, 1, 2])] if channels_last else []
            stages.append(nn.Sequential(*entry, *group, *exit_))
            group = []
    return stages


@torch.no_grad()
def timm_maps(
    classifier: nn.Module, levels: Sequence[int], *, native_size: tuple[int, int]
) -> tuple[Tensor, list[Tensor]]:
    """Make an image and compute timm's own stage maps of it, at about 64 px or else at the classifier's native size.

    Raises:
        ValueError: If timm computes no maps at either size.
    """
    reason: Exception | None = None
    model: Any = classifier
    coarsest = max(feature_list(classifier)[level]["reduction"] for level in levels)
    for size in (small_size(coarsest), native_size):
        image = gradient_image(size)
        try:
            return image, model.forward_intermediates(
                image.clone(), indices=list(levels), stop_early=True, intermediates_only=True
            )
        except Exception as error:  # modules may raise anything on input that is not meant for them
            reason = error
    raise ValueError(f"timm computes no feature maps for it ({reason})")


@torch.no_grad()
def has_maps(backbone: Backbone, image: Tensor, expected: Sequence[Tensor]) -> bool:
    """Return whether the stages' maps of an image are the expected ones; of an outline, whether they have the shapes.

    If not, the classifier is not a chain of its modules: its stages pass on more than its feature maps.
    """
    try:
        pairs = zip(run_stages(backbone.stages, image), expected, strict=True)
        return all(is_equal(ours, timms) for ours, timms in pairs)
    except Exception:  # anything, as above
        return False


def is_equal(ours: Tensor, timms: Tensor) -> bool:
    """Return whether two maps have the same values, or without values, the same shape."""
    return ours.shape == timms.shape if ours.is_meta else torch.equal(ours.nan_to_num(), timms.nan_to_num())


def small_size(reduction: int) -> tuple[int, int]:
    """Return the smallest multiple of a reduction from 64 px on, as height and width."""
    side = -(-SMALL_PX // reduction) * reduction
    return side, side


def gradient_image(size: tuple[int, int]) -> Tensor:
    """Make one normalised image of a size."""
    height, width = size
    return torch.linspace(-1, 1, 3 * height * width).view(1, 3, height, width)
