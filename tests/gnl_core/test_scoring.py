from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gnl_core.config import ScoringConfig, scoring_settings
from gnl_core.datasets.base import Item
from gnl_core.datasets.loading import Batches
from gnl_core.detectors.base import Detector
from gnl_core.metrics.image import auroc
from gnl_core.records import Detection, PixelReport
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.scoring import load_run, score_domain
from gnl_core.scoring import collect, detect, join_scores, measure_shift, score, score_each, score_rows

CHECKPOINTS = Path(__file__).parents[2] / "assets" / "checkpoints"


class Brightness(Detector):
    """A detector whose score is the image's mean times the strength."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, images: Tensor, scoring: ScoringConfig) -> Detection:
        scaled = self.weight * images.mean(dim=1, keepdim=True) * (scoring.style_weight or 1)
        return Detection(score=scaled.mean(dim=(1, 2, 3)), anomaly_map=scaled if scoring.smoothing_sigma_px else None)


@pytest.fixture
def items(stripes: Callable[..., list[Item]]) -> list[Item]:
    normal, anomalous = stripes(3, label=0), stripes(2, label=1)
    return [anomalous[0], *normal, anomalous[1]]


def load(items: list[Item], batch_size: int) -> Batches:
    return Batches(items, image_size=(32, 32), batch_size=batch_size)


@pytest.mark.parametrize("batch_size", [1, 2, 5, 64])
def test_each_image_has_one_row_in_order(items: list[Item], batch_size: int):
    rows = score(Brightness(), load(items, batch_size), ScoringConfig())
    np.testing.assert_allclose(rows.score, [item.read().mean() / 255 for item in items], rtol=1e-5)
    assert rows.label.tolist() == [1, 0, 0, 0, 1]
    assert rows.path.tolist() == [item.path for item in items]
    assert rows.category.tolist() == ["vertical", "horizontal", "horizontal", "horizontal", "vertical"]
    assert set(rows.domain) == {"stripes"}


def test_the_scoring_settings_reach_the_detector(items: list[Item]):
    plain = score(Brightness(), load(items, 2), ScoringConfig())
    halved = score(Brightness(), load(items, 2), ScoringConfig(style_weight=0.5))
    np.testing.assert_allclose(halved.score, plain.score / 2, rtol=1e-6)


def test_each_batch_comes_with_its_detection(items: list[Item]):
    found = list(detect(Brightness(), load(items, 2), ScoringConfig(smoothing_sigma_px=1)))
    assert [len(batch.paths) for batch, _ in found] == [2, 3]
    for batch, detection in found:
        torch.testing.assert_close(detection.anomaly_map, batch.views["original"].mean(dim=1, keepdim=True))


def test_a_method_without_maps_has_none(items: list[Item]):
    assert all(found.anomaly_map is None for _, found in detect(Brightness(), load(items, 2), ScoringConfig()))


def test_scoring_keeps_no_gradients(items: list[Item]):
    assert not any(found.score.requires_grad for _, found in detect(Brightness(), load(items, 2), ScoringConfig()))


def test_joined_scores_follow_each_other(items: list[Item]):
    parts = [score(Brightness(), load(some, 2), ScoringConfig()) for some in (items[:3], items[3:])]
    joined, whole = join_scores(parts), score(Brightness(), load(items, 2), ScoringConfig())
    for name, column in vars(whole).items():
        np.testing.assert_array_equal(getattr(joined, name), column)


WITH_MAPS = ScoringConfig(smoothing_sigma_px=1)


@pytest.fixture
def spotted() -> list[Item]:
    """A dark image; one with a bright spot and its mask, at twice the detector's size; one with a spot and no mask."""
    spot = np.zeros((64, 64), dtype=bool)
    spot[10:20, 30:40] = True
    image = np.repeat(np.where(spot, 250, 20).astype(np.uint8)[..., None], 3, axis=2)
    dark = np.full_like(image, 20)
    return [
        Item("dark", lambda: dark, label=0, domain="d", category="good"),
        Item("marked", lambda: image, label=1, domain="d", category="spot", mask=lambda: spot),
        Item("unmarked", lambda: image, label=1, domain="d", category="spot"),
    ]


@pytest.mark.parametrize("batch_size", [1, 2, 3])
def test_maps_are_measured_beside_their_masks_at_the_detectors_size(spotted: list[Item], batch_size: int):
    rows, pixels = collect(detect(Brightness(), load(spotted, batch_size), WITH_MAPS))
    assert rows.path.tolist() == ["dark", "marked", "unmarked"]
    assert pixels == PixelReport(pixel_auroc=1, pixel_average_precision=1, aupro=pytest.approx(1), n_without_mask=1)


def test_without_masks_or_without_maps_there_are_no_pixel_metrics(items: list[Item], spotted: list[Item]):
    assert collect(detect(Brightness(), load(items, 2), WITH_MAPS))[1] == PixelReport()
    assert collect(detect(Brightness(), load(spotted, 2), ScoringConfig()))[1] == PixelReport()


def test_a_method_without_a_teacher_has_no_shift_score(items: list[Item]):
    assert measure_shift(Brightness(), load(items, 2)) is None


def test_a_batch_that_does_not_fit_into_memory_gets_the_same_scores_in_chunks(items: list[Item]):
    class Forgetful(Brightness):
        def forward(self, images: Tensor, scoring: ScoringConfig) -> Detection:
            if len(images) > 1:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return super().forward(images, scoring)

    with pytest.warns(UserWarning, match="continuing in chunks of 1"):
        found = list(detect(Forgetful(), load(items, 2), WITH_MAPS))
    whole = list(detect(Brightness(), load(items, 2), WITH_MAPS))
    for (_, chunked), (_, expected) in zip(found, whole, strict=True):
        torch.testing.assert_close(chunked, expected)


def test_several_scoring_settings_give_the_scores_of_each_alone(trained_run: RunFolder, items: list[Item]):
    detector = load_run(trained_run, device="cpu").detector
    scorings = [
        ScoringConfig(style_weight=weight, matched_stages=stages, reference_count=count, reference_choice=choice)
        for weight, stages in [(0.0, "1,2"), (0.5, "1"), (0.5, "1,2"), (1.0, "1,2"), (1.0, "2,3")]
        for count, choice in [(1, "mean"), (3, "nearest")]
    ] + [ScoringConfig(reference_count=2, reduction="mean"), ScoringConfig(reference_count=2, smoothing_sigma_px=2)]
    together = score_each(detector, load(items, 2), scorings)
    for found, scoring in zip(together, scorings, strict=True):
        alone = score(detector, load(items, 2), scoring)
        np.testing.assert_allclose(found.score, alone.score, rtol=0, atol=1e-5)


def test_each_scoring_setting_uses_its_own_precision(trained_run: RunFolder, items: list[Item]):
    detector = load_run(trained_run, device="cpu").detector
    whole = ScoringConfig(reference_count=2)
    reduced = whole.model_copy(update={"scoring_precision": "bf16-mixed"})
    first, second, third = score_each(detector, load(items, 2), [reduced, whole, reduced])
    np.testing.assert_array_equal(second.score, score(detector, load(items, 2), whole).score)
    np.testing.assert_array_equal(first.score, third.score)
    assert 0 < abs(first.score - second.score).max() <= 0.01


def test_bfloat16_moves_the_scores_of_real_digits_by_little_and_their_auroc_by_less():
    run = load_run(RunFolder(CHECKPOINTS / "digits-4-gnl"), device="cpu")
    for style_weight in (0.0, 1.0):
        whole, reduced = (
            score_domain(run, "digits", scoring_settings(run.config, style_weight=style_weight, scoring_precision=name))
            for name in ("32-true", "bf16-mixed")
        )
        difference = abs(whole.score - reduced.score)
        assert difference.mean() <= 0.002
        assert np.quantile(difference, 0.95) <= 0.005
        assert abs(auroc(whole.label, whole.score) - auroc(reduced.label, reduced.score)) <= 0.002


def test_rows_of_scores_share_no_memory_with_their_batch(items: list[Item]):
    (batch,) = Batches(items, image_size=(8, 8), batch_size=8)
    labels = batch.labels.numpy()
    rows = score_rows(batch, Detection(torch.zeros(len(items)), None))
    assert rows.label.tolist() == labels.tolist()
    assert not np.shares_memory(rows.label, labels)
