from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from safetensors import safe_open
from safetensors.torch import save_file

from gnl_core.cli import main
from gnl_core.config import RunConfig, ScoringConfig
from gnl_core.datasets import DATASETS, digits
from gnl_core.runs import training
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.reports import read_shift_scores
from gnl_core.runs.scores import find_scores

TINY = ["--limit=20", "--epochs=2", "--image-size=32", "--detector=rd4ad", "--device=cpu", "--seed=7"]
N_NORMAL, N_ANOMALOUS, N_HELD_OUT = 6, 34, 11


@pytest.fixture(autouse=True)
def few_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the data set's first 6 normal and 34 anomalous test images."""

    def test_items(root: Path | None, normal_class: str, domain: str) -> list[Any]:
        items = digits.test_items(root, normal_class, domain)
        by_label = [[item for item in items if item.label == label] for label in (0, 1)]
        return by_label[0][:N_NORMAL] + by_label[1][:N_ANOMALOUS]

    monkeypatch.setitem(DATASETS, "digits", DATASETS["digits"]._replace(test_items=test_items))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that the command line trained; scoring adds files to it."""
    folder = tmp_path_factory.mktemp("cli") / "run"
    assert main(["train", "--run", str(folder), *TINY]) == 0
    return folder


@pytest.fixture
def check_refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a command that must end with one line on standard error and exit code 2."""

    def check(*arguments: object) -> str:
        assert main([str(argument) for argument in arguments]) == 2
        printed = capsys.readouterr()
        said = [line for line in printed.err.splitlines() if line.startswith("gnl: ")]
        assert len(said) == 1
        assert printed.err.rstrip().endswith(said[0])
        assert "Traceback" not in printed.err
        assert printed.out == ""
        return said[0]

    return check


def score_as_json(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["score", *(str(argument) for argument in arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_training_leaves_a_run_folder(run: Path):
    config = RunConfig.model_validate_json((run / "config.json").read_text())
    assert config == RunConfig(limit=20, epochs=2, image_size=32, detector="rd4ad", device="cpu", seed=7)
    records = [json.loads(line) for line in (run / "progress.jsonl").read_text().splitlines()]
    assert [record["epoch"] for record in records] == [1, 2]
    assert all(set(record["losses"]) == {"distillation"} for record in records)
    assert (run / "weights.safetensors").stat().st_size > 100_000


def test_training_reports_the_weights_file_and_prints_no_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["train", "--run", str(tmp_path / "run"), *TINY, "--epochs", "1"]) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert f"wrote {tmp_path / 'run' / 'weights.safetensors'}" in printed.err
    assert "distillation" in printed.err


def test_json_is_one_object_with_every_domains_auroc(run: Path, capsys: pytest.CaptureFixture[str]):
    found = score_as_json(capsys, run)
    assert set(found["domains"]) == {"digits", "digits_m"}
    for domain in found["domains"].values():
        assert 0 <= domain["auroc"] <= 1
        assert (domain["n_normal"], domain["n_anomalous"]) == (N_NORMAL, N_ANOMALOUS)
    drop = found["domains"]["digits"]["auroc"] - found["domains"]["digits_m"]["auroc"]
    assert found["drops"] == {"digits_m": pytest.approx(drop)}


def test_a_single_domain_can_be_scored(run: Path, capsys: pytest.CaptureFixture[str]):
    found = score_as_json(capsys, run, "--domain", "digits_m")
    assert list(found["domains"]) == ["digits_m"]
    assert json.loads(RunFolder(run).report.read_text())["domains"] == found["domains"]


def test_a_domain_named_twice_is_scored_once(run: Path, capsys: pytest.CaptureFixture[str]):
    found = score_as_json(capsys, run, "--domain", "digits", "digits")
    assert found["domains"]["digits"]["n_normal"] == N_NORMAL


def test_training_and_held_out_images_can_be_scored(run: Path, capsys: pytest.CaptureFixture[str]):
    found = score_as_json(capsys, run, "--domain", "train", "held_out")["domains"]
    assert (found["train"]["auroc"], found["train"]["n_normal"], found["train"]["n_anomalous"]) == (None, 20, 0)
    assert found["held_out"]["n_normal"] == round(len(digits.train_items(None, "4")) / 10)


def test_the_strength_of_matching_changes_the_scores(run: Path, capsys: pytest.CaptureFixture[str]):
    answers = [score_as_json(capsys, run, "--style-weight", weight) for weight in ("0", "1", "0")]
    assert [answer["style_weight"] for answer in answers] == [0, 1, 0]
    assert answers[0]["domains"] == answers[2]["domains"] != answers[1]["domains"]


def test_without_json_there_is_one_line_per_domain(run: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["score", str(run)]) == 0
    header, *lines, threshold, shift = capsys.readouterr().out.splitlines()
    assert header.split()[:2] == ["domain", "AUROC"]
    assert [line.split()[0] for line in lines] == ["digits", "digits_m"]
    assert [line.split()[-2:] for line in lines] == [[str(N_NORMAL), str(N_ANOMALOUS)]] * 2
    assert threshold.startswith("threshold ")
    assert shift.startswith("shift: ")


def test_a_run_with_one_reference_has_no_shift_score_and_the_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    run = tmp_path / "one"
    assert main(["train", "--run", str(run), *TINY, "--stored-references=1", "--reference-count=1"]) == 0
    found = score_as_json(capsys, run, "--shift", "gaussian_noise:5")
    assert {domain["shift_score"] for domain in found["domains"].values()} == {None}
    assert "two or more different training images, and this checkpoint stores 1" in found["no_shift_score"]
    assert read_shift_scores(RunFolder(run)) == {"digits": None, "digits+gaussian_noise:5": None}
    assert main(["score", str(run)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == found["no_shift_score"]


def test_the_threshold_is_a_quantile_of_the_saved_held_out_scores(run: Path, capsys: pytest.CaptureFixture[str]):
    found = score_as_json(capsys, run, "--domain", "digits", "--style-weight", "0.5")
    folder, scoring = RunFolder(run), ScoringConfig(style_weight=0.5)
    held_out, scores = (find_scores(folder, domain=domain, scoring=scoring) for domain in ("held_out", "digits"))
    threshold = found["threshold"]
    counts = {"n_held_out": N_HELD_OUT, "n_not_finite": 0}
    assert threshold == {"value": np.quantile(held_out.score, 0.95), "quantile": 0.95, **counts}
    assert "held_out" not in found["domains"]
    alarms = scores.score[scores.label == 0] > threshold["value"]
    assert found["domains"]["digits"]["false_alarm_rate"] == alarms.mean()


def test_the_quantile_can_be_chosen(run: Path, capsys: pytest.CaptureFixture[str]):
    first, again = (score_as_json(capsys, run, "--threshold-quantile", quantile) for quantile in ("0.5", "0.99"))
    assert (first["threshold"]["quantile"], again["threshold"]["quantile"]) == (0.5, 0.99)
    assert first["threshold"]["value"] < again["threshold"]["value"]
    assert first["domains"]["digits"]["auroc"] == again["domains"]["digits"]["auroc"]


def test_a_run_without_held_out_images_is_scored_without_a_threshold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["train", "--run", str(tmp_path / "run"), *TINY, "--epochs=1", "--holdout-percent=0"]) == 0
    found = score_as_json(capsys, tmp_path / "run", "--domain", "digits")
    assert found["threshold"] == {"value": None, "quantile": 0.95, "n_held_out": 0, "n_not_finite": 0}
    measured = found["domains"]["digits"]
    assert (measured["f1"], measured["false_alarm_rate"], measured["miss_rate"]) == (None, None, None)
    assert 0 < measured["average_precision"] <= 1
    assert main(["score", str(tmp_path / "run"), "--domain", "digits"]) == 0
    printed = capsys.readouterr()
    assert "no threshold: this run holds out no training images" in printed.err
    assert printed.out.splitlines()[-2].startswith("no threshold, since there are no held-out normal training images")


def test_a_run_is_scored_without_its_training_images(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def no_images(root: Path | None, normal_class: str) -> list[Any]:
        raise ValueError("no folder of training images")

    monkeypatch.setitem(DATASETS, "digits", DATASETS["digits"]._replace(train_items=no_images))
    assert score_as_json(capsys, run, "--domain", "digits")["threshold"]["value"] is None
    assert main(["score", str(run), "--domain", "digits"]) == 0
    assert "no threshold: no folder of training images" in capsys.readouterr().err


def test_masks_add_pixel_metrics(run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    few = DATASETS["digits"].test_items

    def test_items(root: Path | None, normal_class: str, domain: str) -> list[Any]:
        items = few(root, normal_class, domain)
        halves = [item._replace(mask=lambda: np.indices((8, 8))[0] < 4) for item in items[N_NORMAL:-2]]
        return [*items[:N_NORMAL], *halves, *items[-2:]]

    monkeypatch.setitem(DATASETS, "digits", DATASETS["digits"]._replace(test_items=test_items))
    found = score_as_json(capsys, run, "--domain", "digits")["domains"]["digits"]
    assert all(0 < found[name] < 1 for name in ("pixel_auroc", "pixel_average_precision", "aupro"))
    assert found["n_without_mask"] == 2
    assert main(["score", str(run), "--domain", "digits"]) == 0
    header, *_, note = capsys.readouterr().out.splitlines()
    assert all(heading in header for heading in ("pixel AUROC", "pixel AP", "AUPRO"))
    assert note == "digits: pixel metrics leave out 2 anomalous images without a marked pixel that counts"


def test_csv_has_one_row_per_image(run: Path, tmp_path: Path):
    file = tmp_path / "scores.csv"
    assert main(["score", str(run), "--domain", "digits_m", "--csv", str(file)]) == 0
    with file.open() as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["score", "label", "domain", "category", "path"]
    assert len(rows) == N_NORMAL + N_ANOMALOUS
    assert all((row["label"] == "0") == (row["category"] == "4") for row in rows)
    assert {row["domain"] for row in rows} == {"digits_m"}
    assert all(float(row["score"]) > 0 for row in rows)


def test_maps_are_pictures_of_the_images_size(run: Path, tmp_path: Path):
    assert main(["score", str(run), "--domain", "digits", "--maps", str(tmp_path / "maps")]) == 0
    files = sorted((tmp_path / "maps" / "digits").glob("*.png"))
    assert len(files) == N_NORMAL + N_ANOMALOUS
    picture = PIL.Image.open(files[0])
    assert picture.size == (32, 32)
    assert len(picture.getcolors(32 * 32)) > 1


def test_a_table_of_the_data_sets(capsys: pytest.CaptureFixture[str]):
    assert main(["data", "list"]) == 0
    assert "digits_m: 40 images" in capsys.readouterr().out
    assert main(["data", "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["datasets"]["digits"]
    assert listed["classes"] == list("0123456789")
    assert listed["images"] == {"digits": 40, "digits_m": 40}


@pytest.mark.parametrize(
    ("flag", "value", "words"),
    [
        ("--epochs", "0", "epochs = '0'"),
        ("--epochs", "ten", "epochs = 'ten'"),
        ("--image-size", "27", "image_size = "),
        ("--image-size", "big", "image_size = "),
        ("--style-weight", "2", "style_weight = '2'"),
        ("--limit", "1", "limit = '1'"),
        ("--seed", "-1", "seed = '-1'"),
        ("--dataset", "letters", "unknown dataset 'letters'; choose one of: digits"),
        ("--normal-class", "ten", "unknown class 'ten'; choose one of: 0, 1"),
        ("--detector", "oracle", "unknown detector 'oracle'; choose one of: gnl, rd4ad"),
        ("--teacher", "oracle", "unknown teacher 'oracle'"),
        ("--teacher-weights", "none.pth", f"no teacher weights at {Path.cwd() / 'none.pth'}"),
        ("--teacher-sha256", "xyz", "teacher_sha256 = 'xyz'"),
        ("--device", "toaster", "device = 'toaster': expected auto, cpu, cuda, mps or xpu"),
    ],
)
def test_a_bad_setting_is_refused_in_one_line_and_leaves_no_run(
    flag: str, value: str, words: str, tmp_path: Path, check_refused: Callable[..., str]
):
    assert words in check_refused("train", "--run", tmp_path / "run", flag, value)
    assert not (tmp_path / "run").exists()


def test_a_run_is_not_trained_over(run: Path, check_refused: Callable[..., str]):
    before = (run / "weights.safetensors").read_bytes()
    assert "already contains a run" in check_refused("train", "--run", run, *TINY)
    assert (run / "weights.safetensors").read_bytes() == before


def test_a_missing_run_is_refused(tmp_path: Path, check_refused: Callable[..., str]):
    assert "no checkpoint at" in check_refused("score", tmp_path / "none")


@pytest.mark.parametrize(
    ("flag", "value", "words"),
    [
        ("--domain", "night", "unknown domain 'night'; choose one of: digits, digits_m, train, held_out"),
        ("--style-weight", "-1", "style_weight = '-1'"),
        ("--smoothing-sigma-px", "wide", "smoothing_sigma_px = 'wide'"),
        ("--threshold-quantile", "1", "threshold_quantile = '1'"),
        ("--reference-count", "0", "reference_count = '0'"),
        ("--device", "toaster", "device = 'toaster': expected auto, cpu, cuda, mps or xpu"),
    ],
)
def test_bad_scoring_settings_are_refused_in_one_line(
    flag: str, value: str, words: str, run: Path, check_refused: Callable[..., str]
):
    assert words in check_refused("score", run, flag, value)


def test_more_references_than_stored_are_refused_when_matching(run: Path, check_refused: Callable[..., str]):
    said = check_refused("score", run, "--style-weight", "1", "--reference-count", "9")
    assert "stores 8 references, but 9 are requested" in said


def test_a_file_that_cannot_be_written_is_refused_in_one_line(
    run: Path, tmp_path: Path, check_refused: Callable[..., str]
):
    (tmp_path / "file").touch()
    check_refused("score", run, "--domain", "digits", "--csv", tmp_path / "file" / "scores.csv")


@pytest.mark.parametrize("arguments", [[], ["fly"], ["train"], ["score"], ["train", "--run", "r", "--wings", "2"]])
def test_a_command_that_does_not_exist_ends_with_exit_code_2(arguments: list[str]):
    with pytest.raises(SystemExit) as ending:
        main(arguments)
    assert ending.value.code == 2


def interrupted(*_: object, **__: object) -> Iterator[None]:
    raise KeyboardInterrupt
    yield


def test_a_stopped_training_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(training, "learn", interrupted)
    assert main(["train", "--run", str(tmp_path / "run"), *TINY]) == 130
    assert capsys.readouterr().err.splitlines()[-1] == "gnl: stopped"
    assert not (tmp_path / "run").exists()


def test_a_failed_training_keeps_the_folders_files(tmp_path: Path, check_refused: Callable[..., str]):
    (tmp_path / "notes.txt").write_text("mine")
    check_refused("train", "--run", tmp_path, "--detector", "oracle")
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


def test_the_package_can_be_run_as_the_command():
    help_ = subprocess.run([sys.executable, "-m", "gnl_core", "--help"], capture_output=True, text=True, check=True)
    assert help_.stdout.startswith("usage: gnl")
    assert all(command in help_.stdout for command in ("train", "score", "data"))


def test_a_training_that_diverges_in_its_last_step_is_refused_and_leaves_no_run(
    tmp_path: Path, check_refused: Callable[..., str]
):
    said = check_refused("train", "--run", tmp_path / "run", *TINY, "--epochs=1", "--limit=8", "--learning-rate=10")
    assert said.startswith("gnl: training diverged: ")
    assert said.endswith("use a smaller --learning-rate")
    assert not (tmp_path / "run").exists()


@pytest.fixture
def overflowing(run: Path, tmp_path: Path) -> Path:
    """A run of an older version: its weights are finite, and so large that features and scores are not."""
    folder = RunFolder(Path(shutil.copytree(run, tmp_path / "old")))
    with safe_open(folder.weights, framework="pt") as file:
        metadata, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    for name in tensors:
        if name.startswith("network.student.") and name.endswith(".weight"):
            tensors[name] *= 1e20
    save_file(tensors, folder.weights, metadata=metadata)
    return folder.path


def test_scores_that_are_not_finite_give_dashes_a_reason_and_a_valid_report(
    overflowing: Path, capsys: pytest.CaptureFixture[str]
):
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    capsys.readouterr()
    assert main(["score", str(overflowing), "--domain", "digits", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out, parse_constant=refuse)
    written = json.loads((overflowing / "report.json").read_text(), parse_constant=refuse)
    assert printed["domains"] == written["domains"]
    (domain,) = printed["domains"].values()
    assert (domain["auroc"], domain["auroc_interval"], domain["f1"], domain["n_not_finite"]) == (None, None, None, 40)
    assert main(["score", str(overflowing), "--domain", "digits"]) == 0
    _, line, threshold, *_, reason = capsys.readouterr().out.splitlines()
    assert line.split()[1:6] == ["-", "-", "-", "-", "-"]
    assert threshold.startswith("no threshold from the held-out normal training images, since this run diverged")
    assert reason.startswith("digits: no metrics, since this run diverged (40 of 40 scores are not finite)")


def test_maps_of_a_run_whose_scores_are_not_finite_are_refused(overflowing: Path, check_refused: Callable[..., str]):
    assert "this run diverged" in check_refused("score", overflowing, "--domain", "digits", "--maps", overflowing / "m")


def test_a_run_whose_scores_are_not_finite_is_not_exported(overflowing: Path, check_refused: Callable[..., str]):
    pytest.importorskip("onnxscript")
    assert "this run diverged" in check_refused("export", overflowing, "--onnx", overflowing / "x.onnx")
    assert not (overflowing / "x.onnx").exists()
