"""KDAD's student: a narrow chain of plain convolutions that imitates the teacher's stage maps from the image."""

from __future__ import annotations

from torch import Tensor, nn

from gnl_core.models.teachers import Teacher

NARROWING = 8  # inner channels are an eighth of the teacher's
FEWEST_CHANNELS = 16  # the narrowest layers of the paper's student


class SmallStudent(nn.Module):
    """Three stages with the teacher's channels and strides, and far fewer weights.

    A small network imitates what it was trained on and little else, so it fails on anomalies.
    """

    def __init__(self, teacher: Teacher) -> None:
        super().__init__()
        inputs = (3, *teacher.channels[:-1])
        strides = (r // p for r, p in zip(teacher.reductions, (1, *teacher.reductions[:-1]), strict=True))
        shapes = zip(inputs, teacher.channels, strides, strict=True)
        self.stages = nn.ModuleList([student_stage(i, o, stride=s) for i, o, s in shapes])
        self.last = nn.ReLU() if teacher.spec.rectified else nn.Identity()

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Imitate the stage maps.

        Args:
            images: RGB in [0, 1], shape (B, 3, H, W).

        Returns:
            Three maps with the teacher's channels and strides, low-level first; rectified if the teacher's are.
        """
        maps = []
        for stage in self.stages:
            images = self.last(stage(images))
            maps.append(images)
        return tuple(maps)


def student_stage(in_channels: int, out_channels: int, *, stride: int) -> nn.Sequential:
    """Shrink the map with narrow convolutions until the stride is reached, then widen to the teacher's channels."""
    width = max(FEWEST_CHANNELS, out_channels // NARROWING)
    steps = [*shrinking_strides(stride), 1]
    inputs = [in_channels, *[width] * (len(steps) - 1)]
    layers = [narrow_convolution(i, width, stride=step) for i, step in zip(inputs, steps, strict=True)]
    return nn.Sequential(*layers, nn.Conv2d(width, out_channels, kernel_size=3, padding=1))


def shrinking_strides(stride: int) -> list[int]:
    """Split a stride into halvings and at most one odd factor: 16 into 2, 2, 2, 2, and 14 into 2, 7."""
    halvings = (stride & -stride).bit_length() - 1
    odd = stride >> halvings
    return [2] * halvings + [odd] * (odd > 1)


def narrow_convolution(in_channels: int, width: int, *, stride: int) -> nn.Sequential:
    """Convolution, BatchNorm and ReLU; the window is 3x3, or as large as a larger stride, so that it skips no value."""
    side = max(3, stride)
    convolution = nn.Conv2d(in_channels, width, kernel_size=side, stride=stride, padding=side // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(width), nn.ReLU())
