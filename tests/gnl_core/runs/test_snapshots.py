"""Snapshots of a training: taken from a run that keeps its epochs, saved and read back."""

from __future__ import annotations

import json

import numpy as np
import PIL.Image
import pytest
from sklearn.decomposition import PCA

from gnl_core.config import scoring_settings
from gnl_core.files import UnreadableFileError
from gnl_core.records import Scores
from gnl_core.runs.folder import RunFolder, create_run
from gnl_core.runs.images import list_domain
from gnl_core.runs.scoring import load_run, score_domain
from gnl_core.runs.snapshot_taking import fit_plane, keep_untrained, take_snapshots, typical_rows
from gnl_core.runs.snapshots import Snapshots, read_snapshots, save_snapshots
from gnl_core.runs.training import train_run


def write_images(folder, *, seed: int, spot: bool) -> None:
    folder.mkdir(parents=True)
    for index in range(4):
        pixels = np.random.default_rng(seed + index).integers(90, 120, size=(32, 32)).astype(np.uint8)
        if spot:
            pixels[8:20, 8:20] = 255
        PIL.Image.fromarray(pixels).save(folder / f"{seed + index}.png")


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny_config) -> RunFolder:
    """One epoch of RD4AD on grey images; anomalous ones have a white spot."""
    root = tmp_path_factory.mktemp("images")
    for seed, name in enumerate(
        ("train/good", "test/lamp/good", "test/lamp/spot", "test/window/good", "test/window/spot")
    ):
        write_images(root / name, seed=100 * seed, spot=name.endswith("spot"))
    own = {"dataset": "folder", "normal_class": "good", "data_root": root, "holdout_percent": 25.0, "batch_size": 3}
    config = tiny_config(detector="rd4ad", keep_epochs=True, **own)
    folder = create_run(tmp_path_factory.mktemp("runs") / "run", config)
    list(train_run(config, folder))
    keep_untrained(folder)
    return folder


@pytest.fixture(scope="module")
def snapshots(run) -> Snapshots:
    return take_snapshots(run, [0, 1])


def test_a_snapshot_has_the_scores_of_its_epoch(run, snapshots):
    assert [one.epoch for one in snapshots.epochs] == [0, 1]
    for snapshot in snapshots.epochs:
        kept = load_run(run.epoch(snapshot.epoch))
        for domain in ("lamp", "window"):
            expected = score_domain(kept, domain, scoring_settings(kept.config, style_weight=0.0))
            np.testing.assert_allclose(snapshot.domains[domain].scores, expected.score, rtol=1e-5)
            np.testing.assert_array_equal(snapshots.watched[domain].labels, expected.label)


def test_the_last_snapshot_is_of_the_finished_run(run, snapshots):
    finished = load_run(run)
    scores = score_domain(finished, "lamp", scoring_settings(finished.config, style_weight=0.0)).score
    np.testing.assert_allclose(snapshots.epochs[-1].domains["lamp"].scores, scores, rtol=1e-5)
    assert snapshots.checkpoint == load_run(run.epoch(1)).sha256


def test_the_score_of_an_image_with_pictures_is_the_maximum_of_its_map(snapshots):
    rows = list(snapshots.watched["window"].rows)
    for snapshot in snapshots.epochs:
        part = snapshot.domains["window"]
        np.testing.assert_allclose(part.maps.max(axis=(1, 2)), part.scores[rows], rtol=1e-5)


def test_training_brings_the_student_closer_to_the_teacher(snapshots):
    before, after = (one.domains["lamp"].label_distances for one in snapshots.epochs)
    assert before.shape == (2, 3)
    assert (after < before).all()


def test_the_images_with_pictures_are_those_of_the_domain(run, snapshots):
    items = list_domain(load_run(run).config, "window")
    watched = snapshots.watched["window"]
    for row, name, image in zip(watched.rows, watched.names, watched.images, strict=True):
        assert items[row].category == name
        np.testing.assert_array_equal(items[row].read(), image)


def test_saved_snapshots_come_back(snapshots, tmp_path):
    file = tmp_path / "training.json"
    save_snapshots(file, snapshots)
    found = read_snapshots(file)
    assert found.watched.keys() == snapshots.watched.keys()
    assert found.checkpoint == snapshots.checkpoint
    assert found.config.model_dump(mode="json") == snapshots.config.model_dump(mode="json")
    np.testing.assert_array_equal(found.watched["lamp"].images, snapshots.watched["lamp"].images)
    assert found.watched["lamp"].names == snapshots.watched["lamp"].names
    for one, other in zip(found.epochs, snapshots.epochs, strict=True):
        for domain, part in one.domains.items():
            expected = other.domains[domain]
            np.testing.assert_array_equal(part.student, expected.student)
            np.testing.assert_allclose(part.maps, expected.maps, atol=0.51 * 6 / 255)  # a map is at most 6
            for name in ("scores", "embeddings", "distances", "label_distances"):
                np.testing.assert_allclose(getattr(part, name), getattr(expected, name), atol=1e-5)


@pytest.mark.parametrize("missing", ["scores", "embeddings", "distances", "maps", "student"])
def test_a_file_with_missing_numbers_is_refused_in_one_sentence(snapshots, tmp_path, missing):
    file = tmp_path / "training.json"
    save_snapshots(file, snapshots)
    content = json.loads(file.read_text())
    part = content["epochs"][1]["domains"]["lamp"]
    part[missing] = part[missing][:-4]
    file.write_text(json.dumps(content))
    with pytest.raises(UnreadableFileError, match="of lamp are incomplete; restore it, or write it again with make"):
        read_snapshots(file)


def test_an_epoch_that_the_run_does_not_keep_is_refused(run):
    with pytest.raises(ValueError, match="keeps no checkpoint of epoch 7: it keeps 0, 1"):
        take_snapshots(run, [0, 7])


def test_a_method_without_a_student_is_refused(run, tmp_path, tiny_config):
    root = load_run(run).config.data_root
    config = tiny_config(
        detector="knn", keep_epochs=True, dataset="folder", normal_class="good", data_root=root, holdout_percent=25.0
    )
    folder = create_run(tmp_path / "knn", config)
    list(train_run(config, folder))
    with pytest.raises(ValueError, match="knn has no student to watch"):
        take_snapshots(folder, [1])


def test_pictures_show_the_image_of_each_category_with_the_median_score_normal_ones_first():
    categories = np.array(["nine", "four", "nine", "four", "nine", "four"])
    labels = (categories == "nine").astype(np.int64)
    scores = Scores(
        np.array([5.0, 1.0, 9.0, 2.0, 8.0, 6.0]), labels, domain=categories, category=categories, path=categories
    )
    assert typical_rows(scores) == [3, 4]


def test_the_plane_is_that_of_a_principal_component_analysis():
    points = np.random.default_rng(0).normal(size=(50, 6)) * [5, 1, 3, 0.5, 0.2, 1]
    plane, other = fit_plane(points), PCA(2).fit(points)
    assert plane.share == pytest.approx(other.explained_variance_ratio_.sum())
    found, expected = (points - plane.centre) @ plane.axes, other.transform(points)
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-9)
