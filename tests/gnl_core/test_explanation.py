"""Explanations: the parts add up to the detector's score and map."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from gnl_core.config import RunConfig, ScoringConfig
from gnl_core.datasets.base import Item
from gnl_core.datasets.loading import Batches
from gnl_core.detectors import create_detector
from gnl_core.detectors.rd4ad import RD4AD
from gnl_core.explanation import (
    StageValues,
    can_explain,
    farthest_channel,
    find_peak,
    moments_of,
    pooled_features,
    score_single_references,
    stage_maps,
    trace_values,
    view_distances,
)
from gnl_core.losses import invariance_loss

Make = Callable[..., RunConfig]


@pytest.fixture(scope="module")
def detector(tiny_config: Make, stripes: Callable[..., list[Item]]) -> RD4AD:
    """Prepared on five images, three of which are references; not trained."""
    detector = create_detector(tiny_config(detector="rd4ad")).eval()
    detector.prepare(Batches(stripes(5, label=0), image_size=(32, 32), batch_size=2))
    return detector


@pytest.fixture
def image(stripes: Callable[..., list[Item]]) -> Tensor:
    (batch,) = Batches(stripes(1, label=1), image_size=(32, 32), batch_size=1)
    return batch.views["original"][0]


def ask(style_weight: float, **settings: object) -> ScoringConfig:
    return ScoringConfig(style_weight=style_weight, **({"reference_count": 3} | settings))


@pytest.mark.parametrize("style_weight", [0.0, 0.7])
def test_the_stage_maps_add_up_to_the_anomaly_map(detector: RD4AD, image: Tensor, style_weight: float):
    scoring = ask(style_weight, align_corners=True)
    maps = stage_maps(detector, image, scoring)
    assert maps.shape == (3, 32, 32)
    with torch.inference_mode():
        whole = detector(image[None], scoring)
    torch.testing.assert_close(maps.sum(dim=0), whole.anomaly_map[0, 0])
    peak = find_peak(maps)
    torch.testing.assert_close(peak.parts.sum(), whole.score[0])


def test_the_stage_maps_add_up_where_cells_overhang_the_image(detector: RD4AD):
    image, scoring = torch.rand(3, 45, 58), ask(0.0)
    with torch.inference_mode():
        whole = detector(image[None], scoring)
    torch.testing.assert_close(stage_maps(detector, image, scoring).sum(dim=0), whole.anomaly_map[0, 0])


def test_the_peak_is_where_the_sum_is_largest_and_not_a_single_stage():
    maps = torch.tensor([[[0.0, 3.0], [2.0, 0.0]], [[0.0, 0.0], [2.0, 0.0]]])
    row, column, parts = find_peak(maps)
    assert (row, column, parts.tolist()) == (1, 0, [2.0, 2.0])


def test_strength_zero_leaves_all_values(detector: RD4AD, image: Tensor):
    for stage in trace_values(detector, image, ask(0.0)):
        assert torch.equal(stage.before, stage.after)


def test_full_strength_gives_matched_stages_the_values_of_the_reference(detector: RD4AD, image: Tensor):
    first, second, third = trace_values(detector, image, ask(1.0))
    for index, stage in enumerate((first, second), start=1):
        expected = detector.get_buffer(f"references.stage_{index}").mean(dim=0)
        torch.testing.assert_close(stage.after, expected)
        torch.testing.assert_close(stage.reference, expected)
    assert torch.equal(third.before, third.after)


def test_strengths_in_between_mix_values_of_the_same_rank(detector: RD4AD, image: Tensor):
    for stage in trace_values(detector, image, ask(0.25))[:2]:
        torch.testing.assert_close(stage.after, 0.75 * stage.before + 0.25 * stage.reference)


def test_values_before_matching_are_the_teachers_in_ascending_order(detector: RD4AD, image: Tensor):
    plain = detector.network.teacher(image[None])
    for stage, found in zip(trace_values(detector, image, ask(0.0)), plain, strict=True):
        torch.testing.assert_close(stage.before, found[0].flatten(1).sort(dim=1).values)


def test_without_references_there_are_no_reference_values(tiny_config: Make, image: Tensor):
    bare = create_detector(tiny_config(detector="rd4ad", stored_references=0)).eval()
    stages = trace_values(bare, image, ask(0.0))
    assert all(stage.reference is None for stage in stages)
    assert farthest_channel(stages[0]) == 0
    assert score_single_references(bare, image, ask(0.0), bare.references.stages).shape == (0,)


def test_a_single_reference_scores_as_in_a_detector_that_stores_no_other(
    detector: RD4AD, image: Tensor, tiny_config: Make
):
    singles = score_single_references(detector, image, ask(0.8), detector.references.stages)
    lone = create_detector(tiny_config(detector="rd4ad", stored_references=1)).eval()
    lone.network.load_state_dict(detector.network.state_dict())
    for number, expected in enumerate(singles):
        for stage in (1, 2, 3):
            kept = detector.get_buffer(f"references.stage_{stage}")[number : number + 1]
            lone.get_buffer(f"references.stage_{stage}").copy_(kept)
        with torch.inference_mode():
            found = lone(image[None], ask(0.8, reference_count=1)).score[0]
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert len(set(singles.tolist())) == 3


def test_the_farthest_channel_is_the_one_whose_values_move_most():
    before = torch.zeros(3, 4)
    reference = torch.tensor([[0.0, 0, 0, 3], [-1, -1, 1, 1], [0, 0, 1, 1]])  # mean moves: 0.75, 1, 0.5
    assert farthest_channel(StageValues(before, before, reference)) == 1


def test_a_stages_deviation_is_that_within_its_channels():
    values = torch.tensor([[0.0, 2.0], [10.0, 10.0]])
    assert moments_of(values) == (5.5, 0.5)


def test_pooled_features_are_the_mean_of_the_teachers_last_map(detector: RD4AD, stripes: Callable[..., list[Item]]):
    items = stripes(3, label=0)
    pooled = pooled_features(detector, Batches(items, image_size=(32, 32), batch_size=2))
    (batch,) = Batches(items, image_size=(32, 32), batch_size=3)
    last = detector.network.teacher(batch.views["original"])[-1]
    torch.testing.assert_close(pooled, last.flatten(2).mean(dim=2))


@pytest.mark.parametrize(("name", "explained"), [("gnl", True), ("rd4ad_jigsaw", True), ("knn", False)])
def test_reverse_distillation_can_be_explained_and_other_methods_cannot(tiny_config: Make, name: str, explained: bool):
    assert can_explain(create_detector(tiny_config(detector=name))) is explained


def test_a_view_that_changes_nothing_has_no_distance(detector: RD4AD, image: Tensor):
    (same,) = view_distances(detector, image, image[None])
    assert same == pytest.approx((0.0, 0.0), abs=1e-5)


def test_the_mean_over_views_is_the_loss_that_training_minimises(detector: RD4AD, image: Tensor):
    views = torch.stack([image.flip(2), 1 - image])
    rows = view_distances(detector, image, views)
    with torch.inference_mode():
        original, *altered = (detector.network(detector.network.teacher(one[None])) for one in (image, *views))
    for term, found in (("embedding", lambda f: f.embedding), ("low_level", lambda f: f.student[0])):
        expected = invariance_loss(found(original), [found(view) for view in altered])
        assert sum(getattr(row, term) for row in rows) / 2 == pytest.approx(float(expected), abs=1e-5)
