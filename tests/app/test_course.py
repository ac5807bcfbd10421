"""The course of the bundled training, in numbers and sentences."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from app.screens.learn.course import (
    describe_course,
    describe_epoch,
    describe_image,
    draw_curves,
    draw_panels,
    draw_plane,
    results_of,
)
from app.screens.learn.watching import TRAINING, describe_origin
from gnl_core.datasets import list_items
from gnl_core.runs.snapshots import Snapshots, read_snapshots


@pytest.fixture(scope="module")
def training() -> Snapshots:
    return read_snapshots(TRAINING)


def auroc(training: Snapshots, place: int, domain: str) -> str:
    return f"{roc_auc_score(training.watched[domain].labels, training.epochs[place].domains[domain].scores):.3f}"


def test_the_training_begins_before_the_first_epoch_and_ends_with_the_last(training):
    assert [one.epoch for one in training.epochs][:4] == [0, 1, 2, 3]
    assert training.epochs[-1].epoch == training.config.epochs


def test_the_images_are_those_of_the_data_set(training):
    for domain, watched in training.watched.items():
        items = list_items("digits", normal_class="4", domain=domain)
        assert watched.labels.tolist() == [item.label for item in items]
        assert list(watched.names) == [items[row].category for row in watched.rows]
        assert sorted(watched.names) == list("0123456789")


def test_the_course_is_told_from_the_first_and_the_last_epoch(training):
    told = describe_course(training, results_of(training))
    first, last = (
        one.domains["digits"].label_distances.mean(axis=1) for one in (training.epochs[0], training.epochs[-1])
    )
    assert f"from {first[0]:.2f} to {last[0]:.2f} for normal images and from {first[1]:.2f} to {last[1]:.2f}" in told
    for domain, words in (("digits", "in-distribution"), ("digits_m", "blended with photographs")):
        assert f"from {auroc(training, 0, domain)} to {auroc(training, -1, domain)} {words}" in told


@pytest.mark.parametrize(
    ("place", "beginning"), [(0, "Before training"), (1, "After 1 epoch,"), (3, "After 3 epochs,")]
)
def test_each_epoch_is_told_with_its_own_numbers(training, place, beginning):
    told = describe_epoch(training.epochs[place], results_of(training)[place])
    assert told.startswith(beginning)
    assert f"AUROC is {auroc(training, place, 'digits')} in-distribution" in told
    assert f"and {auroc(training, place, 'digits_m')} under shift" in told


def test_an_image_is_told_with_its_score_and_its_three_distances(training):
    part = training.epochs[2].domains["digits"]
    row = training.watched["digits"].rows[4]
    told = describe_image(part, row=row, place=4)
    assert told.startswith(f"score {part.scores[row]:.2f}; ")
    assert told.endswith(", ".join(f"{distance:.2f}" for distance in part.distances[4]))


def test_the_bars_of_each_epoch_hold_all_images_on_the_same_axis(training):
    panels = draw_panels(training, results_of(training))
    assert panels[0]["edges"] == panels[1]["edges"]
    for panel in panels:
        assert len(panel["epochs"]) == len(training.epochs)
        for epoch in panel["epochs"]:
            assert np.sum(epoch["shares"], axis=1) == pytest.approx([1, 1], abs=0.01)
            assert max(map(max, epoch["shares"])) <= panel["top"]


def test_the_points_lie_in_the_plane_with_one_scale_and_normal_ones_on_top(training):
    plane = draw_plane(training)
    points, (width, height) = np.array(plane["epochs"]), plane["size"]
    assert (points >= 0).all() and (points <= [width, height]).all()
    count = plane["labels"].count("normal")
    assert plane["labels"][-count:] == ["normal"] * count
    assert plane["shifted"][-1] is False
    gaps = np.linalg.norm(points[-1][1:] - points[-1][:-1], axis=1)
    places = np.concatenate([part.embeddings for part in training.epochs[-1].domains.values()])
    labels = np.concatenate([watched.labels for watched in training.watched.values()])
    shifted = np.arange(len(labels)) >= len(labels) // 2
    ordered = np.concatenate([places[(labels == 1) & shifted], places[(labels == 1) & ~shifted]])
    expected = np.linalg.norm(ordered[1:] - ordered[:-1], axis=1)
    ratio = gaps[: len(expected)][expected > 0.2] / expected[expected > 0.2]
    assert ratio.max() / ratio.min() == pytest.approx(1, abs=0.02)


def test_there_is_a_curve_for_each_label_in_each_domain(training):
    curves = draw_curves(training)
    assert [(curve["label"], curve["shifted"]) for curve in curves] == [
        ("normal", False),
        ("anomalous", False),
        ("normal", True),
        ("anomalous", True),
    ]
    assert all(len(curve["values"]) == len(training.epochs) for curve in curves)


def test_the_origin_names_images_run_and_seed(training):
    told = describe_origin(training)
    assert "20 epochs; n = 74 normal and 645 anomalous images per domain, without matching" in told
    assert f"seed 0 · checkpoint RD4AD {training.checkpoint[:8]} · EfficientNet-Lite0" in told
