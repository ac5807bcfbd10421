"""The settings that belong to one method: which there are, and how they come from old and new files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gnl_core import api
from gnl_core.config import MethodSettings, RunConfig, parse_config
from gnl_core.detectors import (
    DETECTORS,
    complete_config,
    create_detector,
    find_method,
    keep_own_settings,
    method_fields,
    refuse_foreign,
)
from gnl_core.detectors.deep_svdd import DeepSVDDSettings
from gnl_core.detectors.gnl import GNLSettings
from gnl_core.detectors.knn import KNNSettings
from gnl_core.jobs.start import open_unfinished, start
from gnl_core.runs.checkpoints import load_checkpoint, read_checkpoint, save_checkpoint
from gnl_core.runs.compatibility import differing_settings
from gnl_core.runs.folder import RunFolder, create_run, read_config, write_config
from gnl_core.runs.imports import import_own
from gnl_core.runs.training import train_run

BUNDLED = sorted((Path(__file__).parents[3] / "assets" / "checkpoints").glob("*/config.json"))
Make = Callable[..., RunConfig]
OTHERS = {"jigsaw_weight": 0.7, "neighbours": 2, "svdd_objective": "one_class", "trained_views": "augmix,grayscale"}


def test_every_setting_is_described_and_has_a_name_that_is_no_common_settings():
    fields = method_fields(DETECTORS)
    assert len(fields) == 17
    assert all(field.description for field in fields.values())
    assert not fields.keys() & RunConfig.model_fields.keys()


def test_methods_that_share_a_setting_share_its_record():
    records = {find_method(name).settings_type for name in DETECTORS}
    assert sum(len(record.model_fields) for record in records) == len(method_fields(DETECTORS))


def test_defaults_are_the_papers():
    assert complete_config(RunConfig()).method == GNLSettings(
        trained_views="augmix,grayscale", distillation_weight=0.9, bottleneck_weight=0.1, low_level_weight=0.1
    )
    assert complete_config(RunConfig(detector="kdad")).method == MethodSettings()


@pytest.mark.parametrize(
    ("detector", "name", "value"),
    [
        ("gnl", "distillation_weight", -0.1),
        ("gnl", "bottleneck_weight", -0.1),
        ("gnl", "low_level_weight", -0.1),
        ("gnl", "distillation_weight", "inf"),
        ("f_anogan", "anogan_feature_weight", "nan"),
        ("deep_svdd", "svdd_objective", "two_class"),
        ("deep_svdd", "svdd_outside_share", 0),
        ("deep_svdd", "svdd_outside_share", 1.5),
        ("knn", "neighbours", "x"),
        ("knn", "colour", "red"),
    ],
)
def test_a_bad_value_is_refused_in_one_sentence_that_names_it(detector: str, name: str, value: object):
    with pytest.raises(ValueError, match=f"^invalid settings: {name} = {value!r}: ") as refusal:
        complete_config(parse_config({"detector": detector, name: value}))
    assert "\n" not in str(refusal.value)


def test_another_methods_setting_is_refused_with_the_methods_that_have_it(tmp_path: Path):
    sentence = (
        r"^invalid settings: mixing_beta = 0\.2: this is a setting of rd4ad_mixstyle, rd4ad_efdm; "
        "leave it out, or choose such a detector$"
    )
    given = {"detector": "knn", "neighbours": 3, "mixing_beta": 0.2}
    with pytest.raises(ValueError, match=sentence):
        complete_config(parse_config(given))
    with pytest.raises(ValueError, match=sentence):
        api.train(tmp_path / "run", **given)
    with pytest.raises(ValueError, match=sentence):
        start(RunConfig(**given), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_all_foreign_settings_are_named_at_once():
    with pytest.raises(ValueError, match=r"colour = 1: there is no such setting.*; neighbours = 2: this is"):
        refuse_foreign({"colour": 1, "jigsaw_weight": 1, "neighbours": 2}, ["gnl", "rd4ad_jigsaw"])


def test_text_is_converted_as_flags_need():
    assert complete_config(parse_config({"detector": "knn", "neighbours": "3"})).method == KNNSettings(neighbours=3)


def test_a_complete_config_is_left_as_it_is():
    config = complete_config(RunConfig(detector="knn", neighbours=3))
    assert complete_config(config) == config


@pytest.mark.parametrize("file", BUNDLED, ids=lambda file: file.parent.name)
def test_the_flat_settings_of_bundled_runs_are_read_and_decide_the_same_training(file: Path):
    assert "jigsaw_weight" in json.loads(file.read_text())  # as of earlier versions
    config = read_config(RunFolder(file.parent))
    now = complete_config(
        RunConfig(**{name: getattr(config, name) for name in RunConfig.model_fields if name != "method"})
    )
    assert keep_own_settings(config) == now
    assert not list(differing_settings(config, now))
    assert RunConfig.model_validate_json(config.model_dump_json()) == config


def test_a_bundled_checkpoint_gives_the_detector_of_its_flat_header(tmp_path: Path):
    weights = BUNDLED[0].parent / "weights.safetensors"
    detector, config = load_checkpoint(weights, device="cpu")
    assert config.method == GNLSettings()
    folder = import_own(weights, tmp_path / "imported")
    assert json.loads(folder.config.read_text())["method"] == GNLSettings().model_dump()
    assert detector.views == ("original", "augmix", "grayscale")


def test_an_old_setting_that_is_not_the_default_is_kept():
    flat = RunConfig(detector="deep_svdd", **(OTHERS | {"svdd_objective": "soft_boundary"}))
    assert keep_own_settings(flat).method == DeepSVDDSettings(svdd_objective="soft_boundary")
    (difference,) = differing_settings(flat, RunConfig(detector="deep_svdd"))
    assert difference == ("svdd_objective", "soft_boundary", "one_class")


def test_a_new_runs_files_hold_its_methods_settings_alone(tiny_config: Make, tmp_path: Path):
    config = complete_config(tiny_config(detector="knn", neighbours=3))
    folder = create_run(tmp_path / "run", config)
    list(train_run(config, folder))
    assert json.loads(folder.config.read_text())["method"] == {"neighbours": 3}
    assert complete_config(read_config(folder)) == config
    assert read_checkpoint(folder.weights)[0].config == config


def test_a_checkpoint_with_the_settings_of_all_methods_gives_the_same_detector(tiny_config: Make, tmp_path: Path):
    config = tiny_config(detector="deep_svdd", svdd_outside_share=0.3)
    flat = tiny_config(detector="deep_svdd", **(OTHERS | {"svdd_outside_share": 0.3}))
    save_checkpoint(tmp_path / "w.safetensors", create_detector(flat), flat, epoch=1)
    detector, read = load_checkpoint(tmp_path / "w.safetensors", device="cpu")
    assert detector.outside_share == 0.3
    assert read == complete_config(config)


def test_a_run_with_flat_settings_is_resumed(tiny_config: Make, tmp_path: Path):
    flat = tiny_config(detector="deep_svdd", epochs=2, **OTHERS)
    folder = create_run(tmp_path / "run", flat)
    content = {**flat.model_dump(mode="json", exclude={"method"}), **flat.method.model_dump()}
    folder.config.write_text(json.dumps(content))
    config = open_unfinished(folder, {"svdd_objective": "one_class"})
    assert config.method == DeepSVDDSettings()
    with pytest.raises(ValueError, match="was started with svdd_objective = one_class, but soft_boundary is requested"):
        open_unfinished(folder, {"svdd_objective": "soft_boundary"})
    with pytest.raises(ValueError, match="was started with detector = deep_svdd, but knn is requested"):
        open_unfinished(folder, {"detector": "knn"})
    with pytest.raises(ValueError, match="neighbours = 3: this is a setting of knn"):
        open_unfinished(folder, {"neighbours": 3})


def test_a_setting_that_no_method_has_is_refused_when_a_run_is_resumed(tiny_config: Make, tmp_path: Path):
    folder = create_run(tmp_path / "run", tiny_config())
    write_config(folder, tiny_config(colour="red"))
    with pytest.raises(ValueError, match="invalid settings: colour = 'red': there is no such setting"):
        open_unfinished(folder, {})
