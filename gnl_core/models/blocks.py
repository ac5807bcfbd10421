"""Residual blocks that double the size of a map: torchvision's, with a transposed convolution at the stride.

Modules carry the names of published RD4AD checkpoints (`upsample` where a shrinking block has `downsample`).
"""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck


class TilingConvTranspose2d(nn.ConvTranspose2d):
    """A transposed convolution whose windows tile the larger map, as a matrix product: a position becomes a tile.

    On a CPU that is faster than PyTorch's own: up to four times on the smallest maps, and in training everywhere.
    """

    def __init__(self, in_channels: int, out_channels: int, *, factor: int) -> None:
        super().__init__(in_channels, out_channels, kernel_size=factor, stride=factor, bias=False)
        self.factor = factor

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Map (B, C, H, W) to (B, out_channels, factor * H, factor * W), as the convolution does."""
        count, channels, height, width = x.shape
        factor, taps = self.factor, self.weight.permute(0, 2, 3, 1).reshape(channels, -1)
        tiles = x.permute(0, 2, 3, 1).reshape(-1, channels) @ taps
        tiled = tiles.view(count, height, width, factor, factor, self.out_channels).permute(0, 1, 3, 2, 4, 5)
        return tiled.reshape(count, factor * height, factor * width, self.out_channels).permute(0, 3, 1, 2)


def upsampling_shortcut(in_channels: int, out_channels: int, *, factor: int) -> nn.Sequential:
    """The shortcut of a block that enlarges its map."""
    return nn.Sequential(TilingConvTranspose2d(in_channels, out_channels, factor=factor), nn.BatchNorm2d(out_channels))


class UpsamplingBasicBlock(BasicBlock):
    """A basic block whose first convolution is transposed and enlarges the map."""

    def __init__(self, in_channels: int, planes: int, *, factor: int, base_width: int = 64) -> None:
        super().__init__(in_channels, planes, base_width=base_width)
        self.conv1 = TilingConvTranspose2d(in_channels, planes, factor=factor)
        self.upsample = upsampling_shortcut(in_channels, planes, factor=factor)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, planes, factor * H, factor * W)."""
        out = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(out)) + self.upsample(x))


class UpsamplingBottleneck(Bottleneck):
    """A bottleneck block whose 3x3 convolution is replaced by a transposed one that enlarges the map."""

    def __init__(self, in_channels: int, planes: int, *, factor: int, base_width: int = 64) -> None:
        super().__init__(in_channels, planes, base_width=base_width)
        width: int = self.bn2.num_features
        self.conv2 = TilingConvTranspose2d(width, width, factor=factor)
        self.upsample = upsampling_shortcut(in_channels, planes * self.expansion, factor=factor)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, 4 * planes, factor * H, factor * W)."""
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        return self.relu(self.bn3(self.conv3(out)) + self.upsample(x))


BLOCKS: dict[str, Any] = {"basic": BasicBlock, "bottleneck": Bottleneck}
UPSAMPLING_BLOCKS: dict[str, Any] = {"basic": UpsamplingBasicBlock, "bottleneck": UpsamplingBottleneck}


class OnePositionConv2d(nn.Conv2d):
    """A padded 3x3 convolution that is a matrix product where it has one position: the other taps meet padding alone.

    The embedding of an image of 32 px is such a map.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) as the convolution does."""
        height, width = x.shape[-2:]
        if max(height, width) > self.stride[0]:
            return super().forward(x)
        taps = self.weight[..., 1 : 1 + height, 1 : 1 + width]
        return F.linear(x.flatten(1), taps.flatten(1), self.bias)[..., None, None]


def multiply_on_one_position(module: nn.Module) -> None:
    """Make the padded 3x3 convolutions within a module such ones, in place; parameters and their names stay."""
    for name, child in module.named_children():
        if type(child) is nn.Conv2d and child.kernel_size == (3, 3) and child.padding == (1, 1) and child.groups == 1:
            stride = child.stride[0]
            same = OnePositionConv2d(  # on "meta", so that no random numbers are drawn for it
                child.in_channels,
                child.out_channels,
                kernel_size=3,
                stride=stride,
                padding=1,
                bias=False,
                device="meta",
            )
            same.weight, same.bias = child.weight, child.bias
            setattr(module, name, same)
        multiply_on_one_position(child)


def initialise(module: nn.Module) -> None:
    """Kaiming normal (fan-out, ReLU) for convolutions; transposed ones stay as PyTorch makes them."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
