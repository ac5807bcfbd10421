from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from gnl_core.config import RunConfig
from gnl_core.datasets import DATASETS, digits
from gnl_core.datasets.base import Item
from gnl_core.datasets.images import UnreadableImageError
from gnl_core.detectors import complete_config
from gnl_core.metrics.map_scale import scale_of_scores
from gnl_core.runs.folder import RunFolder, create_run, read_records
from gnl_core.runs.images import list_domain, split_training
from gnl_core.runs.scoring import Run, load_domain, load_run, map_scale, resolve_scoring, score_domain
from gnl_core.runs.training import prepare_training, train_run
from gnl_core.scoring import detect

Make = Callable[..., RunConfig]


@pytest.fixture(autouse=True)
def few_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the data set's first 30 test and 12 training images."""
    spec = DATASETS["digits"]
    few = spec._replace(
        train_items=lambda root, normal: digits.train_items(root, normal)[:12],
        test_items=lambda root, normal, domain: digits.test_items(root, normal, domain)[:30],
    )
    monkeypatch.setitem(DATASETS, "digits", few)


@pytest.fixture
def run(trained_run: RunFolder) -> Run:
    return load_run(trained_run, device="cpu")


def test_each_epoch_leaves_its_record_and_checkpoint_on_disk(tiny_config: Make, tmp_path: Path):
    folder = create_run(tmp_path / "run", config := tiny_config(detector="rd4ad", epochs=2))
    hashes = []
    for number, record in enumerate(train_run(config, folder), start=1):
        assert read_records(folder)[-1] == record
        assert len(read_records(folder)) == number == record.epoch
        hashes.append(folder.weights.read_bytes())
    assert len(set(hashes)) == 2


def test_a_run_trains_on_as_many_images_as_it_is_limited_to(
    tiny_config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    read = []
    train_items = DATASETS["digits"].train_items
    noting = DATASETS["digits"]._replace(
        train_items=lambda root, normal: [
            item._replace(read=lambda item=item: read.append(item.path) or item.read())
            for item in train_items(root, normal)
        ]
    )
    monkeypatch.setitem(DATASETS, "digits", noting)
    config = tiny_config(detector="rd4ad", limit=5)
    list(train_run(config, create_run(tmp_path / "run", config)))
    assert sorted(read) == [item.path for item in train_items(None, "4")[:5]]


def test_the_same_settings_give_the_same_file(tiny_config: Make, tmp_path: Path):
    config, files = tiny_config(limit=8), []
    for name in ("a", "b"):
        folder = create_run(tmp_path / name, config)
        list(train_run(config, folder))
        files.append(folder.weights.read_bytes())
    assert files[0] == files[1]


def test_the_weights_do_not_depend_on_the_number_of_workers(tiny_config: Make, tmp_path: Path):
    weights = []
    for workers in (0, 2):
        folder = create_run(tmp_path / str(workers), config := tiny_config(limit=8, workers=workers))
        list(train_run(config, folder))
        weights.append(load_run(folder, device="cpu").detector.state_dict())
    assert all(torch.equal(tensor, weights[1][name]) for name, tensor in weights[0].items())


def test_a_run_trains_on_its_data_sets_operations(tiny_config: Make):
    for dataset, normal_class in (("digits", "4"), ("parts", "nut")):
        _, batches = prepare_training(tiny_config(dataset=dataset, normal_class=normal_class, detector="rd4ad"))
        assert batches.augmix_operations == DATASETS[dataset].augmix_operations


def test_the_library_warns_of_images_that_it_leaves_out(tiny_config: Make, monkeypatch: pytest.MonkeyPatch):
    def fail() -> np.ndarray:
        raise UnreadableImageError("a.png is damaged; replace it")

    items = DATASETS["digits"].train_items(None, "4")
    broken = [items[0], items[1]._replace(read=fail), *items[2:]]
    monkeypatch.setitem(DATASETS, "digits", DATASETS["digits"]._replace(train_items=lambda root, normal: broken))
    settings = {"detector": "rd4ad", "holdout_percent": 0, "limit": 6}
    with pytest.warns(UserWarning, match="left out 1 of 6 training images that cannot be read; the first: a.png is"):
        _, batches = prepare_training(tiny_config(**settings, skip_broken=True))
    assert [item.path for item in batches.items] == [items[position].path for position in (0, 2, 3, 4, 5)]
    _, batches = prepare_training(tiny_config(**settings))
    assert len(batches.items) == 6


def test_a_run_that_cannot_start_leaves_no_folder(tiny_config: Make, tmp_path: Path):
    config = tiny_config(detector="oracle")
    with pytest.raises(ValueError, match="unknown detector"):
        list(train_run(config, create_run(tmp_path / "run", config)))
    assert not (tmp_path / "run").exists()


def test_a_run_that_is_stopped_after_an_epoch_stays(tiny_config: Make, tmp_path: Path):
    config = tiny_config(detector="rd4ad", epochs=5)
    folder = create_run(tmp_path / "run", config)
    epochs = train_run(config, folder)
    next(epochs)
    epochs.close()
    assert len(read_records(folder)) == 1
    assert load_run(folder, device="cpu").config == complete_config(config)


def test_a_folder_without_a_checkpoint_is_no_run(tmp_path: Path):
    with pytest.raises(ValueError, match=r"no checkpoint at .*; train one with gnl train"):
        load_run(RunFolder(tmp_path))


def test_a_domain_is_scored_with_one_row_per_image(run: Run):
    rows = score_domain(run, "digits_m", resolve_scoring(run))
    assert rows.path.tolist() == [item.path for item in digits.test_items(None, "4", "digits_m")[:30]]
    assert rows.label.tolist() == [int(category != "4") for category in rows.category]
    assert np.isfinite(rows.score).all()


def test_an_unknown_domain_is_refused(run: Run):
    with pytest.raises(ValueError, match="unknown domain 'night'"):
        score_domain(run, "night", resolve_scoring(run))


def test_an_unset_scoring_setting_is_the_runs_then_the_methods(run: Run):
    assert resolve_scoring(run).model_dump() == {
        "style_weight": 0.5,  # GNL's
        "reference_count": 2,  # the run's
        "matched_stages": "1,2",  # the defaults, from here on
        "reference_choice": "mean",
        "align_corners": False,
        "smoothing_sigma_px": 0.0,
        "reduction": "maximum",
        "top_percent": 10.0,
        "region_of_interest": "all",
        "scoring_precision": "32-true",
    }
    own = Run(run.detector, run.config.model_copy(update={"style_weight": 0.0}))
    assert resolve_scoring(own).style_weight == 0.0


def test_a_given_scoring_setting_takes_precedence(run: Run):
    asked = resolve_scoring(run, style_weight=1.0, smoothing_sigma_px="2", reference_count=None)
    assert (asked.style_weight, asked.smoothing_sigma_px, asked.reference_count) == (1.0, 2.0, 2)


def test_scoring_settings_change_the_scores_but_not_the_detector(run: Run):
    before = score_domain(run, "digits_m", resolve_scoring(run, style_weight=0.0)).score
    matched = score_domain(run, "digits_m", resolve_scoring(run, style_weight=1.0)).score
    assert np.abs(before - matched).max() > 0.01
    assert (score_domain(run, "digits_m", resolve_scoring(run, style_weight=0.0)).score == before).all()


def test_the_map_scale_ends_where_nearly_all_normal_training_images_do(run: Run):
    # without smoothing a score is its map's maximum
    scoring = resolve_scoring(run)
    maxima = [score_domain(run, part, scoring).score for part in ("train", "held_out")]
    assert map_scale(run, scoring) == pytest.approx(np.quantile(np.concatenate(maxima), 0.995), rel=1e-6)
    assert map_scale(run, scoring) == pytest.approx(scale_of_scores(*maxima), rel=1e-6)


def test_the_map_scale_of_a_method_that_memorises_its_training_images_is_not_zero(tiny_config: Make, tmp_path: Path):
    config = tiny_config(detector="patchcore", coreset_percent=100, stored_references=0, style_weight=0)
    folder = create_run(tmp_path / "run", config)
    list(train_run(config, folder))
    loaded = load_run(folder)
    learnt = score_domain(loaded, "train", resolve_scoring(loaded)).score
    assert map_scale(loaded, resolve_scoring(loaded)) > 10 * learnt.max()


def test_a_method_without_maps_has_no_map_scale(tiny_config: Make):
    config = tiny_config(detector="deep_svdd")
    untrained = Run(prepare_training(config)[0].eval(), config)
    with pytest.raises(ValueError, match="deep_svdd gives scores only"):
        map_scale(untrained, config)


def test_detections_come_with_their_images(run: Run):
    ((batch, detection),) = detect(run.detector, load_domain(run, "digits"), resolve_scoring(run))
    assert len(batch.paths) == 30
    assert detection.anomaly_map is not None
    assert detection.anomaly_map.shape == (30, 1, 32, 32)
    assert (detection.score == detection.anomaly_map.amax(dim=(1, 2, 3))).all()


def names(items: list[Item]) -> list[str]:
    return [item.path for item in items]


def test_held_out_images_are_a_share_never_trained_on(tiny_config: Make):
    learnt, held_out = split_training(tiny_config(holdout_percent=25))
    assert (len(learnt), len(held_out)) == (9, 3)
    assert sorted(names(learnt + held_out)) == names(split_training(tiny_config(holdout_percent=0))[0])


def test_the_seed_determines_which_images_are_held_out(tiny_config: Make):
    held_out = [names(split_training(tiny_config(holdout_percent=25, seed=seed))[1]) for seed in (0, 0, 1)]
    assert held_out[0] == held_out[1] != held_out[2]


def test_the_limit_counts_the_images_trained_on(tiny_config: Make):
    learnt, held_out = split_training(tiny_config(holdout_percent=25, limit=4))
    assert (len(learnt), len(held_out)) == (4, 3)


def test_a_detector_is_prepared_only_on_the_images_trained_on(tiny_config: Make):
    config = tiny_config(holdout_percent=25)
    _, batches = prepare_training(config)
    assert [path for batch in batches for path in batch.paths] == names(split_training(config)[0])


def test_training_and_held_out_images_can_be_scored_also_under_a_corruption(tiny_config: Make):
    config = tiny_config(holdout_percent=25)
    learnt, held_out = split_training(config)
    assert names(list_domain(config, "train")) == names(learnt)
    assert names(list_domain(config, "held_out+contrast:3")) == names(held_out)
    assert {item.domain for item in list_domain(config, "held_out+contrast:3")} == {"held_out+contrast:3"}


def test_scoring_held_out_images_of_a_run_without_any_is_refused(tiny_config: Make):
    with pytest.raises(ValueError, match="holds out no training images; train one with a larger --holdout-percent"):
        list_domain(tiny_config(holdout_percent=0), "held_out")
