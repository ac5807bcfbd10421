from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import auc, average_precision_score, roc_auc_score

from gnl_core.metrics.pixel import compare_with_masks, region_sizes, report_pixels
from gnl_core.records import PixelReport


def measure(maps: np.ndarray, masks: np.ndarray, labels: list[int]) -> PixelReport:
    return report_pixels([compare_with_masks(maps.astype(np.float32), masks.astype(bool), np.array(labels))])


def test_aupro_of_two_regions_worked_by_hand():
    # Region A is one pixel, region B two, beside ten normal pixels. From the highest score down:
    #   9 (A)                 overlap (1 + 0) / 2 = 0.50, false positives 0.0
    #   8 (normal)            overlap 0.50, false positives 0.1
    #   7 (half of B, normal) overlap (1 + 1/2) / 2 = 0.75, false positives 0.2
    #   6 (normal)            overlap 0.75, false positives 0.3: the limit
    # Area: 0.1 * 0.5, then 0.1 * 0.625 up the slope of the tie, then 0.1 * 0.75; 0.1875 of 0.3 is 0.625.
    scores = np.array([[[9, 8, 7, 3.5, 7, 6, 5, 4, 3, 2, 1, 0.5, 0.1]]])
    mask = np.array([[[1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]]])
    assert measure(scores, mask, [1]).aupro == pytest.approx(0.625)


@pytest.fixture(params=[0, 2], ids=["many ties", "few ties"])
def drawn(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray]:
    """Random maps of four images, and which region each pixel belongs to: 0 for none, then 1 to 4."""
    regions = np.zeros((4, 10, 12), dtype=int)
    regions[0, 0, 0] = 1
    regions[0, 4:9, 3:10] = 2
    regions[1, 2:5, 2:4] = 3
    regions[1, 7, 5:12] = 4
    noise = np.random.default_rng(request.param).normal(size=regions.shape)
    return (noise + 0.7 * (regions > 0)).round(request.param), regions


def test_aupro_is_that_of_a_loop_over_every_threshold(drawn: tuple[np.ndarray, np.ndarray]):
    scores, regions = drawn
    false_positives, overlaps = [0.0], [0.0]
    for threshold in np.unique(scores)[::-1]:
        false_positives.append((scores[regions == 0] >= threshold).mean())
        overlaps.append(np.mean([(scores[regions == region] >= threshold).mean() for region in (1, 2, 3, 4)]))
    within = np.array(false_positives) <= 0.3
    across = [*np.array(false_positives)[within], 0.3]
    upwards = [*np.array(overlaps)[within], np.interp(0.3, false_positives, overlaps)]
    expected = auc(across, upwards) / 0.3
    assert measure(scores, regions > 0, [1, 1, 0, 0]).aupro == pytest.approx(expected, abs=1e-9)


def test_pixel_auroc_and_average_precision_are_scikit_learns(drawn: tuple[np.ndarray, np.ndarray]):
    scores, regions = drawn
    marked, flat = (regions > 0).ravel(), scores.ravel()
    found = measure(scores, regions > 0, [1, 1, 0, 0])
    assert found.pixel_auroc == pytest.approx(roc_auc_score(marked, flat), abs=1e-9)
    assert found.pixel_average_precision == pytest.approx(average_precision_score(marked, flat), abs=1e-9)


def test_small_regions_weigh_as_much_as_large_ones():
    # of 101 marked pixels the one that stands alone is missed: half of all regions
    masks = np.zeros((1, 20, 20))
    masks[0, :10, :10] = 1
    masks[0, 15, 15] = 1
    scores = masks.copy()
    scores[0, 15, 15] = -1
    assert measure(scores, masks, [1]).aupro == pytest.approx(0.5)


def test_pixels_that_touch_at_a_corner_are_one_region():
    mask = np.array([[1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 0, 1]], dtype=bool)
    assert region_sizes(mask).tolist() == [2, 1, 2, 1]


def test_regions_do_not_reach_into_the_next_image():
    masks = np.ones((2, 1, 3), dtype=bool)
    assert compare_with_masks(np.zeros((2, 1, 3)), masks, np.ones(2)).region_size.tolist() == [3] * 6


def test_an_anomaly_without_a_mask_is_left_out_and_counted():
    masks = np.zeros((4, 1, 3), dtype=bool)
    masks[0, 0, 0] = True
    maps = np.arange(12, dtype=np.float32).reshape(4, 1, 3)
    pixels = compare_with_masks(maps, masks, np.array([1, 0, 1, -1]))
    assert pixels.anomalous.tolist() == [0]
    assert pixels.normal.tolist() == [1, 2, 3, 4, 5]
    assert pixels.n_without_mask == 2
    assert report_pixels([pixels, pixels]).n_without_mask == 4


def test_parts_of_a_domain_give_the_metrics_of_the_whole(drawn: tuple[np.ndarray, np.ndarray]):
    scores, regions = drawn
    labels = np.array([1, 1, 0, 0])
    parts = [compare_with_masks(scores[[i]], regions[[i]] > 0, labels[[i]]) for i in range(4)]
    assert report_pixels(parts) == report_pixels([compare_with_masks(scores, regions > 0, labels)])


@pytest.mark.parametrize("marked", [0, 1])
def test_without_both_kinds_of_pixels_there_is_no_metric(marked: int):
    assert measure(np.ones((1, 2, 2)), np.full((1, 2, 2), marked), [marked]) == PixelReport()


def test_a_domain_without_masks_has_no_pixel_metrics():
    assert report_pixels([]) == PixelReport(None, None, None, 0)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("column", range(4))
def test_a_single_pixel_that_is_not_finite_leaves_no_metric(value: float, column: int):
    scores = np.array([[[1.0, 2.0, 3.0, 4.0]]])
    scores[0, 0, column] = value
    assert measure(scores, np.array([[[0, 0, 1, 1]]]), [1]) == PixelReport(n_pixels_not_finite=1)


def test_pixels_that_do_not_count_are_neither_normal_nor_anomalous():
    maps = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    masks, counted = np.zeros((2, 2, 2, 3), dtype=bool)
    masks[0, 0] = True
    counted[:, :, 1:] = True
    pixels = compare_with_masks(maps, masks, np.array([1, 0]), counted=counted)
    assert pixels.anomalous.tolist() == [1, 2]
    assert pixels.region_size.tolist() == [2, 2]
    assert pixels.normal.tolist() == [4, 5, 7, 8, 10, 11]


def test_a_defect_outside_of_what_counts_leaves_its_image_out():
    maps = np.full((1, 2, 2), np.nan, dtype=np.float32)
    masks = np.array([[[1, 0], [0, 0]]], dtype=bool)
    pixels = compare_with_masks(maps, masks, np.array([1]), counted=~masks)
    assert (pixels.n_without_mask, pixels.n_not_finite, len(pixels.normal)) == (1, 0, 0)
