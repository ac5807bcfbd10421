"""The student decoder: rebuilds the teacher's stage maps from the embedding, from abstract to low-level."""

from __future__ import annotations

from torch import Tensor, nn

from gnl_core.models.blocks import BLOCKS, UPSAMPLING_BLOCKS, initialise, multiply_on_small_maps
from gnl_core.models.bottleneck import STRIDE, stage_strides
from gnl_core.models.teachers import Teacher


class Student(nn.Module):
    """Three residual layers that enlarge the map, a mirror image of the teacher (RD4AD, section 3.2).

    For ResNet teachers it is RD4AD's own, with the tensor names of its published checkpoints.
    """

    def __init__(self, teacher: Teacher) -> None:
        super().__init__()
        low, middle, high = teacher.channels
        first, second = stage_strides(teacher)
        abstract_blocks, middle_blocks, low_blocks = teacher.spec.student_blocks
        self.layer1 = student_layer(teacher, 2 * high, high, factor=STRIDE, blocks=abstract_blocks)
        self.layer2 = student_layer(teacher, high, middle, factor=second, blocks=middle_blocks)
        self.layer3 = student_layer(teacher, middle, low, factor=first, blocks=low_blocks)
        initialise(self)
        multiply_on_small_maps(self)
        linear = not teacher.spec.rectified
        self.heads = nn.ModuleList(
            [nn.Conv2d(c, c, kernel_size=1) if linear else nn.Identity() for c in teacher.channels]
        )

    def forward(self, embedding: Tensor) -> tuple[Tensor, ...]:
        """Rebuild the stage maps.

        Args:
            embedding: The bottleneck's output, shape (B, 2 * C_3, H, W).

        Returns:
            Maps D_1..D_3, from low-level to abstract, of the teacher's channels and strides.
        """
        high = self.layer1(embedding)
        middle = self.layer2(high)
        low = self.layer3(middle)
        return tuple(head(map_) for head, map_ in zip(self.heads, (low, middle, high), strict=True))


def student_layer(teacher: Teacher, in_channels: int, out_channels: int, *, factor: int, blocks: int) -> nn.Sequential:
    """Create one block that enlarges the map, then blocks that refine it."""
    kind, width = teacher.spec.block, teacher.spec.block_width
    planes = out_channels // BLOCKS[kind].expansion
    layers: list[nn.Module] = [UPSAMPLING_BLOCKS[kind](in_channels, planes, factor=factor, base_width=width)]
    layers += [BLOCKS[kind](out_channels, planes, base_width=width) for _ in range(blocks - 1)]
    return nn.Sequential(*layers)
