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
    flag_of,
    flag_words,
    parse_config,
    stage_indices,
)


@pytest.mark.parametrize(
    ("written", "size"),
    [
        (64, (64, 64)),
        ("64", (64, 64)),
        ("48x64", (48, 64)),
        ("28X40", (28, 40)),
        ((48, 64), (48, 64)),
        ([48, 64], (48, 64)),
        ("28", (28, 28)),
        ("2048x2048", (2048, 2048)),
    ],
)
def test_an_image_size_is_height_by_width(written: object, size: tuple[int, int]):
    assert parse_config({"image_size": written}).image_size == size


@pytest.mark.parametrize("written", ["27", "2049", "64x27", "64x", "x", "", "64x64x3", "big", 3.5, None, (64,), -64])
def test_an_impossible_image_size_is_refused(written: object):
    with pytest.raises(ValueError, match="invalid settings: image_size = "):
        parse_config({"image_size": written})


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


def test_stages_are_counted_from_1_in_settings_and_from_0_in_code():
    assert stage_indices("1,3") == {0, 2}
    assert stage_indices("2") == {1}


def test_a_setting_and_its_flag_are_spelt_alike_but_for_dashes():
    assert flag_of("smoothing_sigma_px") == "--smoothing-sigma-px"


@pytest.mark.parametrize("spelling", ['"_", "-"', "'_', '-'", 'stages.split(","'])
def test_flags_are_spelt_and_stages_parsed_in_one_place(spelling):
    package = Path(__file__).parents[2]
    sources = [path for name in ("app", "gnl_core") for path in (package / name).rglob("*.py")]
    places = {path.relative_to(package).as_posix() for path in sources if spelling in path.read_text()}
    assert places <= {"gnl_core/config.py", "gnl_core/plots/losses.py"}  # the latter labels a plot's axes


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("style_weight", 0.5, ["--style-weight", "0.5"]),
        ("style_weight", None, []),
        ("align_corners", True, ["--align-corners"]),
        ("align_corners", False, ["--no-align-corners"]),
        ("image_size", (48, 64), ["--image-size", "48x64"]),
        ("image_size", (64, 64), ["--image-size", "64"]),
    ],
)
def test_a_setting_becomes_words_of_a_command_line(name: str, value: object, words: list[str]):
    assert flag_words(name, value) == words


def test_a_message_has_room_for_some_of_many_invalid_settings():
    with pytest.raises(ValueError, match=r"^invalid settings: limit = 'b{50,}.*; and 1 more$") as refusal:
        parse_config({"epochs": "a" * 1000, "limit": "b" * 1000})
    assert len(str(refusal.value)) < 300
