"""Distances and planes in an embedding."""

import numpy as np
import pytest

from gnl_core.metrics.embedding import (
    Frame,
    Group,
    alternate,
    contrast_axes,
    distances,
    fit_frame,
    half_of,
    project,
    project_unseen,
    separate,
    shown_share,
    squared_distance,
)

UNIT = Frame(np.zeros(3), 1.0, np.eye(3)[:2], (0.5, 0.3))


def cloud(centre, *, count=400, seed=0):
    return np.random.default_rng(seed).normal(size=(count, 3)) + centre


def test_the_frame_is_the_training_images_own():
    training = np.array([[3.0, 0, 0], [-3, 0, 0], [0, 2, 0], [0, -2, 0]]) + 5
    frame = fit_frame(training)
    assert frame.origin.tolist() == [5, 5, 5]
    assert frame.spread == pytest.approx(np.sqrt(26 / 3))
    assert np.abs(frame.axes) == pytest.approx(np.eye(3)[:2])
    assert frame.explained == pytest.approx((18 / 26, 8 / 26))


def test_training_images_lie_one_spread_from_their_mean():
    training = cloud(7, count=50)
    own = distances(fit_frame(training), training)
    assert np.square(own).mean() == pytest.approx(49 / 50)  # the variance is that of a sample


def test_the_plane_keeps_the_distances_in_it():
    points = np.array([[3.0, 4, 0], [0, 0, 9]])
    assert project(UNIT, points, UNIT.axes).tolist() == [[3, 4], [0, 0]]
    assert distances(UNIT, points).tolist() == [5, 9]


def test_distances_are_those_between_the_populations():
    shift, anomaly = np.array([3.0, 0, 0]), np.array([0, 2.0, 0])
    labels = np.repeat([0, 1], 400)
    base = Group(np.concatenate([cloud(0, seed=1), cloud(anomaly, seed=2)]), labels)
    shifted = Group(np.concatenate([cloud(shift, seed=3), cloud(shift + anomaly, seed=4)]), labels)
    found = separate(UNIT, base, shifted)
    assert found.shift == pytest.approx(9, abs=0.5)
    assert found.anomaly == pytest.approx(4, abs=0.5)
    assert found.base_anomaly == pytest.approx(4, abs=0.5)
    assert found.shift_share == pytest.approx(9 / 13, abs=0.05)


def test_groups_of_one_population_are_not_apart_on_average():
    found = [
        squared_distance(UNIT, cloud(0, count=5, seed=2 * s), cloud(0, count=5, seed=2 * s + 1)) for s in range(300)
    ]
    uncorrected = 3 * (1 / 5 + 1 / 5)
    assert min(found) == 0
    assert np.mean(found) < uncorrected / 3


def test_without_labels_all_shifted_images_count_and_there_is_no_anomaly():
    unlabelled = Group(cloud(2), np.full(400, -1))
    found = separate(UNIT, Group(cloud(0, seed=1), np.zeros(400, dtype=np.int64)), unlabelled)
    assert found.shift == pytest.approx(12, abs=1)
    assert found.anomaly is found.base_anomaly is found.shift_share is None


def test_a_group_of_one_image_has_no_distance():
    assert squared_distance(UNIT, cloud(0), cloud(0, count=1)) is None


def test_the_axes_lie_along_the_shift_and_at_right_angles_along_the_anomaly():
    base = Group(np.zeros((2, 3)), np.zeros(2))
    shifted = Group(np.array([[0, 0, 2.0], [3, 0, 5]]), np.array([0, 1]))
    assert np.allclose(contrast_axes(UNIT, base, shifted), [[0, 0, 1], [1, 0, 0]])
    assert contrast_axes(UNIT, base, base) is None
    unlabelled = Group(np.array([[0, 0, 2.0]]), np.array([-1]))
    assert np.allclose(contrast_axes(UNIT, base, unlabelled), [[0, 0, 1], UNIT.axes[0]])


def test_images_of_one_population_lie_together_on_axes_fitted_without_them():
    labels, size = np.zeros(40, dtype=np.int64), 200
    here, there = (Group(np.random.default_rng(seed).normal(size=(40, size)), labels) for seed in (1, 2))
    frame = Frame(np.zeros(size), 1.0, np.eye(size)[:2], (0.5, 0.3))
    halves = [
        contrast_axes(frame, half_of(here, second=second), half_of(there, second=second)) for second in (False, True)
    ]
    seen = project(frame, there.points, halves[0])[:, 0].mean() - project(frame, here.points, halves[0])[:, 0].mean()
    unseen = project_unseen(frame, there, halves)[:, 0].mean() - project_unseen(frame, here, halves)[:, 0].mean()
    assert seen > 1
    assert abs(unseen) < 0.5


def test_each_label_is_split_into_halves():
    assert alternate(np.array([0, 1, 0, 1, 0])).tolist() == [False, False, True, True, False]


def test_a_plane_shows_only_the_part_of_a_distance_that_lies_in_it():
    assert shown_share(np.zeros((2, 2)), np.full((2, 2), 3.0), 36.0) == 0.5
    assert shown_share(np.zeros((2, 2)), np.full((2, 2), 3.0), 9.0) == 1


@pytest.mark.parametrize(
    ("training", "message"),
    [
        (np.zeros((2, 3)), "at least 3 training images and 2 dimensions, got 2 and 3"),
        (np.ones((4, 3)), "equal embeddings"),
        (np.full((4, 3), np.nan), "not finite"),
    ],
)
def test_training_images_that_give_no_frame_are_refused(training, message):
    with pytest.raises(ValueError, match=message):
        fit_frame(training)
