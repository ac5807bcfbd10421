"""Build timm's classifiers, check the images they read, and load published or local weights.

Only this module imports timm. docs/teachers.md lists the families that work.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import timm
import torch
from torch import Tensor, nn

from gnl_core.messages import quote, shorten
from gnl_core.models.cutting import Backbone, cut, gradient_image, has_maps, small_size, timm_maps
from gnl_core.models.stages import run_stages
from gnl_core.models.teacher_weights import (
    BUNDLED_SHA256,
    bundled_lite0_file,
    download_weights,
    is_downloaded,
    read_weight_file,
)

LITE0 = "tf_efficientnet_lite0.in1k"
PLAIN_NAME = re.compile(r"\w+(\.\w+)?", re.ASCII)  # an architecture, and the name of its weights
FILTERS = ("checkpoint_filter_fn", "_filter_fn", "_filter_torchvision_pretrained")  # names that timm's modules use
TRANSFORMERS = ("vision_transformer", "deit", "eva")  # modules whose models can interpolate position embeddings


def create_backbone(timm_name: str) -> Backbone:
    """Build a backbone with random weights.

    Raises:
        ValueError: If timm does not know the name, or the model does not have three suitable maps; the message says
            why.
    """
    check_plain_name(timm_name)
    flexible = {"dynamic_img_size": True} if timm.models.is_model_in_modules(timm_name, TRANSFORMERS) else {}
    try:
        classifier = timm.create_model(timm_name, **flexible).eval()
    except (RuntimeError, AttributeError, AssertionError, IndexError) as error:
        raise ValueError(f"unknown teacher {quote(timm_name)} ({shorten(str(error))})") from None
    try:
        return cut(classifier, native_size=native_size(classifier))
    except ValueError as error:
        raise ValueError(f"{timm_name} cannot be a teacher, since {error}") from None


def check_plain_name(timm_name: str) -> None:
    """Check that a name is one of timm's own models; timm also takes addresses of models on a hub, and folders.

    Raises:
        ValueError: If it is not.
    """
    if not (PLAIN_NAME.fullmatch(timm_name) and timm.is_model(timm_name.partition(".")[0])):
        raise ValueError(f"unknown teacher {quote(timm_name)} (timm has no model of this name)")


def native_size(classifier: nn.Module) -> tuple[int, int]:
    """Height and width of the images for which a classifier was trained."""
    height, width = timm.data.resolve_model_data_config(classifier)["input_size"][1:]
    return height, width


def normalisation(backbone: Backbone) -> tuple[Sequence[float], Sequence[float]]:
    """Mean and standard deviation per colour channel, as used in the classifier's training."""
    settings = timm.data.resolve_model_data_config(backbone.classifier)
    return settings["mean"], settings["std"]


@torch.no_grad()
def reason_against(backbone: Backbone, size: tuple[int, int]) -> str | None:
    """Return why a backbone cannot read images of a size, perhaps an empty text, or None if it can."""
    try:
        maps = run_stages(backbone.stages, gradient_image(size))
    except Exception as error:  # modules may raise anything on input that is not meant for them
        return next(iter(str(error).splitlines()), "")
    if not all(follows(stage, size, reduction=r) for stage, r in zip(maps, backbone.reductions, strict=True)):
        return "its maps do not follow the image's size"
    return None


def follows(stage: Tensor, size: tuple[int, int], *, reduction: int) -> bool:
    """Return whether a map is no larger than its reduction makes it; at a wrong size, broadcasting can enlarge it."""
    return all(count <= -(-px // reduction) + 1 for count, px in zip(stage.shape[-2:], size, strict=True))


def readable_image(backbone: Backbone) -> Tensor:
    """Make one image that a backbone can read: of about 64 px, or of the classifier's own size if it reads no other."""
    small = small_size(backbone.reductions[-1])
    return gradient_image(native_size(backbone.classifier) if reason_against(backbone, small) is not None else small)


def check_image_size(backbone: Backbone, size: tuple[int, int], *, name: str) -> None:
    """Check that the backbone can read images of a size.

    Raises:
        ValueError: If it cannot; the message names a size that works.
    """
    reason = reason_against(backbone, size)
    if reason is None:
        return
    (height, width), (usable_height, usable_width) = size, usable_size(backbone, size)
    because = f" ({reason.rstrip('.')})" if reason else ""
    raise ValueError(
        f"the teacher {name} cannot read images of {height}x{width} px{because}; "
        f"set --image-size {usable_height}x{usable_width}, or choose another teacher"
    )


def usable_size(backbone: Backbone, size: tuple[int, int]) -> tuple[int, int]:
    """Return a size that a backbone can read: the nearest multiples of its last reduction, or else its native size."""
    coarsest = backbone.reductions[-1]
    height, width = (max(1, round(side / coarsest)) * coarsest for side in size)
    works = reason_against(backbone, (height, width)) is None
    return (height, width) if works else native_size(backbone.classifier)


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
        name: tensor for name, tensor in backbone.classifier.state_dict().items() if belongs(name, backbone.modules)
    }
    if describe_misfit(state, wanted):
        state = rename_as_timm(state, backbone.classifier)
    misfit = describe_misfit(state, wanted)
    if misfit:
        raise ValueError(f"the weights of {source} {misfit}; pass the weights of this backbone")
    backbone.classifier.load_state_dict({name: state[name] for name in wanted if name in state}, strict=False)
    image, expected = timm_maps(backbone.classifier, backbone.levels, native_size=native_size(backbone.classifier))
    if not has_maps(backbone, image, expected):  # again: random weights with branches of zeros hide a mismatch
        raise ValueError(
            f"the backbone of {source} cannot be a teacher, since its stages' maps are not timm's own; choose another"
        )


def belongs(tensor: str, modules: Sequence[str]) -> bool:
    """Return whether a tensor, by its name, is one of the named modules and tensors, or lies within one."""
    return any(tensor == module or tensor.startswith(f"{module}.") for module in modules)


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
