from __future__ import annotations

import numpy as np
import pytest
import scipy.spatial.distance
import torch

from gnl_core.losses import (
    cosine_distance,
    direction_distance,
    distillation_loss,
    invariance_loss,
    value_distance,
)


def maps(*rows: list[float]) -> torch.Tensor:
    """One-channel maps, one pixel high, one row per image."""
    return torch.tensor(rows)[:, None, None, :]


def test_identical_features_have_zero_distance():
    features = torch.randn(3, 4, 5, 6)
    assert cosine_distance(features, features).item() == pytest.approx(0, abs=1e-6)


def test_parallel_features_of_any_length_have_zero_distance():
    features = torch.randn(3, 4, 5, 6)
    assert cosine_distance(features, 7 * features).item() == pytest.approx(0, abs=1e-6)


def test_opposite_features_have_distance_two():
    features = torch.randn(3, 4, 5, 6)
    assert cosine_distance(features, -features).item() == pytest.approx(2)


def test_orthogonal_features_have_distance_one():
    assert cosine_distance(maps([1.0, 0.0]), maps([0.0, 5.0])).item() == pytest.approx(1)


def test_distance_compares_whole_maps_not_positions():
    # cos((3, 1), (3, -1)) = 8 / 10; position by position it would be 0 and 2
    assert cosine_distance(maps([3.0, 1.0]), maps([3.0, -1.0])).item() == pytest.approx(0.2)


def test_distance_is_computed_per_image_and_averaged():
    # 0 for the first image, 2 for the second; the whole batch as one vector would give 0.2
    assert cosine_distance(maps([3.0, 0.0], [1.0, 0.0]), maps([3.0, 0.0], [-1.0, 0.0])).item() == pytest.approx(1)


def test_features_that_are_all_zero_are_at_distance_1_with_finite_gradients():
    nothing = maps([0.0, 0.0]).requires_grad_()
    distance = cosine_distance(maps([3.0, 1.0]), nothing)
    distance.backward()
    assert distance.item() == 1
    assert nothing.grad is not None
    assert nothing.grad.isfinite().all()


def test_the_gradients_are_those_of_pytorchs_cosine_similarity():
    drawn = [torch.randn(3, 4, 5, 6) for _ in range(2)]
    ours = [features.clone().requires_grad_() for features in drawn]
    theirs = [features.clone().requires_grad_() for features in drawn]
    cosine_distance(*ours).backward()
    (1 - torch.cosine_similarity(*(features.flatten(1) for features in theirs)).mean()).backward()
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one.grad, other.grad)


def test_distance_is_scipys_cosine_distance():
    reference, candidate = torch.randn(4, 3, 5, 2), torch.randn(4, 3, 5, 2)
    pairs = zip(reference.flatten(1).numpy(), candidate.flatten(1).numpy(), strict=True)
    expected = np.mean([scipy.spatial.distance.cosine(a, b) for a, b in pairs])
    assert cosine_distance(reference, candidate).item() == pytest.approx(expected, abs=1e-6)


def test_features_of_different_shapes_have_no_distance():
    with pytest.raises(ValueError, match=r"the same shape.*\(2, 3, 4, 4\).*\(1, 3, 4, 4\)"):
        cosine_distance(torch.ones(2, 3, 4, 4), torch.ones(1, 3, 4, 4))


def test_distillation_sums_the_stages():
    teacher = [maps([1.0, 0.0]), maps([1.0, 0.0, 0.0]), maps([1.0])]
    student = [maps([2.0, 0.0]), maps([0.0, 1.0, 0.0]), maps([-1.0])]
    assert distillation_loss(teacher, student).item() == pytest.approx(0 + 1 + 2)


def test_distillation_needs_as_many_student_stages_as_teacher_stages():
    with pytest.raises(ValueError, match="shorter"):
        distillation_loss([maps([1.0]), maps([1.0])], [maps([1.0])])


def test_distillation_reaches_every_student_stage():
    teacher = [torch.randn(2, 3, 4, 4) for _ in range(3)]
    student = [torch.randn(2, 3, 4, 4, requires_grad=True) for _ in range(3)]
    distillation_loss(teacher, student).backward()
    assert all(stage.grad is not None and stage.grad.abs().sum() > 0 for stage in student)


def test_invariance_averages_the_views():
    original = maps([1.0, 0.0])
    views = [maps([1.0, 0.0]), maps([0.0, 1.0]), maps([-1.0, 0.0]), maps([-1.0, 0.0])]
    assert invariance_loss(original, views).item() == pytest.approx((0 + 1 + 2 + 2) / 4)


def test_invariance_without_views_is_an_error():
    with pytest.raises(ValueError, match="at least one augmented view"):
        invariance_loss(maps([1.0]), [])


def test_features_in_16_bits_are_compared_in_32():
    features = torch.rand(2, 3, 4, 4).bfloat16()
    other = features.clone()
    other[0, 0, 0, 0] += 0.05
    expected = cosine_distance(features.float(), other.float())
    assert cosine_distance(features, other).item() == pytest.approx(expected.item(), rel=1e-5)
    assert 0 < expected < 1e-3


def test_under_autocast_features_are_compared_in_32_bits_too():
    features = torch.rand(2, 3, 4, 4)
    other = features + 0.01 * torch.rand_like(features)
    with torch.autocast("cpu", torch.bfloat16):
        reduced = cosine_distance(features, other)
    assert reduced.dtype == torch.float32
    assert reduced.item() == cosine_distance(features, other).item() > 0


def test_the_value_distance_is_each_stages_mean_square_summed():
    teacher = (maps([1.0, 2.0], [0.0, 0.0]), maps([5.0], [1.0]))
    student = (maps([0.0, 4.0], [0.0, 0.0]), maps([2.0], [1.0]))
    # first image: (1 + 4) / 2 + 9; the second is imitated
    assert value_distance(teacher, student).tolist() == pytest.approx([11.5, 0])


def test_the_direction_distance_is_each_stages_angle_summed():
    teacher = (maps([3.0, 1.0], [1.0, 0.0]), maps([5.0], [2.0]))
    student = (maps([3.0, -1.0], [0.0, 2.0]), maps([-2.0], [7.0]))
    # first image: 1 - 8 / 10, and opposite; second: orthogonal, and parallel
    assert direction_distance(teacher, student).tolist() == pytest.approx([2.2, 1.0])
