"""Teacher → bottleneck → student: the network that RD4AD and GNL train."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gnl_core.models.bottleneck import Bottleneck, map_size, resize
from gnl_core.models.student import Student
from gnl_core.models.teachers import Teacher
from gnl_core.records import Features


class ReverseDistillation(nn.Module):
    """A frozen teacher encodes; a bottleneck and a student rebuild what it encoded (Deng & Li, CVPR 2022)."""

    def __init__(self, teacher: Teacher) -> None:
        super().__init__()
        self.teacher = teacher
        self.bottleneck = Bottleneck(teacher)
        self.student = Student(teacher)
        self.to(memory_format=torch.channels_last)  # faster convolutions, same values

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
