"""Bottleneck, student, and both in a row."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from gnl_core.models import reverse_distillation
from gnl_core.models.bottleneck import Bottleneck, resize
from gnl_core.models.reverse_distillation import ReverseDistillation
from gnl_core.models.student import Student
from gnl_core.models.teachers import TEACHERS, TeacherSpec


class Blueprint(nn.Module):
    """What bottleneck and student read of a teacher."""

    def __init__(self, spec: TeacherSpec, channels: tuple[int, int, int]) -> None:
        super().__init__()
        self.spec, self.channels, self.reductions = spec, channels, (4, 8, 16)


def blueprint(name: str) -> Blueprint:
    """A teacher of the table, without its weights."""
    channels = {"efficientnet_lite0": (24, 40, 112), "resnet18": (64, 128, 256)}
    return Blueprint(TEACHERS[name], channels.get(name, (256, 512, 1024)))


def tiny_blueprint(*, rectified: bool = True) -> Blueprint:
    return Blueprint(TeacherSpec("tiny", rectified=rectified), (2, 3, 4))


def shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in module.state_dict().items()}


# Facts of the published RD4AD checkpoints: number of tensors, of values, and a few shapes.
BOTTLENECKS = {
    "resnet18": (
        48,
        11_686_408,
        {
            "conv1.weight": (128, 64, 3, 3),
            "conv2.weight": (256, 128, 3, 3),
            "conv3.weight": (256, 128, 3, 3),
            "bn3.running_var": (256,),
            "bn_layer.0.conv1.weight": (512, 768, 3, 3),
            "bn_layer.0.downsample.0.weight": (512, 768, 1, 1),
            "bn_layer.0.downsample.1.running_mean": (512,),
            "bn_layer.1.conv2.weight": (512, 512, 3, 3),
        },
    ),
    "resnet50": (
        78,
        30_857_229,
        {
            "conv1.weight": (512, 256, 3, 3),
            "conv2.weight": (1024, 512, 3, 3),
            "bn_layer.0.conv1.weight": (512, 3072, 1, 1),
            "bn_layer.0.conv2.weight": (512, 512, 3, 3),
            "bn_layer.0.downsample.0.weight": (2048, 3072, 1, 1),
            "bn_layer.2.conv3.weight": (2048, 512, 1, 1),
        },
    ),
    "wide_resnet50_2": (
        78,
        58_918_925,
        {
            "conv3.weight": (1024, 512, 3, 3),
            "bn_layer.0.conv1.weight": (1024, 3072, 1, 1),
            "bn_layer.0.conv2.weight": (1024, 1024, 3, 3),
            "bn_layer.2.conv1.weight": (1024, 2048, 1, 1),
        },
    ),
}
STUDENTS = {
    "resnet18": (
        90,
        3_707_663,
        {
            "layer1.0.conv1.weight": (512, 256, 2, 2),
            "layer1.0.conv2.weight": (256, 256, 3, 3),
            "layer1.0.upsample.0.weight": (512, 256, 2, 2),
            "layer2.0.conv1.weight": (256, 128, 2, 2),
            "layer3.0.upsample.1.running_mean": (64,),
            "layer3.1.conv2.weight": (64, 64, 3, 3),
        },
    ),
    "resnet50": (
        252,
        15_845_418,
        {
            "layer1.0.upsample.0.weight": (2048, 1024, 2, 2),
            "layer1.0.conv2.weight": (256, 256, 2, 2),
            "layer1.2.conv3.weight": (1024, 256, 1, 1),
            "layer2.3.conv1.weight": (128, 512, 1, 1),
            "layer3.0.conv1.weight": (64, 512, 1, 1),
            "layer3.5.bn3.num_batches_tracked": (),
        },
    ),
    "wide_resnet50_2": (
        252,
        24_947_754,
        {
            "layer1.0.upsample.0.weight": (2048, 1024, 2, 2),
            "layer1.0.conv2.weight": (512, 512, 2, 2),
            "layer2.0.conv3.weight": (512, 256, 1, 1),
            "layer3.5.conv2.weight": (128, 128, 3, 3),
        },
    ),
}


@pytest.mark.parametrize(("part", "facts"), [(Bottleneck, BOTTLENECKS), (Student, STUDENTS)])
@pytest.mark.parametrize("name", ["resnet18", "resnet50", "wide_resnet50_2"])
def test_for_resnet_teachers_the_tensors_are_those_of_published_checkpoints(
    name: str, part: type[nn.Module], facts: dict[str, tuple[int, int, dict[str, tuple[int, ...]]]]
):
    with torch.device("meta"):
        module = part(blueprint(name))
    tensors, values, telling = facts[name]
    assert len(module.state_dict()) == tensors
    assert sum(value.numel() for value in module.state_dict().values()) == values
    assert telling.items() <= shapes(module).items()


def test_low_middle_and_high_maps_are_fused_in_this_order():
    bottleneck = Bottleneck(tiny_blueprint()).eval()
    bottleneck.bn_layer = nn.Identity()
    low, middle, high = torch.rand(1, 2, 16, 16), torch.rand(1, 3, 8, 8), torch.rand(1, 4, 4, 4)
    fused = bottleneck([low, middle, high])
    assert fused.shape == (1, 12, 4, 4)
    assert torch.equal(fused[:, 8:], high)
    without_low, without_middle = bottleneck([0 * low, middle, high]), bottleneck([low, 0 * middle, high])
    changed_by_low = (fused != without_low).flatten(2).any(2)[0]
    changed_by_middle = (fused != without_middle).flatten(2).any(2)[0]
    assert changed_by_low[:4].any()
    assert not changed_by_low[4:].any()
    assert changed_by_middle[4:8].any()
    assert not changed_by_middle[:4].any()
    assert not changed_by_middle[8:].any()


def test_fused_branches_are_rectified():
    bottleneck = Bottleneck(tiny_blueprint()).eval()
    bottleneck.bn_layer = nn.Identity()
    maps = [torch.randn(2, 2, 16, 16), torch.randn(2, 3, 8, 8), torch.randn(2, 4, 4, 4)]
    assert bottleneck(maps)[:, :8].min() == 0


def test_the_low_branch_is_rectified_between_its_convolutions_too():
    bottleneck = Bottleneck(tiny_blueprint()).eval()
    bottleneck.bn_layer = nn.Identity()
    nn.init.constant_(bottleneck.bn1.bias, -1000)  # all negative: nothing is left to pass on
    nn.init.constant_(bottleneck.conv2.weight, -1)
    assert not bottleneck([torch.rand(1, 2, 16, 16), torch.rand(1, 3, 8, 8), torch.rand(1, 4, 4, 4)])[:, :4].any()


def test_the_embedding_has_half_the_size_and_twice_the_channels():
    maps = [torch.rand(2, 2, 16, 24), torch.rand(2, 3, 8, 12), torch.rand(2, 4, 4, 6)]
    assert Bottleneck(tiny_blueprint())(maps).shape == (2, 8, 2, 3)


def test_the_students_maps_run_from_low_level_to_abstract():
    student = Student(tiny_blueprint())
    assert [tuple(m.shape) for m in student(torch.rand(2, 8, 1, 2))] == [(2, 2, 8, 16), (2, 3, 4, 8), (2, 4, 2, 4)]


def test_a_student_of_a_rectified_teacher_is_rectified_itself():
    student = Student(tiny_blueprint(rectified=True))
    assert all(m.min() >= 0 for m in student(torch.randn(4, 8, 4, 4)))
    assert not list(student.heads.parameters())


def test_a_student_of_a_linear_teacher_reaches_negative_values():
    student = Student(tiny_blueprint(rectified=False))
    assert all(m.min() < 0 for m in student(torch.randn(4, 8, 4, 4)))


def test_heads_do_not_feed_the_next_layer():
    student = Student(tiny_blueprint(rectified=False)).eval()
    embedding = torch.randn(1, 8, 2, 2)
    low, middle, _ = student(embedding)
    nn.init.zeros_(student.heads[2].weight)
    nn.init.zeros_(student.heads[2].bias)
    muted = student(embedding)
    assert torch.equal(muted[0], low)
    assert torch.equal(muted[1], middle)
    assert not muted[2].any()


def test_maps_of_the_right_size_are_not_resized():
    features = torch.rand(1, 2, 3, 4)
    assert resize(features, (3, 4)) is features


def test_maps_are_resized_bilinearly():
    features = torch.tensor([[[[0.0, 1.0]]]])
    torch.testing.assert_close(resize(features, (1, 4)), torch.tensor([[[[0.0, 0.25, 0.75, 1.0]]]]))


@pytest.mark.parametrize("size", [(28, 28), (33, 33), (28, 40), (64, 48), (97, 31)])
@pytest.mark.parametrize("name", ["efficientnet_lite0", "resnet18"])
def test_any_image_size_is_rebuilt_at_the_teachers_sizes(name: str, size: tuple[int, int]):
    plan = blueprint(name)
    ceil = [tuple(-(-side // stride) for side in size) for stride in (4, 8, 16)]
    maps = [torch.rand(2, c, *s) for c, s in zip(plan.channels, ceil, strict=True)]
    features = ReverseDistillation(plan)(maps)
    assert [m.shape for m in features.student] == [m.shape for m in maps]
    assert all(torch.equal(a, b) for a, b in zip(features.teacher, maps, strict=True))
    assert all(m.isfinite().all() for m in features.student)


def test_the_student_reads_the_embedding_alone():
    network = ReverseDistillation(tiny_blueprint()).eval()
    maps = [torch.rand(1, 2, 16, 16), torch.rand(1, 3, 8, 8), torch.rand(1, 4, 4, 4)]
    features = network(maps)
    expected = network.student(network.bottleneck(maps))
    assert torch.equal(features.embedding, network.bottleneck(maps))
    assert all(torch.equal(a, b) for a, b in zip(features.student, expected, strict=True))


def test_one_image_with_a_one_pixel_embedding_cannot_train():
    maps = [torch.rand(1, 2, 8, 8), torch.rand(1, 3, 4, 4), torch.rand(1, 4, 2, 2)]
    bottleneck = Bottleneck(tiny_blueprint())
    with pytest.raises(ValueError, match="batch size of 2 or more"):
        bottleneck(maps)
    assert bottleneck.eval()(maps).shape == (1, 8, 1, 1)


def test_one_image_with_a_larger_embedding_can_train():
    maps = [torch.rand(1, 2, 9, 9), torch.rand(1, 3, 5, 5), torch.rand(1, 4, 3, 3)]
    assert Bottleneck(tiny_blueprint())(maps).shape == (1, 8, 2, 2)


@pytest.mark.parametrize(("together", "batches"), [(0, 5), (1, 5), (2, 3), (5, 1), (9, 1)])
@torch.no_grad()
def test_several_query_groups_are_rebuilt_as_if_each_were_alone(
    monkeypatch: pytest.MonkeyPatch, together: int, batches: int
):
    groups = [((query,), tuple(torch.rand(2, c, s, s) for c, s in ((2, 16), (3, 8), (4, 4)))) for query in range(5)]
    monkeypatch.setattr(reverse_distillation, "LARGEST_BATCH_BYTES", together * groups[0][1][0].nbytes)
    network, passed = ReverseDistillation(tiny_blueprint()).eval(), []
    hook = network.bottleneck.register_forward_hook(lambda *_: passed.append(1))
    rebuilt = list(network.rebuild_each(iter(groups)))
    hook.remove()
    assert len(passed) == batches
    assert [group for group, _ in rebuilt] == [group for group, _ in groups]
    for (_, features), (_, maps) in zip(rebuilt, groups, strict=True):
        torch.testing.assert_close(features, network(maps))
