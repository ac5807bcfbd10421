"""Contributions: those of all positions add up to the detector's score, and one value can be followed by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from gnl_core.config import RunConfig, ScoringConfig
from gnl_core.contributions import ScoreParts, cells_at, follow_value, split_score
from gnl_core.datasets.base import Item
from gnl_core.datasets.loading import Batches
from gnl_core.detectors import create_detector
from gnl_core.detectors.rd4ad import RD4AD

Make = Callable[..., RunConfig]
SIZE = (32, 32)


@pytest.fixture(scope="module")
def detector(tiny_config: Make, stripes: Callable[..., list[Item]]) -> RD4AD:
    """Prepared on five images, three of which are references; not trained."""
    detector = create_detector(tiny_config(detector="rd4ad")).eval()
    detector.prepare(Batches(stripes(5, label=0), image_size=SIZE, batch_size=2))
    return detector


@pytest.fixture
def image(stripes: Callable[..., list[Item]]) -> Tensor:
    (batch,) = Batches(stripes(1, label=1), image_size=SIZE, batch_size=1)
    return batch.views["original"][0]


def ask(style_weight: float = 0.7, **settings: object) -> ScoringConfig:
    return ScoringConfig(style_weight=style_weight, **({"reference_count": 3} | settings))


def score_of(detector: RD4AD, image: Tensor, scoring: ScoringConfig) -> float:
    with torch.inference_mode():
        return float(detector(image[None], scoring).score)


def total_of_cells(parts: ScoreParts) -> float:
    return sum(float(stage.contributions.sum()) for stage in parts.stages)


@pytest.mark.parametrize("smoothing", [0.0, 1.5])
@pytest.mark.parametrize("reduction", ["maximum", "mean", "top"])
@pytest.mark.parametrize("align_corners", [False, True])
def test_the_contributions_add_up_to_the_score(detector, image, reduction, smoothing, align_corners):
    scoring = ask(reduction=reduction, smoothing_sigma_px=smoothing, align_corners=align_corners)
    expected = score_of(detector, image, scoring)
    parts = split_score(detector, image, scoring)
    assert parts.score == pytest.approx(expected, rel=1e-5)
    assert float(parts.contributions.sum()) == pytest.approx(expected, rel=1e-5)
    assert total_of_cells(parts) == pytest.approx(expected, rel=1e-5)


def test_they_add_up_where_cells_overhang_the_image(detector):
    odd = torch.rand(3, 45, 58)
    parts = split_score(detector, odd, ask(reduction="mean"))
    assert total_of_cells(parts) == pytest.approx(score_of(detector, odd, ask(reduction="mean")), rel=1e-5)


def test_a_maximum_consists_of_the_pixels_that_have_it_in_equal_parts(detector, image):
    parts = split_score(detector, image, ask())
    summed = parts.stage_maps.sum(dim=0)
    largest = summed == summed.max()
    torch.testing.assert_close(parts.contributions, largest * summed / largest.sum())


def test_a_mean_consists_of_all_pixels_in_proportion_to_their_values(detector, image):
    parts = split_score(detector, image, ask(reduction="mean"))
    torch.testing.assert_close(parts.contributions, parts.stage_maps.sum(dim=0) / parts.contributions.numel())


@pytest.mark.parametrize(("row", "column"), [(0, 0), (13, 22), (31, 31)])
def test_the_cells_under_a_pixel_give_its_value(detector, image, row, column):
    parts = split_score(detector, image, ask())
    cells = cells_at(detector, parts, ask(), row=row, column=column)
    for stage, found, enlarged in zip(parts.stages, cells, parts.stage_maps, strict=True):
        assert sum(cell.weight for cell in found) == pytest.approx(1)
        assert sum(cell.weight * cell.distance for cell in found) == pytest.approx(
            float(enlarged[row, column]), abs=1e-5
        )
        assert [float(stage.distances[cell.row, cell.column]) for cell in found] == [cell.distance for cell in found]


def test_a_distance_is_one_minus_the_cosine_of_the_two_vectors(detector, image):
    for stage in split_score(detector, image, ask()).stages:
        taught, rebuilt = stage.after[:, 1, 0].double(), stage.student[:, 1, 0].double()
        cosine = float(taught @ rebuilt / (taught.norm() * rebuilt.norm()))
        assert float(stage.distances[1, 0]) == pytest.approx(1 - cosine, abs=1e-5)


def test_a_value_moves_toward_the_references_value_of_its_rank(detector, image):
    first, _, third = split_score(detector, image, ask(0.25)).stages
    found = follow_value(first, channel=5, row=3, column=2)
    ascending = first.before[5].flatten().sort().values
    assert found.before == float(first.before[5, 3, 2]) == float(ascending[found.rank - 1])
    assert found.n_values == 64
    reference = detector.get_buffer("references.stage_1").mean(dim=0)[5]
    assert found.reference == pytest.approx(float(reference[found.rank - 1]))
    assert found.after == pytest.approx(0.75 * found.before + 0.25 * found.reference)
    unmatched = follow_value(third, channel=0, row=0, column=0)
    assert unmatched.after == unmatched.before


def test_tied_values_have_ranks_in_order_of_their_positions(detector, image):
    (stage, *_) = split_score(detector, image, ask()).stages
    tied = stage._replace(before=torch.zeros_like(stage.before))
    assert [follow_value(tied, channel=0, row=0, column=column).rank for column in range(3)] == [1, 2, 3]


def test_without_references_there_is_no_reference_value(tiny_config: Make, image: Tensor):
    bare = create_detector(tiny_config(detector="rd4ad", stored_references=0)).eval()
    (stage, *_) = split_score(bare, image, ask(0.0)).stages
    found = follow_value(stage, channel=0, row=0, column=0)
    assert found.reference is None
    assert found.after == found.before
