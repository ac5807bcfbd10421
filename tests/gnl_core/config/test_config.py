from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from gnl_core.config import (
    COMMON_SETTINGS,
    SETTING_GROUPS,
    MethodSettings,
    RunConfig,
    ScoringConfig,
    UncheckedSettings,
    parse_config,
)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("style_weight", 1.01),
        ("style_weight", -0.01),
        ("style_weight", "nan"),
        ("reference_count", 0),
        ("smoothing_sigma_px", -1),
        ("smoothing_sigma_px", 65),
        ("epochs", 0),
        ("epochs", "many"),
        ("batch_size", 0),
        ("learning_rate", 0),
        ("seed", -1),
        ("seed", 2**31),
        ("limit", 1),
        ("stored_references", -1),
        ("stored_references", 65),
        ("feature_cache_mb", -1),
        ("teacher_sha256", "123"),
        ("teacher_sha256", "not a hash"),
        ("method", 3),
    ],
)
def test_a_bad_value_is_refused_in_one_sentence_that_names_it(setting: str, value: object):
    with pytest.raises(ValueError, match=f"invalid settings: {setting} = {value!r}") as refusal:
        parse_config({setting: value})
    assert "\n" not in str(refusal.value)
    assert not isinstance(refusal.value, ValidationError)


def test_every_bad_value_is_named_at_once():
    with pytest.raises(ValueError, match=r"epochs = 0: .*; seed = -1: "):
        parse_config({"epochs": 0, "seed": -1})


def test_text_is_converted_as_flags_need():
    config = parse_config({"epochs": "3", "style_weight": "0.5", "teacher_sha256": "57934424"})
    assert (config.epochs, config.style_weight, config.teacher_sha256) == (3, 0.5, "57934424")


def test_defaults_are_the_papers():
    config = RunConfig()
    assert (config.learning_rate, config.batch_size, config.smoothing_sigma_px) == (None, 16, 0)


def test_settings_cannot_change_afterwards():
    with pytest.raises(ValidationError, match="frozen"):
        RunConfig().epochs = 3  # type: ignore[misc]


def test_settings_survive_json():
    config = RunConfig(image_size=(28, 40), style_weight=0.25, limit=7, teacher_weights="weights.pth")
    assert RunConfig.model_validate_json(config.model_dump_json()) == config


def test_every_setting_has_a_description():
    assert all(field.description for field in RunConfig.model_fields.values())


def test_every_common_setting_is_in_one_group():
    grouped = [name for group in SETTING_GROUPS.values() for name in group]
    assert len(grouped) == len(set(grouped))
    assert set(grouped) == set(COMMON_SETTINGS) == RunConfig.model_fields.keys() - {"method"}


def test_names_that_are_not_common_settings_are_the_methods_wherever_they_come_from():
    nested = RunConfig(method={"neighbours": 3})
    assert nested.method == UncheckedSettings(neighbours=3)
    assert RunConfig(neighbours=3) == nested
    assert RunConfig.model_validate_json('{"neighbours": 3}') == nested
    assert parse_config(RunConfig(neighbours=2).model_dump() | {"neighbours": 3}) == nested


def test_only_the_settings_of_the_record_are_taken():
    class Own(MethodSettings):
        neighbours: int = 2
        share: float = 0.5

    assert RunConfig(neighbours="3", jigsaw_weight=1).method_settings(Own) == Own(neighbours=3)


def test_a_run_holds_every_scoring_setting():
    assert set(ScoringConfig.model_fields) < set(RunConfig.model_fields)


def test_paths_are_stored_as_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    config = parse_config({"data_root": "images", "teacher_weights": "w.pth"})
    assert (config.data_root, config.teacher_weights) == (tmp_path / "images", tmp_path / "w.pth")


@pytest.mark.parametrize("value", ["inf", "nan", "-inf"])
@pytest.mark.parametrize("name", ["learning_rate", "style_weight"])
def test_a_setting_that_is_not_finite_is_refused(name: str, value: str):
    with pytest.raises(ValueError, match=f"invalid settings: {name} = '{value}'"):
        parse_config({name: value})
