"""Teacher → bottleneck → student: the network that RD4AD and GNL train."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import torch
from torch import Tensor, nn

from gnl_core.models.blocks import lay_channels_last
from gnl_core.models.bottleneck import Bottleneck, map_size, resize
from gnl_core.models.student import Student
from gnl_core.models.teachers import QueryGroup, Teacher
from gnl_core.records import Features

LARGEST_BATCH_BYTES = 24 * 2**20  # of low-level maps: larger ones do not fit into a processor's cache


class ReverseDistillation(nn.Module):
    """A frozen teacher that encodes, and a bottleneck and a student that rebuild its maps (Deng & Li, CVPR 2022)."""

    def __init__(self, teacher: Teacher) -> None:
        super().__init__()
        self.teacher = teacher
        self.bottleneck = Bottleneck(teacher)
        self.student = Student(teacher)
        lay_channels_last(self)

    def forward(self, teacher_maps: Sequence[Tensor]) -> Features:
        """Rebuild stage maps from their embedding.

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

    def rebuild_each(
        self, encoded: Iterator[tuple[QueryGroup, tuple[Tensor, ...]]]
    ) -> Iterator[tuple[QueryGroup, Features]]:
        """Rebuild the maps of several query groups as `forward` does, in batches that fit into a processor's cache.

        Args:
            encoded: What `Teacher.encode_each` yields.

        Yields:
            Each group with its features, in the same order.
        """
        for first in encoded:
            low_level = first[1][0]
            batch_size = max(1, LARGEST_BATCH_BYTES // low_level.nbytes)
            groups, maps = zip(first, *islice(encoded, batch_size - 1), strict=True)
            yield from zip(groups, split_features(self(join_maps(maps)), parts=len(groups)), strict=True)


def join_maps(maps: Sequence[tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
    """Join the stage maps of several batches into one batch."""
    return maps[0] if len(maps) == 1 else tuple(torch.cat(stage) for stage in zip(*maps, strict=True))


def split_features(features: Features, *, parts: int) -> list[Features]:
    """Split the features of a batch into parts of equal size."""
    teacher, student = (
        zip(*(stage.chunk(parts) for stage in stages), strict=True) for stages in (features.teacher, features.student)
    )
    return [Features(*part) for part in zip(teacher, features.embedding.chunk(parts), student, strict=True)]
