"""The flags of gnl train: the common settings by group, and those of one method."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field

from gnl_core.cli import main
from gnl_core.cli.settings import metavar_of
from gnl_core.config import COMMON_SETTINGS, MethodSettings, RunConfig
from gnl_core.config.flags import flag_of
from gnl_core.detectors import DETECTORS, method_fields
from gnl_core.detectors.deep_svdd import DeepSVDD

TINY = ["--limit=20", "--epochs=1", "--image-size=32", "--device=cpu"]


class MadeUpSettings(MethodSettings):
    """The setting of a method that a test makes up."""

    made_up_kind: Literal["round", "square"] = Field("round", description="What kind it is")


class MadeUp(DeepSVDD):
    """A method that a test adds with one class and one row."""

    settings_type = MadeUpSettings

    def __init__(self, config: RunConfig) -> None:
        super().__init__(config)
        self.settings = config.method_settings(MadeUpSettings)


def help_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ending:
        main(["train", *arguments, "--help"])
    assert ending.value.code == 0
    return capsys.readouterr().out


def listed_flags(said: str) -> list[str]:
    return [line.split()[0].rstrip(",") for line in said.splitlines() if line.startswith("  --")]


def test_every_common_setting_is_listed_once_in_its_group(capsys: pytest.CaptureFixture[str]):
    said = help_of(capsys)
    assert sorted(listed_flags(said)) == sorted(
        [*map(flag_of, COMMON_SETTINGS), "--run", "--resume", "--detach", "--at-once"]
    )
    places = [said.index(f"\n{group} settings:\n") for group in ("data", "training", "scoring", "machine")]
    assert places == sorted(places)
    assert places[2] < said.index("--threshold-quantile") < places[3]
    assert "gnl train --detector NAME --help also lists those of NAME" in " ".join(said.split())


@pytest.mark.parametrize("detector", DETECTORS)
def test_the_help_of_a_method_also_lists_its_own_settings(detector: str, capsys: pytest.CaptureFixture[str]):
    own = set(listed_flags(help_of(capsys, "--detector", detector))) - set(listed_flags(help_of(capsys)))
    assert own == {flag_of(name) for name in method_fields([detector])}


def test_the_help_shows_types_choices_and_defaults(capsys: pytest.CaptureFixture[str]):
    said = help_of(capsys, "--detector=deep_svdd")
    assert "VALUE" not in said
    for flag in (
        "--image-size HxW",
        "--data-root PATH",
        "--epochs INT",
        "--limit INT",
        "--style-weight FLOAT",
        "--normal-class TEXT",
        f"--detector {{{','.join(DETECTORS)}}}",
        "--matched-stages {1|2|3|1,2|1,3|2,3|1,2,3}",
        "--svdd-objective {one_class,soft_boundary}",
    ):
        assert flag in said
    said = " ".join(said.split())
    assert "64, or 48x64 (default: 64)" in said
    assert "stopping (default: off)" in said
    assert "(default: one_class)" in said


def test_a_type_that_can_be_unset_is_named_like_the_type():
    assert metavar_of(int | None) == "INT"
    assert metavar_of(COMMON_SETTINGS["teacher_weights"].annotation) == "PATH"


def test_the_methods_settings_are_kept_with_the_run(tmp_path: Path):
    run = tmp_path / "run"
    assert main(["train", "--run", str(run), *TINY, "--detector", "knn", "--neighbours", "3"]) == 0
    content = json.loads((run / "config.json").read_text())
    assert content["method"] == {"neighbours": 3}
    assert content.keys() == {*COMMON_SETTINGS, "method"}


@pytest.mark.parametrize("detach", [[], ["--detach"]])
@pytest.mark.parametrize(
    ("value", "reason"), [("0.5", "this is a setting of rd4ad_jigsaw"), ("x", "this is a setting")]
)
def test_another_methods_setting_is_refused_before_anything_is_written(
    value: str, reason: str, detach: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    run = tmp_path / "run"
    assert main(["train", "--run", str(run), *detach, "--detector", "knn", "--jigsaw-weight", value]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"gnl: invalid settings: jigsaw_weight = {value!r}: {reason}")
    assert said.count("\n") == 1
    assert not run.exists()


def test_a_class_and_a_row_are_enough_for_a_methods_flags(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setitem(DETECTORS, "made_up", MadeUp)
    assert "--made-up-kind {round,square}" in help_of(capsys, "--detector", "made_up")
    run = tmp_path / "run"
    flags = ["--detector", "made_up", "--made-up-kind", "square"]
    assert main(["train", "--run", str(run), *TINY, *flags]) == 0
    assert json.loads((run / "config.json").read_text())["method"] == {"made_up_kind": "square"}
    assert main(["train", "--run", str(tmp_path / "other"), *TINY, "--made-up-kind", "square"]) == 2
    assert "this is a setting of made_up" in capsys.readouterr().err
