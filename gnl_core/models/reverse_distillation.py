"""Teacher → bottleneck → student: the network that RD4AD and GNL train."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import torch
from torch import Tensor, nn

from gnl_core.models.blocks import lay_channels_last
from gnl_core.models.bottleneck import Bottleneck, map_size, resize
from gnl_core.models.student import Student
from gnl_core.models.teachers import Teacher, Ways
from gnl_core.records import Features

BYTES_TOGETHER = 24 * 2**20  # of low-level maps in one batch: more leave a processor's cache


class ReverseDistillation(nn.Module):
    """A frozen teacher encodes; a bottleneck and a student rebuild what it encoded (Deng & Li, CVPR 2022)."""

    def __init__(self, teacher: Teacher) -> None:
        super().__init__()
        self.teacher = teacher
        self.bottleneck = Bottleneck(teacher)
        self.student = Student(teacher)
        lay_channels_last(self)

    def forward(self, teacher_maps: Sequence[Tensor]) -> Features:
        """Rebuild stage maps from themselves through the embedding.

        Args:
            teacher_maps: Stage maps E_1..E_3, shapes (B, C_k, H_k, W_k), matched or not.

        Returns:
            The maps, the embedding, and the student's maps resized to the teacher's where strides
            do not divide the image's size.
        """
        embedding = self.bottleneck(teacher_maps)
        student_maps = self.student(embedding)
        sizes = (map_size(m) for m in teacher_maps)
        return Features(
            teacher=tuple(teacher_maps),
            embedding=embedding,
            student=tuple(resize(m, size) for m, size in zip(student_maps, sizes, strict=True)),
        )

    def rebuild_each(self, encoded: Iterator[tuple[Ways, tuple[Tensor, ...]]]) -> Iterator[tuple[Ways, Features]]:
        """As `forward` for the maps of several ways, as many of them in one batch as make convolutions faster.

        Args:
            encoded: What `Teacher.encode_each` yields.

        Yields:
            Ways with what bottleneck and student make of their maps, in the same order.
        """
        for first in encoded:
            low_level = first[1][0]
            most = max(1, BYTES_TOGETHER // low_level.nbytes)
            ways, maps = zip(first, *islice(encoded, most - 1), strict=True)
            yield from zip(ways, split_features(self(join_maps(maps)), parts=len(ways)), strict=True)


def join_maps(maps: Sequence[tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
    """Stage maps of several batches as one batch's."""
    return maps[0] if len(maps) == 1 else tuple(torch.cat(stage) for stage in zip(*maps, strict=True))


def split_features(features: Features, *, parts: int) -> list[Features]:
    """Features of a batch as those of its parts, which are of one size."""
    teacher, student = (
        zip(*(stage.chunk(parts) for stage in stages), strict=True) for stages in (features.teacher, features.student)
    )
    return [Features(*part) for part in zip(teacher, features.embedding.chunk(parts), student, strict=True)]
