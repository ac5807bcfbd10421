"""Layers whose padding depends on the image's size: TensorFlow's SAME."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from gnl_core.models.stages import StageOutput, run_stage

WINDOWED = (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d)


class SamePadding(NamedTuple):
    """The padding of a strided layer that makes ceil(side / stride) cells of any side.

    Attributes:
        reduction: Pixels of the image per cell of the layer's input.
        kernel: Side of the layer's window, in cells of its input.
        stride: Its stride.
    """

    reduction: int
    kernel: int
    stride: int

    def excess_px(self, image_side_px: int) -> int:
        """Return by how many pixels it pads more, above or on the left, than if the stride divided its input's side."""
        side = -(-image_side_px // self.reduction)
        return self.reduction * (self.before(side) - self.before(self.stride))

    def before(self, side: int) -> int:
        """Return the padding before the first cell of a side; an odd total has one more after the last cell."""
        cells = -(-side // self.stride)
        return max(0, (cells - 1) * self.stride + self.kernel - side) // 2


@torch.no_grad()
def find_same_paddings(stages: nn.ModuleList, image: Tensor) -> tuple[tuple[SamePadding, ...], ...]:
    """Find the layers with SAME padding on the way to each stage's map.

    They are recognised by what they do: convolutions and poolings that declare no padding, and give more cells than
    their windows fit into the map. Of parallel ones, the widest counts.

    Args:
        stages: Consecutive modules, in eval mode.
        image: An input of the first module, shape (1, 3, H, W), with H a multiple of every reduction.

    Returns:
        For each stage, the layers of this and all earlier stages.
    """
    layers = [layer for layer in stages.modules() if may_pad(layer)]
    if not layers:
        return ((),) * len(stages)
    paddings: dict[int, SamePadding] = {}
    hooks = [layer.register_forward_hook(partial(note_padding, paddings, image.shape[-2])) for layer in layers]
    until, output = [], StageOutput(image)
    try:
        for stage in stages:
            output = run_stage(stage, output)
            until.append(tuple(paddings.values()))
    finally:
        for hook in hooks:
            hook.remove()
    return tuple(until)


def may_pad(layer: nn.Module) -> bool:
    """Return whether a layer's windows overlap at a stride, and it declares no padding."""
    if not isinstance(layer, WINDOWED) or layer.padding not in (0, (0, 0)) or getattr(layer, "ceil_mode", False):
        return False
    return side_of(layer.kernel_size) > side_of(layer.stride) > 1


def note_padding(
    paddings: dict[int, SamePadding], image_side_px: int, layer: Any, inputs: tuple[Tensor, ...], output: Tensor
) -> None:
    """Keep a layer by its reduction if its output is larger than it is without padding."""
    side, kernel, stride = inputs[0].shape[-2], side_of(layer.kernel_size), side_of(layer.stride)
    if output.shape[-2] <= (side - kernel) // stride + 1:
        return
    reduction = image_side_px // side
    if reduction not in paddings or paddings[reduction].kernel < kernel:
        paddings[reduction] = SamePadding(reduction, kernel, stride)


def side_of(value: Any) -> int:
    """Return the height of a window or a step given as one number or two."""
    return int(value) if isinstance(value, int) else int(value[0])
