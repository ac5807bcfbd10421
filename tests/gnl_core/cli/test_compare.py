from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gnl_core.cli import main
from gnl_core.comparison import sweep
from gnl_core.config import COMMON_SETTINGS, RunConfig
from gnl_core.config.flags import flag_of
from gnl_core.datasets import DATASETS, digits
from gnl_core.jobs.locks import holding
from gnl_core.runs.discovery import list_runs
from gnl_core.runs.scores import read_saved_scores

TINY = ["--limit=20", "--epochs=1", "--image-size=32", "--device=cpu", "--normal-class=4"]
IMAGES = 10


@pytest.fixture(autouse=True, scope="module")
def few_digits() -> Iterator[None]:
    """Only the data set's first test images of each label."""

    def test_items(root: Path | None, normal_class: str, domain: str) -> list[Any]:
        items = digits.test_items(root, normal_class, domain)
        return [item for label in (0, 1) for item in [item for item in items if item.label == label][:IMAGES]]

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(DATASETS, "digits", DATASETS["digits"]._replace(test_items=test_items))
        yield


def compare(output: Path, *arguments: str) -> int:
    return main(["compare", "--output", str(output), *TINY, *arguments])


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two methods at two strengths."""
    folder = tmp_path_factory.mktemp("compare")
    assert compare(folder, "--detector", "rd4ad", "gnl", "--style-weight", "0", "1") == 0
    return folder


def test_an_output_that_another_process_writes_to_is_refused(
    output: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("gnl_core.jobs.locks.PATIENCE_SECONDS", 0.05)
    with holding(output / ".lock"):
        assert compare(output, "--detector", "rd4ad", "gnl", "--style-weight", "0", "1") == 2
    assert "another gnl compare is writing to" in capsys.readouterr().err


def test_there_is_an_ordinary_run_for_each_cell_and_a_table_in_each_form(output: Path):
    assert [run.path.name for run in list_runs(output)] == ["digits-4-gnl-seed0", "digits-4-rd4ad-seed0"]
    names = {file.name for file in output.iterdir() if file.is_file()}
    assert names == {".lock", *(f"comparison.{ending}" for ending in ("md", "csv", "json", "html"))}


def test_a_second_call_computes_nothing_and_prints_the_same_table(
    output: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    for step in ("train_run", "load_cell"):
        monkeypatch.setattr(sweep, step, lambda *_, step=step, **__: pytest.fail(f"{step} was called"))
    before = (output / "comparison.json").read_bytes()
    assert compare(output, "--detector", "rd4ad", "gnl", "--style-weight", "0", "1") == 0
    printed = capsys.readouterr()
    assert (output / "comparison.json").read_bytes() == before
    assert [line.split()[0] for line in printed.out.splitlines() if line.startswith(("rd4ad", "gnl"))] == [
        *["rd4ad"] * 2,
        *["gnl"] * 2,
    ]
    assert "comparison.html" in printed.err
    assert "comparison.html" not in printed.out


def test_gnl_score_gives_the_scores_of_a_cell(output: Path, capsys: pytest.CaptureFixture[str]):
    table = json.loads((output / "comparison.json").read_text())["tables"]["mean"]
    (row,) = [row for row in table if (row["detector"], row["style_weight"]) == ("gnl", 1)]
    capsys.readouterr()
    run = str(output / "digits-4-gnl-seed0")
    assert main(["score", run, "--style-weight", "1", "--device", "cpu", "--json"]) == 0
    domains = json.loads(capsys.readouterr().out)["domains"]
    for domain in ("digits", "digits_m"):
        assert row["values"][domain]["percent"] == pytest.approx(100 * domains[domain]["auroc"], abs=1e-3)


def test_two_methods_can_be_drawn(output: Path):
    arguments = ("--detector", "rd4ad", "gnl", "--style-weight", "0", "1")
    assert compare(output, *arguments, "--figure", "rd4ad", "gnl:1") == 0
    pictures = [output / f"digits-4-digits_m-seed-0.{ending}" for ending in ("svg", "png")]
    assert all(picture.stat().st_size for picture in pictures)
    assert "<img" in (output / "comparison.html").read_text()
    for picture in pictures:
        picture.unlink()


def test_a_trained_run_is_adapted_and_compared_on_the_same_images(
    output: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    shutil.copytree(output / "digits-4-rd4ad-seed0", tmp_path / "digits-4-rd4ad-seed0")
    assert compare(tmp_path, "--detector", "rd4ad", "--style-weight", "0", "1", "--adapt", "normal:5", "normal:6") == 0
    said = capsys.readouterr().out
    assert "5 normal images left out: n = 5 normal and 10 anomalous" in said
    assert "draw at most 5" in said
    rows = [line for line in said.splitlines() if line.startswith("rd4ad")]
    names = ("as it is  ", "as it is, 5 normal images left out", "adapted to 5 normal images")
    for strength, lines in (("0", rows[:3]), ("1", rows[5:8])):
        for name, line in zip(names, lines, strict=True):
            assert line.startswith(f"rd4ad   {strength}      {name}")
            assert "." in line.removeprefix(f"rd4ad   {strength}      {name}")
    assert all(line.split()[-6:-3] == ["-", "-", "-"] for line in (*rows[3:5], *rows[8:]))  # 6 of 10 are too many


def test_a_failed_cell_is_reported_and_the_others_continue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    real = sweep.train_run

    def fail_for_gnl(config: RunConfig, *given: object) -> Iterator[object]:
        if config.detector == "gnl":
            raise ValueError("training diverged; use a smaller --learning-rate")
        yield from real(config, *given)

    monkeypatch.setattr(sweep, "train_run", fail_for_gnl)
    assert compare(tmp_path, "--detector", "gnl", "rd4ad") == 2
    printed = capsys.readouterr()
    assert printed.err.splitlines()[-2:] == [
        "digits-4-gnl-seed0 failed: training diverged; use a smaller --learning-rate",
        "gnl: 1 of 2 runs failed, see above; fix the causes and run the same command again",
    ]
    assert [line for line in printed.out.splitlines() if line.startswith("rd4ad")]
    assert [run.path.name for run in list_runs(tmp_path)] == ["digits-4-rd4ad-seed0"]

    monkeypatch.setattr(sweep, "train_run", real)
    assert compare(tmp_path, "--detector", "gnl", "rd4ad") == 0


def test_if_every_cell_fails_there_is_no_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert compare(tmp_path, "--detector", "rd4ad", "--teacher", "oracle") == 2
    assert capsys.readouterr().out == ""
    assert not list(tmp_path.glob("comparison*"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--detector", "oracle"), "unknown detector 'oracle'"),
        (("--detector", "gnl", "--style-weight", "2"), "style_weight = 2.0"),
        (("--detector", "gnl", "--domain", "night"), "unknown domain 'night'"),
        (("--detector", "gnl", "--dataset", "letters"), "unknown dataset 'letters'"),
        (("--detector", "gnl", "--figure", "gnl", "rd4ad"), "'rd4ad' is not part of the comparison"),
        (("--detector", "gnl", "--epochs", "0"), "epochs = '0'"),
        (("--detector", "gnl", "--adapt", "labelled:8"), "unknown kind 'labelled'"),
        (("--detector", "gnl", "--adapt", "normal:x"), "a whole number of images of at least 1, got 'x'"),
        (("--detector", "gnl", "--adapt", "normal:8", "normal:8"), "--adapt names normal:8 twice"),
        (("--detector", "gnl", "--adapt", "bank:8"), "--adapt bank needs a method with a bank"),
    ],
)
def test_a_wrong_request_is_refused_in_one_line_before_anything_runs(
    arguments: tuple[str, ...], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert compare(tmp_path / "out", *arguments) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert words in said
    assert not (tmp_path / "out").exists()


def test_other_settings_need_another_folder(output: Path, capsys: pytest.CaptureFixture[str]):
    assert compare(output, "--detector", "gnl", "--batch-size", "4") == 2
    assert "was trained with batch_size = 16, but 4 is requested" in capsys.readouterr().err


def test_every_setting_of_a_run_is_a_flag(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        main(["compare", "--help"])
    said = capsys.readouterr().out
    assert all(
        said.count(f"\n  {flag_of(name)} ") + said.count(f"\n  {flag_of(name)}, ") == 1 for name in COMMON_SETTINGS
    )
    assert "gnl compare --detector NAME --help" in " ".join(said.split())


def test_the_help_lists_the_settings_of_the_methods_that_are_named(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        main(["compare", "--detector", "rd4ad_efdm", "rd4ad_mixstyle", "knn", "--help"])
    said = capsys.readouterr().out
    assert said.count("--mixing-beta FLOAT") == 1  # both methods share the setting
    assert "--neighbours INT" in said
    assert "--jigsaw-weight" not in said


def test_each_method_takes_its_own_settings(tmp_path: Path):
    assert compare(tmp_path, "--detector", "rd4ad", "knn", "--neighbours", "3") == 0
    methods = {run.path.name.split("-")[2]: json.loads(run.config.read_text())["method"] for run in list_runs(tmp_path)}
    assert methods == {"rd4ad": {}, "knn": {"neighbours": 3}}
    saved = json.loads((tmp_path / "comparison.json").read_text())
    assert saved["settings"]["method"] == {"neighbours": 3}


def test_a_setting_of_none_of_the_methods_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert compare(tmp_path / "made", "--detector", "rd4ad", "knn", "--jigsaw-weight", "1") == 2
    said = capsys.readouterr().err
    assert "jigsaw_weight = '1': this is a setting of rd4ad_jigsaw" in said
    assert said.count("\n") == 1
    assert not (tmp_path / "made").exists()


def test_a_missing_ray_package_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setitem(sys.modules, "ray", None)
    assert compare(tmp_path, "--detector", "rd4ad", "--ray", "local") == 2
    assert "--ray needs Ray, which is not installed" in capsys.readouterr().err


def test_a_repeated_strength_scores_no_image_twice(tmp_path: Path):
    assert compare(tmp_path, "--detector", "knn", "--style-weight", "1", "1") == 0
    (run,) = list_runs(tmp_path)
    rows = read_saved_scores(run)
    assert len(rows["path"]) == len(set(zip(rows["path"], rows["domain"], strict=True))) == 4 * IMAGES


@pytest.mark.parametrize("ray", [[], ["--ray", "local"]])
def test_a_damaged_teacher_is_named_once_before_any_run_starts(
    ray: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    weights = tmp_path / "weights.pth"
    weights.write_bytes(b"damaged")
    asked = ["--detector", "rd4ad", "gnl", "--seed", "0", "1", "--teacher-weights", str(weights), *ray]
    assert compare(tmp_path / "made", *asked) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"gnl: {weights} is not a PyTorch state dict")
    assert not (tmp_path / "made").exists()


def test_a_teacher_that_nothing_needs_any_more_is_not_read(output: Path, tmp_path: Path):
    folder = shutil.copytree(output, tmp_path / "complete")
    missing = ["--teacher-weights", str(tmp_path / "none.pth")]
    assert compare(folder, "--detector", "rd4ad", "gnl", "--style-weight", "0", "1", *missing) == 0
    assert str(tmp_path) not in "".join(file.read_text() for file in folder.glob("comparison.*"))
    assert compare(folder, "--detector", "rd4ad", "gnl", "--style-weight", "0.5", *missing) == 2
    assert compare(tmp_path / "new", "--detector", "deep_svdd", *missing) == 0
