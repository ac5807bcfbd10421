from __future__ import annotations

import pytest
import torch

from gnl_core.models.backbones import create_backbone
from gnl_core.models.small_student import SmallStudent
from gnl_core.models.teachers import TEACHERS, Teacher


def untrained(name: str) -> Teacher:
    spec = TEACHERS[name]
    return Teacher(spec, create_backbone(spec.timm_name), mean=(0.5,) * 3, std=(0.5,) * 3)


@pytest.mark.parametrize("name", ["efficientnet_lite0", "resnet18"])
def test_its_maps_have_the_teachers_channels_and_sizes(name: str):
    teacher, images = untrained(name), torch.rand(2, 3, 64, 32)
    shapes = [stage.shape for stage in SmallStudent(teacher)(images)]
    assert shapes == [stage.shape for stage in teacher(images)]


@pytest.mark.parametrize("name", ["efficientnet_lite0", "resnet18", "resnet50"])
def test_it_is_a_third_of_the_teacher_at_most(name: str):
    teacher = untrained(name)
    weights = [sum(p.numel() for p in network.parameters()) for network in (SmallStudent(teacher), teacher)]
    assert 3 * weights[0] <= weights[1]


def test_it_is_rectified_where_the_teacher_is():
    images = torch.rand(2, 3, 32, 32)
    assert all(stage.min() >= 0 for stage in SmallStudent(untrained("resnet18"))(images))
    assert all(stage.min() < 0 for stage in SmallStudent(untrained("efficientnet_lite0"))(images))


@pytest.mark.parametrize("name", ["mobilenetv2_035", "shvit_s1", "test_mambaout"])
def test_any_chain_of_stages_can_be_imitated(name: str):
    teacher = Teacher(TEACHERS["efficientnet_lite0"], create_backbone(name), mean=(0.5,) * 3, std=(0.5,) * 3)
    images = torch.rand(2, 3, 64, 64)
    assert [m.shape for m in SmallStudent(teacher)(images)] == [m.shape for m in teacher(images)]
