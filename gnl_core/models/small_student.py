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
    """Halve the size with narrow convolutions until the stride is reached, then widen to the teacher's channels."""
    width = max(FEWEST_CHANNELS, out_channels // NARROWING)
    halvings = stride.bit_length() - 1
    inputs = [in_channels] + [width] * halvings
    layers = [narrow_convolution(i, width, stride=2) for i in inputs[:halvings]]
    layers.append(narrow_convolution(inputs[-1], width, stride=1))
    return nn.Sequential(*layers, nn.Conv2d(width, out_channels, kernel_size=3, padding=1))


def narrow_convolution(in_channels: int, width: int, *, stride: int) -> nn.Sequential:
    """3x3 convolution, BatchNorm and ReLU."""
    convolution = nn.Conv2d(in_channels, width, kernel_size=3, stride=stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(width), nn.ReLU())
