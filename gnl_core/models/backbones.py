"""Build timm's classifiers as backbones, cut them into three stages, and load published or local weights.

Only this module imports timm. docs/teachers.md lists the families that work.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import timm
import torch
from torch import Tensor, nn
from torchvision.ops import Permute

from gnl_core.messages import quote, shorten
from gnl_core.models.teacher_weights import (
    BUNDLED_SHA256,
    bundled_lite0_file,
    download_weights,
    is_downloaded,
    read_weight_file,
)

STAGE_COUNT = 3
FINEST_REDUCTION = 4  # finer maps show texture and would take most of the time
SMALL = (64, 64)
LITE0 = "tf_efficientnet_lite0.in1k"
PLAIN_NAME = re.compile(r"\w+(\.\w+)?", re.ASCII)  # an architecture, and the name of its weights
FILTERS = ("checkpoint_filter_fn", "_filter_fn", "_filter_torchvision_pretrained")  # names that timm's modules use


class Backbone(NamedTuple):
    """A timm classifier and the part of it that computes the three stage maps.

    Attributes:
        classifier: The whole model. Its modules are shared with the stages.
        levels: Position of each stage's map in timm's list of the model's feature maps.
        modules: Names in the classifier of the modules that make up the stages.
        stages: The chain of stages; each maps the previous stage's output to (B, C_k, H_k, W_k).
        channels: Channels of the three stage maps.
        reductions: Pixels of the image per position of the three stage maps, along each side.
    """

    classifier: nn.Module
    levels: tuple[int, ...]
    modules: tuple[str, ...]
    stages: nn.ModuleList
    channels: tuple[int, ...]
    reductions: tuple[int, ...]


def create_backbone(timm_name: str) -> Backbone:
    """Build a backbone with random weights; on the meta device, without the comparison with timm's features.

    Raises:
        ValueError: If timm does not know the name, or the model cannot be cut into three stages; the message says why.
    """
    check_plain_name(timm_name)
    try:
        classifier = timm.create_model(timm_name).eval()
    except (RuntimeError, AttributeError, AssertionError, IndexError) as error:
        raise ValueError(f"unknown teacher {quote(timm_name)} ({shorten(str(error))})") from None
    try:
        backbone = cut(classifier)
        if not is_outline(classifier):
            check_same_features(backbone)
    except ValueError as error:
        raise ValueError(f"{timm_name} cannot be a teacher, since {error}") from None
    return backbone


def check_plain_name(timm_name: str) -> None:
    """Check that a name is one of timm's own models; timm also takes addresses of models on a hub, and folders.

    Raises:
        ValueError: If it is not.
    """
    if not (PLAIN_NAME.fullmatch(timm_name) and timm.is_model(timm_name.partition(".")[0])):
        raise ValueError(f"unknown teacher {quote(timm_name)} (timm has no model of this name)")


def is_outline(module: nn.Module) -> bool:
    """Return whether a module was built on the meta device: it has shapes, but no values."""
    return any(tensor.is_meta for tensor in module.state_dict().values())


def cut(classifier: nn.Module) -> Backbone:
    """Cut a classifier after each of the three modules that output its stage maps; drop later layers.

    Raises:
        ValueError: If it does not have three stages; the message says why.
    """
    info: Sequence[Mapping[str, Any]] = getattr(classifier, "feature_info", None) or ()
    levels = choose_levels([level["reduction"] for level in info])
    ends = [info[level]["module"] for level in levels]
    steps = flatten_chain(classifier, ends)
    return Backbone(
        classifier,
        levels,
        modules=tuple(name for name, _ in steps),
        stages=split_chain(steps, ends, channels_last=getattr(classifier, "output_fmt", "NCHW") == "NHWC"),
        channels=tuple(info[level]["num_chs"] for level in levels),
        reductions=tuple(info[level]["reduction"] for level in levels),
    )


def choose_levels(reductions: Sequence[int]) -> tuple[int, ...]:
    """Choose the stage maps: reductions 4, 8 and 16, or the next finest powers of two where a model lacks these.

    Args:
        reductions: Of each feature map that timm lists, from the image inwards.

    Returns:
        Three positions in the list. Of several maps of one size, the last is chosen.

    Raises:
        ValueError: If there are fewer than three such maps.
    """
    last = {reduction: level for level, reduction in enumerate(reductions)}
    usable = sorted(r for r in last if r >= FINEST_REDUCTION and r.bit_count() == 1)
    if len(usable) < STAGE_COUNT:
        maps = f"feature maps at reductions {', '.join(map(str, last))} only" if last else "no feature maps"
        raise ValueError(f"it has {maps}, and three at reductions 4, 8, 16 or higher powers of two are needed")
    return tuple(last[reduction] for reduction in usable[:STAGE_COUNT])


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
def check_same_features(backbone: Backbone) -> None:
    """Compare the stages' maps of one image with timm's maps from the whole classifier.

    Raises:
        ValueError: If they differ: the classifier is then not a chain of its modules.
    """
    image, expected = timm_features(backbone)
    try:
        pairs = zip(run_stages(backbone.stages, image), expected, strict=True)
        same = all(torch.equal(ours.nan_to_num(), theirs.nan_to_num()) for ours, theirs in pairs)
    except Exception:  # modules may raise anything on input that is not meant for them
        same = False
    if not same:
        raise ValueError(
            "its stages pass on more than its feature maps, or other maps, so matching cannot change them in between"
        )


def timm_features(backbone: Backbone) -> tuple[Tensor, list[Tensor]]:
    """Make an image and compute timm's own stage maps of it, at 64 px or else at the classifier's native size.

    Raises:
        ValueError: If timm computes no maps at either size.
    """
    reason: Exception | None = None
    for size in (SMALL, native_size(backbone.classifier)):
        image = gradient_image(size)
        try:
            classifier: Any = backbone.classifier
            return image, classifier.forward_intermediates(
                image.clone(), indices=list(backbone.levels), stop_early=True, intermediates_only=True
            )
        except Exception as error:  # anything, as above
            reason = error
    raise ValueError(f"timm computes no feature maps for it ({reason})")


def run_stages(stages: nn.ModuleList, features: Tensor) -> list[Tensor]:
    """Compute the stage maps of a normalised image."""
    maps = []
    for stage in stages:
        features = stage(features)
        maps.append(features)
    return maps


def native_size(classifier: nn.Module) -> tuple[int, int]:
    """Height and width of the images for which a classifier was trained."""
    height, width = timm.data.resolve_model_data_config(classifier)["input_size"][1:]
    return height, width


def normalisation(backbone: Backbone) -> tuple[Sequence[float], Sequence[float]]:
    """Mean and standard deviation per colour channel, as used in the classifier's training."""
    settings = timm.data.resolve_model_data_config(backbone.classifier)
    return settings["mean"], settings["std"]


def gradient_image(size: tuple[int, int]) -> Tensor:
    """Make one normalised image of a size."""
    height, width = size
    return torch.linspace(-1, 1, 3 * height * width).view(1, 3, height, width)


@torch.no_grad()
def readable_image(backbone: Backbone) -> Tensor:
    """One image that a backbone can read: of 64 px, or of the classifier's own size if it reads no other."""
    image = gradient_image(SMALL)
    try:
        run_stages(backbone.stages, image)
    except Exception:  # anything, as above
        return gradient_image(native_size(backbone.classifier))
    return image


@torch.no_grad()
def check_image_size(backbone: Backbone, size: tuple[int, int], *, name: str) -> None:
    """Check that the backbone can read images of a size.

    Raises:
        ValueError: If it cannot; the message names a size that works.
    """
    try:
        run_stages(backbone.stages, gradient_image(size))
    except Exception as error:  # anything, as above
        (height, width), (native_height, native_width) = size, native_size(backbone.classifier)
        reason = f" ({str(error).splitlines()[0]})" if str(error) else ""
        raise ValueError(
            f"the teacher {name} cannot read images of {height}x{width} px{reason}; "
            f"set --image-size {native_height}x{native_width}, or choose another teacher"
        ) from None


def has_local_weights(timm_name: str) -> bool:
    """Return whether the weights of a timm name are on this machine: in the bundled package, or downloaded before."""
    if timm_name == LITE0 and bundled_lite0_file() is not None:
        return True
    check_plain_name(timm_name)
    source = timm.get_pretrained_cfg(timm_name)
    return bool(source and source.url) and is_downloaded(source.url)


def read_published_weights(timm_name: str) -> dict[str, Tensor]:
    """Read the weights of a timm name: from the bundled package, or downloaded once and cached.

    Raises:
        ValueError: If there are none, or the download fails; the message says what to do.
    """
    bundled = bundled_lite0_file()
    if timm_name == LITE0 and bundled is not None:
        return name_bundled_tensors(read_weight_file(bundled, BUNDLED_SHA256))
    source = timm.get_pretrained_cfg(timm_name)
    if source is not None and source.url:
        return download_weights(source.url)
    if source is not None and source.hf_hub_id:
        raise ValueError(
            f"the weights of {timm_name!r} are only on the Hugging Face Hub, from which gnl does not download; "
            f"download model.safetensors of {source.hf_hub_id} there and pass it with --teacher-weights FILE"
        )
    raise ValueError(f"no address is known for the weights of {timm_name!r}; pass a file with --teacher-weights FILE")


def name_bundled_tensors(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename the bundled package's tensors as timm does; the names differ, order and shapes are the same."""
    names = timm.create_model(LITE0).state_dict()
    return dict(zip(names, state.values(), strict=True))


def load_backbone(backbone: Backbone, state: Mapping[str, Tensor], *, source: str) -> None:
    """Load a whole classifier's state dict, as timm saves it or as published; ignore tensors that no stage needs.

    Raises:
        ValueError: If tensors are missing or have other shapes.
    """
    wanted = {
        f"{name}.{key}": tensor
        for name in backbone.modules
        for key, tensor in backbone.classifier.get_submodule(name).state_dict().items()
    }
    if describe_misfit(state, wanted):
        state = rename_as_timm(state, backbone.classifier)
    misfit = describe_misfit(state, wanted)
    if misfit:
        raise ValueError(f"the weights of {source} {misfit}; pass the weights of this backbone")
    backbone.classifier.load_state_dict({name: state[name] for name in wanted if name in state}, strict=False)
    try:  # again: with random weights some families have branches of zeros, which hide a mismatch
        check_same_features(backbone)
    except ValueError as error:
        raise ValueError(f"the backbone of {source} cannot be a teacher, since {error}; choose another") from None


def describe_misfit(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> str:
    """Describe why a state dict does not fit the wanted tensors; empty if it fits."""
    missing = [name for name in wanted if name not in state and not name.endswith("num_batches_tracked")]
    if missing:
        return f"lack {len(missing)} of the teacher's tensors, such as {missing[0]!r}"
    for name, tensor in wanted.items():
        if name in state and state[name].shape != tensor.shape:
            shapes = f"{tuple(state[name].shape)}, not {tuple(tensor.shape)}"
            return f"do not fit the teacher: size mismatch for {name}: {shapes}"
    return ""


def rename_as_timm(state: Mapping[str, Tensor], classifier: nn.Module) -> Mapping[str, Tensor]:
    """Convert published tensors to timm's names and shapes by the family's own function, if it has one."""
    family = sys.modules[type(classifier).__module__]
    convert: Any = next((getattr(family, name) for name in FILTERS if hasattr(family, name)), None)
    if convert is None:
        return state
    takes_model = len(inspect.signature(convert).parameters) > 1
    try:
        return convert(dict(state), classifier) if takes_model else convert(dict(state))
    except Exception:  # it is meant for its family's own files and may raise anything on others
        return state
