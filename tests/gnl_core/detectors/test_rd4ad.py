from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import scipy.ndimage
import torch
from torch import Tensor

from gnl_core.anomaly_map import anomaly_map
from gnl_core.config import RunConfig, ScoringConfig
from gnl_core.datasets.base import Item
from gnl_core.datasets.loading import Batches
from gnl_core.datasets.shifts import shift_items
from gnl_core.detectors import create_detector
from gnl_core.detectors.rd4ad import RD4AD
from gnl_core.explanation import stage_maps
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.images import list_domain
from gnl_core.runs.scoring import load_run
from gnl_core.scoring import measure_shift
from gnl_core.shift_score import shift_score

Make = Callable[..., RunConfig]
BUNDLED = Path(__file__).parents[3] / "assets" / "checkpoints"
REFERENCES = ("references.stage_1", "references.stage_2", "references.stage_3")


@pytest.fixture
def images(stripes: Callable[..., list[Item]]) -> Tensor:
    (batch,) = Batches(stripes(5, label=0), image_size=(32, 32), batch_size=5)
    return batch.views["original"]


@pytest.fixture(scope="module")
def detector(tiny_config: Make, stripes: Callable[..., list[Item]]) -> RD4AD:
    """Prepared on five images, three of which are references; not trained."""
    detector = create_detector(tiny_config(detector="rd4ad")).eval()
    detector.prepare(Batches(stripes(5, label=0), image_size=(32, 32), batch_size=2))
    return detector


def ask(style_weight: float | None, reference_count: int = 2, **settings: object) -> ScoringConfig:
    return ScoringConfig(style_weight=style_weight, reference_count=reference_count, **settings)


def sorted_values(maps: Tensor) -> Tensor:
    return torch.from_numpy(maps.flatten(2).numpy().copy()).sort().values


def test_references_are_sorted_teacher_maps_of_training_images(detector: RD4AD, images: Tensor):
    maps = detector.network.teacher(images)
    for name, stage in zip(REFERENCES, maps, strict=True):
        stored = detector.get_buffer(name)
        assert len(stored) == 3
        distances = torch.cdist(stored.flatten(1), sorted_values(stage).flatten(1))
        assert (distances.min(dim=1).values < 1e-3).all()
        assert len(set(distances.argmin(dim=1).tolist())) == 3


def test_all_stages_take_their_references_from_the_same_images(detector: RD4AD, images: Tensor):
    maps = detector.network.teacher(images)
    nearest = [
        torch.cdist(detector.get_buffer(name).flatten(1), sorted_values(stage).flatten(1)).argmin(dim=1).tolist()
        for name, stage in zip(REFERENCES, maps, strict=True)
    ]
    assert nearest[0] == nearest[1] == nearest[2]


def test_preparing_again_with_another_seed_takes_other_references(tiny_config: Make, stripes: Callable[..., list]):
    stored = []
    for seed in (0, 0, 1):
        detector = create_detector(tiny_config(detector="rd4ad", seed=seed)).eval()
        detector.prepare(Batches(stripes(12, label=0), image_size=(32, 32), batch_size=4))
        stored.append(detector.get_buffer("references.stage_1").clone())
    assert torch.equal(stored[0], stored[1])
    assert not torch.equal(stored[0], stored[2])


@torch.no_grad()
def test_strength_one_gives_the_teacher_side_the_references_mean_distribution(detector: RD4AD):
    found = detector.features(torch.rand(3, 3, 32, 32), ask(1.0, reference_count=2))
    for name, stage in (("references.stage_1", found.teacher[0]), ("references.stage_2", found.teacher[1])):
        mean = (detector.get_buffer(name)[0] + detector.get_buffer(name)[1]) / 2
        torch.testing.assert_close(sorted_values(stage), mean.expand(3, -1, -1))


@torch.no_grad()
def test_a_single_reference_is_used_unchanged(detector: RD4AD):
    found = detector.features(torch.rand(1, 3, 32, 32), ask(1.0, reference_count=1))
    assert torch.equal(sorted_values(found.teacher[0])[0], detector.get_buffer("references.stage_1")[0])


@torch.no_grad()
def test_stage_two_runs_on_the_matched_map_and_stage_three_is_not_matched(detector: RD4AD):
    images, stages = torch.rand(2, 3, 32, 32), detector.network.teacher.stages
    found = detector.features(images, ask(1.0))
    unmatched = stages[1](found.teacher[0])
    assert torch.equal(unmatched.flatten(2).argsort(), found.teacher[1].flatten(2).argsort())  # ranks stay
    torch.testing.assert_close(found.teacher[2], stages[2](found.teacher[1]))


@torch.no_grad()
def test_the_matched_maps_are_the_bottlenecks_input_too(detector: RD4AD):
    found = detector.features(torch.rand(2, 3, 32, 32), ask(0.7))
    torch.testing.assert_close(found.embedding, detector.network.bottleneck(found.teacher))
    plain = detector.features(torch.rand(2, 3, 32, 32), ask(0.0))
    assert not torch.allclose(found.embedding, plain.embedding)


@torch.no_grad()
def test_strength_zero_is_no_matching_to_the_bit(detector: RD4AD):
    images = torch.rand(2, 3, 32, 32)
    expected = detector.network.teacher(images)
    found = detector.features(images, ask(0.0))
    assert all(torch.equal(a, b) for a, b in zip(found.teacher, expected, strict=True))


@torch.no_grad()
def test_an_unset_strength_is_the_methods_own(detector: RD4AD, tiny_config: Make):
    images = torch.rand(2, 3, 32, 32)
    assert torch.equal(detector(images, ask(None)).score, detector(images, ask(0.0)).score)
    gnl = create_detector(tiny_config(detector="gnl")).eval()
    assert torch.equal(gnl(images, ask(None)).score, gnl(images, ask(0.5)).score)
    assert not torch.equal(gnl(images, ask(None)).score, gnl(images, ask(0.0)).score)


def test_more_references_than_are_kept_are_refused(detector: RD4AD):
    with pytest.raises(ValueError, match=r"stores 3 references, but 4 are requested; .*--stored-references"):
        detector(torch.rand(1, 3, 32, 32), ask(0.5, reference_count=4))


@torch.no_grad()
def test_a_method_without_stored_references_trains_and_scores_only_unmatched(
    tiny_config: Make, stripes: Callable[..., list[Item]]
):
    detector = create_detector(tiny_config(detector="rd4ad", stored_references=0)).eval()
    detector.prepare(Batches(stripes(5, label=0), image_size=(32, 32), batch_size=2))
    images = torch.rand(2, 3, 32, 32)
    assert detector(images, ask(0.0, reference_count=8)).score.isfinite().all()
    with pytest.raises(ValueError, match="stores no references, so features cannot be matched"):
        detector(images, ask(0.5))


@torch.no_grad()
def test_the_score_is_the_maximum_of_the_summed_cosine_distances(detector: RD4AD):
    images = torch.rand(2, 3, 32, 32)
    found, features = detector(images, ask(0.5)), detector.features(images, ask(0.5))
    summed = torch.zeros(2, 1, 32, 32)
    for e, d in zip(features.teacher, features.student, strict=True):
        cosine = (e * d).sum(1, keepdim=True) / e.norm(dim=1, keepdim=True) / d.norm(dim=1, keepdim=True)
        summed += torch.nn.functional.interpolate(1 - cosine, size=(32, 32), mode="bilinear")
    torch.testing.assert_close(found.anomaly_map, summed, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found.score, summed.amax(dim=(1, 2, 3)), rtol=1e-4, atol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("matched", ["1", "2,3", "1,2,3"])
def test_only_the_matched_stages_have_the_references_values(detector: RD4AD, matched: str):
    found = detector.features(torch.rand(1, 3, 32, 32), ask(1.0, reference_count=1, matched_stages=matched))
    for stage, name in enumerate(REFERENCES):
        equal = torch.equal(sorted_values(found.teacher[stage])[0], detector.get_buffer(name)[0])
        assert equal == (str(stage + 1) in matched)


@torch.no_grad()
def test_the_nearest_reference_of_a_reference_image_is_itself(detector: RD4AD, images: Tensor):
    first = detector.get_buffer("references.stage_1")
    own = sorted_values(detector.network.teacher(images)[0])
    image = torch.cdist(own.flatten(1), first.flatten(1)).min(dim=1).values.argmin()
    scoring = ask(1.0, reference_count=3, reference_choice="nearest", matched_stages="1")
    found = detector.features(images[image][None], scoring)
    torch.testing.assert_close(found.teacher[0], detector.network.teacher(images[image][None])[0], rtol=0, atol=1e-4)


@torch.no_grad()
def test_the_score_is_the_map_reduced_by_the_setting(detector: RD4AD):
    images = torch.rand(2, 3, 32, 32)
    found = detector(images, ask(0.0, reduction="mean"))
    torch.testing.assert_close(found.score, found.anomaly_map.mean(dim=(1, 2, 3)))


@torch.no_grad()
def test_smoothing_comes_before_the_maximum(detector: RD4AD):
    images = torch.rand(1, 3, 32, 32)
    plain, smoothed = detector(images, ask(0.0)), detector(images, ask(0.0, smoothing_sigma_px=2.0))
    expected = scipy.ndimage.gaussian_filter(plain.anomaly_map[0, 0].numpy(), 2.0)
    torch.testing.assert_close(smoothed.anomaly_map[0, 0], torch.from_numpy(expected), rtol=1e-4, atol=1e-4)
    assert smoothed.score.item() == pytest.approx(expected.max(), abs=1e-4)


def test_kept_teacher_maps_change_no_loss(tiny_config: Make, stripes: Callable[..., list[Item]]):
    losses = []
    for megabytes in (0, 64):
        detector = create_detector(tiny_config(detector="gnl", feature_cache_mb=megabytes))
        batches = Batches(stripes(4, label=0), image_size=(32, 32), batch_size=4, views=detector.views)
        detector.eval().prepare(batches)
        detector.train()
        losses.append({name: term.item() for name, term in detector.losses(next(batches.epoch(1))).items()})
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_fixed_views_are_encoded_once_and_random_views_each_time(tiny_config: Make, stripes: Callable[..., list[Item]]):
    detector = create_detector(tiny_config(detector="gnl"))
    batches = Batches(stripes(4, label=0), image_size=(32, 32), batch_size=4, views=detector.views)
    detector.eval().prepare(batches)
    encoded = []
    detector.network.teacher.register_forward_pre_hook(lambda _, inputs: encoded.append(inputs[0]))
    batch = next(batches.epoch(1))
    detector.train().losses(batch)
    assert len(encoded) == 1
    assert torch.equal(encoded[0], batch.views["augmix"])


def test_augmix_training_learns_from_that_view_alone(tiny_config: Make, stripes: Callable[..., list[Item]]):
    detector = create_detector(tiny_config(detector="rd4ad_augmix")).train()
    assert detector.views == ("original", "augmix")
    batch = next(Batches(stripes(4, label=0), image_size=(32, 32), batch_size=4, views=detector.views).epoch(1))
    as_original = replace(batch, views={"original": batch.views["augmix"]})
    expected = create_detector(tiny_config(detector="rd4ad")).train().losses(as_original)
    assert detector.losses(batch)["distillation"].item() == expected["distillation"].item()
    without = replace(batch, views=batch.views | {"original": torch.zeros(4, 3, 32, 32)})
    again = create_detector(tiny_config(detector="rd4ad_augmix")).train()
    assert again.losses(without)["distillation"].item() == expected["distillation"].item()


def test_references_are_original_images_for_any_trained_views(
    detector: RD4AD, tiny_config: Make, stripes: Callable[..., list[Item]]
):
    augmix = create_detector(tiny_config(detector="rd4ad_augmix")).eval()
    augmix.prepare(Batches(stripes(5, label=0), image_size=(32, 32), batch_size=2, views=augmix.views))
    assert all(torch.equal(augmix.get_buffer(name), detector.get_buffer(name)) for name in REFERENCES)


@pytest.mark.parametrize("name", ["rd4ad_augmix", "rd4ad_mixstyle", "rd4ad_efdm"])
def test_maps_that_are_random_in_training_are_encoded_each_time(
    name: str, tiny_config: Make, stripes: Callable[..., list[Item]]
):
    detector = create_detector(tiny_config(detector=name))
    batches = Batches(stripes(4, label=0), image_size=(32, 32), batch_size=4, views=detector.views)
    encoded = []
    detector.network.teacher.register_forward_pre_hook(lambda _, inputs: encoded.append(inputs[0]))
    detector.eval().prepare(batches)
    assert len(encoded) == 1  # the references
    detector.train().losses(next(batches.epoch(1)))
    assert len(encoded) == 2


def test_a_domain_under_noise_is_farther_away_than_training_images_are(
    detector: RD4AD, stripes: Callable[..., list[Item]]
):
    items = stripes(5, label=0)
    noisy = shift_items(items, "gaussian_noise:5")
    near, far = (measure_shift(detector, Batches(part, image_size=(32, 32), batch_size=2)) for part in (items, noisy))
    assert 0 < near < 1 < far


def test_the_shift_is_the_mean_of_the_stages_shift_scores(detector: RD4AD, images: Tensor):
    stages = [sorted_values(stage).mean(dim=0) for stage in detector.network.teacher(images)]
    expected = [
        shift_score(stage, detector.get_buffer(name)).item() for stage, name in zip(stages, REFERENCES, strict=True)
    ]
    found = detector.references.measure_shift(detector.network.teacher, [images[:2], images[2:]])
    assert found == pytest.approx(sum(expected) / 3, rel=1e-4)


def test_one_reference_has_no_spread_to_measure_a_shift_by(tiny_config: Make, images: Tensor):
    detector = create_detector(tiny_config(detector="rd4ad", stored_references=1, reference_count=1)).eval()
    assert detector.references.measure_shift(detector.network.teacher, [images]) is None


def draw_spots(image: Tensor, *, count: int, radius_px: float, seed: int) -> tuple[Tensor, Tensor]:
    """Copies of an image with a coloured disc each, (count, 3, H, W), and the discs' middles in pixels, (count, 2)."""
    generator = torch.Generator().manual_seed(seed)
    sides, edge = torch.tensor(image.shape[-2:]), 25
    middles = edge + torch.rand(count, 2, generator=generator) * (sides - 1 - 2 * edge)
    colours = torch.rand(count, 3, 1, 1, generator=generator).round()
    rows, columns = torch.meshgrid(*map(torch.arange, image.shape[-2:]), indexing="ij")
    distances = torch.hypot(rows - middles[:, 0, None, None], columns - middles[:, 1, None, None])
    covered = (radius_px + 0.5 - distances).clamp(0, 1)[:, None]
    return image * (1 - covered) + covered * colours, middles


def find_middles(maps: Tensor) -> Tensor:
    """Centroid of the squared values of maps (N, H, W) in pixels, (N, 2)."""
    weights = maps.square()
    rows, columns = (torch.arange(side) for side in maps.shape[-2:])
    total = weights.sum(dim=(1, 2))
    return torch.stack([(weights.sum(2) * rows).sum(1) / total, (weights.sum(1) * columns).sum(1) / total], dim=1)


@torch.no_grad()
@pytest.mark.parametrize("size", [(100, 150), (132, 132), (96, 160)])
def test_the_maps_rise_where_the_anomaly_is_at_any_size(size: tuple[int, int]):
    run = load_run(RunFolder(BUNDLED / "parts-nut-rd4ad"), device="cpu")
    items = [item for item in list_domain(run.config, "parts") if item.label == 0][:6]
    (batch,) = Batches(items, image_size=size, batch_size=len(items))
    displaced = []
    for seed, image in enumerate(batch.views["original"]):
        spotted, middles = draw_spots(image, count=8, radius_px=5, seed=seed)
        plain, *stages = (stage_maps(run.detector, one, run.config) for one in (image, *spotted))
        rise = (torch.stack(stages) - plain).clamp_min(0)
        displaced.append(torch.stack([find_middles(one) - middles for one in (rise.sum(1), rise[:, 0], rise[:, 1])]))
    whole, low, middle = torch.cat(displaced, dim=1).median(dim=1).values.abs().amax(dim=1)
    assert whole < 1
    assert low < 1.5
    assert middle < 1.5


@torch.no_grad()
@pytest.mark.parametrize("size", [(32, 32), (48, 64)])
def test_where_the_cells_tile_the_image_their_places_change_nothing(detector: RD4AD, size: tuple[int, int]):
    images = torch.rand(2, 3, *size)
    found, features = detector(images, ask(0.0)), detector.features(images, ask(0.0))
    evenly = anomaly_map(features.teacher, features.student, size=size, grids=[None] * 3)
    assert torch.equal(found.anomaly_map, evenly)
