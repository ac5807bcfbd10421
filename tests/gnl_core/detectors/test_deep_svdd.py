from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from gnl_core.config import RunConfig
from gnl_core.datasets.base import Item
from gnl_core.datasets.loading import Batches
from gnl_core.detectors import create_detector
from gnl_core.detectors.deep_svdd import DeepSVDD, enclosing_radius, keep_from_zero
from gnl_core.records import Batch
from gnl_core.training import fit

Make = Callable[..., RunConfig]


@pytest.fixture
def batches(stripes: Callable[..., list[Item]]) -> Batches:
    return Batches(stripes(8, label=0), image_size=(32, 32), batch_size=4)


def prepared(config: RunConfig, batches: Batches) -> DeepSVDD:
    detector = create_detector(config).eval()
    detector.prepare(batches)
    return detector


def at_distances(detector: DeepSVDD, *distances: float) -> Batch:
    """A batch whose points have given distances from the centre, regardless of its images."""
    offsets = torch.zeros(len(distances), 128)
    offsets[:, 0] = torch.tensor(distances)
    detector.encoder.forward = lambda images: detector.centre + offsets
    names = ("",) * len(distances)
    return Batch({"original": torch.rand(len(distances), 3, 32, 32)}, torch.zeros(len(distances)), names, names, names)


def test_coordinates_near_zero_are_pushed_out_on_their_own_side():
    centre = torch.tensor([0.0, 0.05, -0.05, 0.1, -0.1, 0.7, -2.0])
    expected = torch.tensor([0.1, 0.1, -0.1, 0.1, -0.1, 0.7, -2.0])
    assert torch.equal(keep_from_zero(centre), expected)


def test_the_centre_is_the_mean_of_the_untrained_encoders_points(tiny_config: Make, batches: Batches):
    detector = prepared(tiny_config(detector="deep_svdd"), batches)
    encoder = create_detector(tiny_config(detector="deep_svdd")).train().encoder
    with torch.no_grad():
        points = torch.cat([encoder(batch.views["original"]) for batch in batches])
    far = points.mean(dim=0).abs() > 0.11
    assert far.any()
    torch.testing.assert_close(detector.centre[far], points.mean(dim=0)[far])
    assert detector.centre.abs().min().item() == pytest.approx(0.1)


def test_training_leaves_the_centre_where_it_is(tiny_config: Make, batches: Batches):
    config = tiny_config(detector="deep_svdd")
    detector = create_detector(config)
    list(fit(detector, batches, epochs=2, learning_rate=0.01))
    assert torch.equal(detector.centre, prepared(config, batches).centre)


def test_the_radius_leaves_a_share_of_the_points_outside():
    # distances 0 to 10: a fifth of the eleven lies beyond 8
    squared = torch.arange(11.0).square()
    assert enclosing_radius(squared, outside_share=0.2).item() == pytest.approx(8)
    assert enclosing_radius(squared, outside_share=1.0).item() == 0


def test_the_one_class_objective_is_the_mean_squared_distance(tiny_config: Make, batches: Batches):
    detector = prepared(tiny_config(detector="deep_svdd"), batches)
    terms = detector.losses(at_distances(detector, 1.0, 2.0, 3.0))
    assert {name: term.item() for name, term in terms.items()} == pytest.approx({"distance": 14 / 3})


def test_the_soft_boundary_pays_for_its_radius_and_for_what_lies_outside(tiny_config: Make, batches: Batches):
    detector = prepared(tiny_config(detector="deep_svdd", svdd_objective="soft_boundary"), batches)
    detector.radius.fill_(2.0)
    terms = detector.losses(at_distances(detector, 1.0, 2.0, 3.0))
    # only 9 - 4 lies outside; a third of it in the mean, and a tenth of the images may
    assert {name: term.item() for name, term in terms.items()} == pytest.approx({"radius": 4, "outside": 5 / 3 / 0.1})


def test_scores_are_squared_distances_less_the_squared_radius(tiny_config: Make, batches: Batches):
    config = tiny_config(detector="deep_svdd", svdd_objective="soft_boundary")
    detector = prepared(config, batches)
    detector.radius.fill_(2.0)
    batch = at_distances(detector, 1.0, 2.0, 3.0)
    found = detector(batch.views["original"], config)
    assert found.score.tolist() == pytest.approx([-3, 0, 5], abs=1e-4)
    assert found.anomaly_map is None


def test_the_radius_follows_the_batch_once_the_warm_up_is_over(tiny_config: Make, batches: Batches):
    config = tiny_config(detector="deep_svdd", svdd_objective="soft_boundary", svdd_outside_share=0.25)
    detector = prepared(config, batches).train()
    optimizers = detector.optimizers(1e-9)
    batch = next(batches.epoch(1))
    detector.training_step(batch, optimizers, progress=0.06)
    assert detector.radius.item() == 0
    detector.training_step(batch, optimizers, progress=0.07)
    inside = (detector.distances(batch.views["original"]) < detector.radius.square()).sum().item()
    assert inside == 3  # of four


def test_the_one_class_objective_has_no_radius(tiny_config: Make, batches: Batches):
    detector = create_detector(tiny_config(detector="deep_svdd"))
    list(fit(detector, batches, epochs=2, learning_rate=None))
    assert detector.radius.item() == 0


def test_a_soft_boundary_learns(tiny_config: Make, batches: Batches):
    detector = create_detector(tiny_config(detector="deep_svdd", svdd_objective="soft_boundary"))
    records = list(fit(detector, batches, epochs=6, learning_rate=None))
    assert sum(records[-1].losses.values()) < sum(records[0].losses.values())
    assert detector.radius.item() > 0
