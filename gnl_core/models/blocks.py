"""Residual blocks that double the size of a map: torchvision's, with a transposed convolution at the stride.

Modules carry the names of published RD4AD checkpoints (`upsample` where a shrinking block has `downsample`).
"""

from __future__ import annotations

from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck

from gnl_core.matrix_products import multiply


class TilingConvTranspose2d(nn.ConvTranspose2d):
    """A transposed convolution whose windows tile the larger map, computed as a matrix product per position.

    On a CPU this is faster than PyTorch's: up to four times on the smallest maps, and in training at any size.
    """

    def __init__(self, in_channels: int, out_channels: int, *, factor: int) -> None:
        super().__init__(in_channels, out_channels, kernel_size=factor, stride=factor, bias=False)
        self.factor = factor

    def lay_as_rows(self) -> None:
        """Store the weights as rows of the matrix that a position is multiplied by, in place; same values."""
        self.weight.data = self.weight.data.permute(2, 3, 1, 0).contiguous().permute(3, 2, 0, 1)

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Map (B, C, H, W) to (B, out_channels, factor * H, factor * W), as the convolution does."""
        count, channels, height, width = x.shape
        factor, taps = self.factor, self.weight.permute(2, 3, 1, 0).reshape(-1, channels)
        tiles = multiply(x.permute(0, 2, 3, 1).reshape(-1, channels), taps)
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
        out = self.bn2(self.conv2(out))
        out += self.upsample(x)
        return self.relu(out)


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
        out = self.bn3(self.conv3(out))
        out += self.upsample(x)
        return self.relu(out)


SMALL = 2  # largest side of a map on which a padded 3x3 convolution is computed as matrix products
BLOCKS: dict[str, Any] = {"basic": BasicBlock, "bottleneck": Bottleneck}
UPSAMPLING_BLOCKS: dict[str, Any] = {"basic": UpsamplingBasicBlock, "bottleneck": UpsamplingBottleneck}


class SmallMapConv2d(nn.Conv2d):
    """A padded 3x3 convolution, computed as a matrix product on maps of up to 2x2, where most taps meet only padding.

    For images of 32 px, the embedding and a ResNet's third stage are such maps; they take at most half the time.

    Attributes:
        kept: The matrices of map sizes met so far; None to compute them each time, as the weights change.
    """

    kept: dict[tuple[int, int], Tensor] | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) as the convolution does."""
        height, width = x.shape[-2:]
        if max(height, width) > SMALL:
            return super().forward(x)
        sides = [-(-side // self.stride[0]) for side in (height, width)]
        positions = multiply(x.permute(0, 2, 3, 1).flatten(1), self.matrix(height, width))
        return positions.view(-1, *sides, self.out_channels).permute(0, 3, 1, 2)

    def matrix(self, height: int, width: int) -> Tensor:
        """Return the matrix that maps all values of a map to all values of its result, channels last in both."""
        if self.kept is None or self.weight.device.type != "cpu" or torch.compiler.is_compiling():
            return self.build_matrix(height, width)
        if (height, width) not in self.kept:
            self.kept[height, width] = self.build_matrix(height, width).detach()
        return self.kept[height, width]

    def build_matrix(self, height: int, width: int) -> Tensor:
        """Compute the matrix: for each position of the result, the taps that meet the map."""
        taps = self.weight.permute(0, 2, 3, 1)
        down, right = (range(0, side, self.stride[0]) for side in (height, width))
        met = [taps[:, 1 - i : 1 - i + height, 1 - j : 1 - j + width].flatten(1) for i in down for j in right]
        return torch.cat(met)


def multiply_on_small_maps(module: nn.Module) -> None:
    """Replace a module's padded 3x3 convolutions by `SmallMapConv2d`, in place; parameters and their names stay."""
    for name, child in module.named_children():
        if type(child) is nn.Conv2d and is_plain_3x3(child):
            same = SmallMapConv2d(  # on "meta", so that no random numbers are drawn for it
                child.in_channels,
                child.out_channels,
                kernel_size=3,
                stride=child.stride[0],
                padding=1,
                bias=False,
                device="meta",
            )
            same.weight = child.weight
            setattr(module, name, same)
        multiply_on_small_maps(child)


def keep_matrices(module: nn.Module) -> None:
    """Compute the matrices of small maps once, in a module whose weights do not change any more."""
    for layer in module.modules():
        if isinstance(layer, SmallMapConv2d):
            layer.kept = {}


def lay_channels_last(module: nn.Module) -> None:
    """Store a module's convolution weights with the channels last, in place: faster, same values.

    `module.to(memory_format=torch.channels_last)` does the same, but fails on modules with five-dimensional weights.
    """
    for tensor in chain(module.parameters(), module.buffers()):
        if tensor.dim() == 4:
            tensor.data = tensor.data.contiguous(memory_format=torch.channels_last)
    for layer in module.modules():
        if isinstance(layer, TilingConvTranspose2d):
            layer.lay_as_rows()


def is_plain_3x3(layer: nn.Conv2d) -> bool:
    """Whether a layer is a padded 3x3 convolution without dilation, groups or bias."""
    shape = (layer.kernel_size, layer.padding, layer.dilation)
    return shape == ((3, 3), (1, 1), (1, 1)) and layer.groups == 1 and layer.bias is None


def initialise(module: nn.Module) -> None:
    """Initialise convolutions with Kaiming normal (fan-out, ReLU); transposed ones keep PyTorch's default."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
