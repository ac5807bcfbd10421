from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch

import gnl_core as gnl
from gnl_core.cli import main
from gnl_core.config import RunConfig
from gnl_core.datasets import DATASETS, digits, list_items
from gnl_core.datasets.base import Item
from gnl_core.datasets.duplicates import pixel_digest
from gnl_core.detectors import complete_config, create_detector
from gnl_core.runs import adapting
from gnl_core.runs.adaptations import load_adaptation
from gnl_core.runs.adapting import adapted_run
from gnl_core.runs.checkpoints import save_checkpoint
from gnl_core.runs.folder import RunFolder, create_run
from gnl_core.runs.scoring import Run, load_run, scoring_batches
from gnl_core.runs.training import train_run
from gnl_core.runs.trays import Tray
from gnl_core.scoring import score

N_NORMAL, N_ANOMALOUS = 20, 20
SIZES = ((40, 60), (8, 8), (100, 31))
DRAW = ("--domain", "digits_m", "--count", 6)


@pytest.fixture(autouse=True)
def few_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the data set's first 20 normal and 20 anomalous test images."""

    def test_items(root: Path | None, normal_class: str, domain: str) -> list[Item]:
        items = digits.test_items(root, normal_class, domain)
        by_label = [[item for item in items if item.label == label] for label in (0, 1)]
        return by_label[0][:N_NORMAL] + by_label[1][:N_ANOMALOUS]

    monkeypatch.setitem(DATASETS, "digits", DATASETS["digits"]._replace(test_items=test_items))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of six shifted normal images, resized to several sizes."""
    place = tmp_path / "line"
    place.mkdir()
    items = [item for item in list_items("digits", normal_class="4", domain="digits_m") if item.label == 0]
    for index, item in enumerate(items[:6]):
        PIL.Image.fromarray(item.read()).resize(SIZES[index % 3]).save(place / f"{index}.png")
    return place


@pytest.fixture
def adapt(trained_run: RunFolder, tmp_path: Path) -> Callable[..., Path]:
    """A function that adapts the tiny run and returns the file."""

    def run(*arguments: object, name: str = "a.safetensors") -> Path:
        given = [*map(str, arguments), "--output", str(tmp_path / name), "--device", "cpu"]
        assert main(["adapt", str(trained_run.path), *given]) == 0
        return tmp_path / name

    return run


@pytest.fixture
def check_refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a command that must end with one sentence on standard error and exit code 2."""

    def check(*arguments: object) -> str:
        capsys.readouterr()
        assert main([str(argument) for argument in arguments]) == 2
        printed = capsys.readouterr()
        said = printed.err.splitlines()[-1]
        assert said.startswith("gnl: ")
        assert "Traceback" not in printed.err
        assert printed.out == ""
        return said

    return check


def as_json(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    capsys.readouterr()
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def load(trained_run: RunFolder, file: Path) -> Run:
    run = load_run(trained_run, device="cpu")
    return adapted_run(run, load_adaptation(file, run))


def test_it_prints_what_was_seen_chosen_and_promised(adapt: Callable[..., Path], capsys: pytest.CaptureFixture[str]):
    file = adapt(*DRAW, "--normal", "--way", "match")
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert lines[0] == "adapted from 6 images of digits_m, drawn with seed 0"
    heads = ["displacement", "excess", "agreement", "familiarity", "remoteness"]
    assert [line.split(":")[0] for line in lines[1:6]] == heads
    assert lines[6] == "way: match: as requested"
    assert lines[7].endswith(
        ": at most 14.3 % false alarms on average over such images; with k = 6 normal images the smallest rate that "
        "can be promised is 14.3 %"
    )
    assert printed.err.endswith(f"wrote {file}\n")


def test_json_is_one_object_with_the_same(trained_run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    output = tmp_path / "a.safetensors"
    found = as_json(capsys, "adapt", trained_run.path, *DRAW, "--assumed-anomalies", 20, "--output", output)
    assert (found["run"], found["output"], found["n"]) == (str(trained_run.path), str(output), 6)
    assert (found["threshold"]["promised_rate"], found["threshold"]["assumed_share"]) == (None, 0.2)
    assert found["smallest_promise"] is None
    assert len(found["evidence"]["displacement"]) == 3
    assert found["scoring"]["style_weight"] == 0
    assert found["origin"]["domain"] == "digits_m"
    assert len(found["origin"]["images"]) == 6


def test_images_of_any_size_are_used_and_broken_ones_reported(
    folder: Path, adapt: Callable[..., Path], trained_run: RunFolder, capsys: pytest.CaptureFixture[str]
):
    (folder / "broken.png").write_bytes(b"no image")
    (folder / "notes.txt").write_text("not an image either")
    (folder / "deeper").mkdir()
    file = adapt("--images", folder, "--way", "none")
    said = capsys.readouterr().err
    assert f"left out 1 of 7 images that cannot be read; the first: {folder / 'broken.png'}" in said
    run = load_run(trained_run, device="cpu")
    images = load_adaptation(file, run).record.origin.images
    assert {image.name for image in images} == {f"{index}.png" for index in range(6)}
    stored = np.asarray(PIL.Image.open(folder / "3.png").convert("RGB"))
    assert {image.name: image.sha256 for image in images}["3.png"] == pixel_digest(stored).hex()


@pytest.mark.parametrize("content", [None, b"no image"])
def test_a_folder_without_a_readable_image_is_refused(
    content: bytes | None, trained_run: RunFolder, tmp_path: Path, check_refused: Callable[..., str]
):
    (tmp_path / "line").mkdir()
    if content:
        (tmp_path / "line" / "a.png").write_bytes(content)
    said = check_refused("adapt", trained_run.path, "--images", tmp_path / "line", "--output", tmp_path / "a")
    expected = "none of 1 images can be read; the first: " if content else "there are no images directly in "
    assert said.startswith(f"gnl: {expected}")
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("way", ["auto", "match", "match-fdm"])
def test_one_image_is_enough(
    way: str, folder: Path, adapt: Callable[..., Path], trained_run: RunFolder, capsys: pytest.CaptureFixture[str]
):
    for file in list(folder.iterdir())[1:]:
        file.unlink()
    file = adapt("--images", folder, "--way", way)
    assert capsys.readouterr().out.startswith("adapted from 1 image of")
    found = as_json(capsys, "score", trained_run.path, "--adaptation", file, "--domain", "digits_m")
    assert found["domains"]["digits_m"]["n_not_finite"] == 0


def test_the_order_and_the_names_of_files_have_no_influence(folder: Path, adapt: Callable[..., Path], tmp_path: Path):
    first = adapt("--images", folder, "--way", "match-fdm", name="first")
    files = sorted(folder.iterdir())
    for file in files:
        file.rename(file.with_name(f"x{file.name}"))
    for file, number in zip(sorted(folder.iterdir()), random.Random(0).sample(range(6), 6), strict=True):
        file.rename(file.with_name(f"{number}.png"))
    again = adapt("--images", folder, "--way", "match-fdm", name="again")
    assert tensor_bytes(first) == tensor_bytes(again)


def tensor_bytes(file: Path) -> bytes:
    """The file without its header."""
    content = file.read_bytes()
    return content[8 + int.from_bytes(content[:8], "little") :]


def test_labels_do_not_influence_an_unlabelled_adaptation(
    trained_run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    shown = list_items("digits", normal_class="4", domain="digits_m")[N_NORMAL - 4 : N_NORMAL + 2]
    answers = []
    for labels in ([0, 0, 0, 0, 1, 1], [1, 0, 1, 0, 0, 0]):
        relabelled = [item._replace(label=label) for item, label in zip(shown, labels, strict=True)]
        tray = Tray(relabelled, known_normal=False)
        monkeypatch.setattr(adapting, "draw_tray", lambda *_, tray=tray, **__: tray)
        output = tmp_path / str(labels[0])
        found = as_json(capsys, "adapt", trained_run.path, "--domain", "digits_m", "--output", output)
        answers.append((found["evidence"], found["ways"], found["threshold"], output.read_bytes()))
    assert answers[0] == answers[1]


def test_the_images_adapted_from_are_not_scored(
    adapt: Callable[..., Path], trained_run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    file = adapt("--domain", "digits_m", "--count", 10, "--anomaly-percent", 20, "--way", "match")
    seen = {image.name for image in load_adaptation(file, load_run(trained_run, device="cpu")).record.origin.images}
    arguments = ["score", str(trained_run.path), "--adaptation", str(file), "--csv", str(tmp_path / "scores.csv")]
    assert main(arguments) == 0
    said = capsys.readouterr().err
    assert "digits_m: left out 10 images that the run was adapted from" in said
    assert "digits: left out" not in said
    with (tmp_path / "scores.csv").open() as stream:
        rows = [row for row in csv.DictReader(stream) if row["domain"] == "digits_m"]
    assert len(rows) == N_NORMAL + N_ANOMALOUS - 10
    assert not seen & {row["path"] for row in rows}
    assert sum(row["label"] == "1" for row in rows) == N_ANOMALOUS - 2


def test_copies_of_scored_images_in_a_folder_are_not_scored(
    folder: Path, adapt: Callable[..., Path], trained_run: RunFolder, capsys: pytest.CaptureFixture[str]
):
    items = list_items("digits", normal_class="4", domain="digits_m")
    for file, item in zip(sorted(folder.iterdir()), items, strict=False):
        PIL.Image.fromarray(item.read()).save(file)
    file = adapt("--images", folder, "--way", "match")
    found = as_json(capsys, "score", trained_run.path, "--adaptation", file, "--domain", "digits_m")
    assert found["domains"]["digits_m"]["n_normal"] == N_NORMAL - 6


@pytest.mark.parametrize("way", ["match-fdm", "standardise"])
def test_adapted_scores_and_threshold_are_used_and_nothing_is_saved_in_the_run(
    way: str, adapt: Callable[..., Path], trained_run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    before = {file.name: file.read_bytes() for file in trained_run.path.iterdir() if file.is_file()}
    file = adapt(*DRAW, "--way", way)
    run = load(trained_run, file)
    record = load_adaptation(file, load_run(trained_run, device="cpu")).record
    arguments = ["score", trained_run.path, "--adaptation", file, "--domain", "digits_m"]
    found = as_json(capsys, *arguments, "--csv", tmp_path / "s.csv", "--maps", tmp_path / "maps")
    with (tmp_path / "s.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    items = list_items("digits", normal_class="4", domain="digits_m")
    shown = [item for item in items if item.path in {row["path"] for row in rows}]
    ours = score(run.detector, scoring_batches(shown, run.config), record.scoring)
    np.testing.assert_allclose([float(row["score"]) for row in rows], ours.score, rtol=1e-5)
    assert found["threshold"] == record.threshold._asdict()
    alarms = ours.score[ours.label == 0] > record.threshold.value
    assert found["domains"]["digits_m"]["false_alarm_rate"] == alarms.mean()
    assert found["adaptation"] == str(file)
    assert len(list((tmp_path / "maps").rglob("*.png"))) == len(rows)
    assert {file.name: file.read_bytes() for file in trained_run.path.iterdir() if file.is_file()} == before


def test_the_table_names_the_assumption_and_says_that_scores_are_not_saved(
    adapt: Callable[..., Path], trained_run: RunFolder, capsys: pytest.CaptureFixture[str]
):
    file = adapt(*DRAW, "--way", "match")
    capsys.readouterr()
    assert main(["score", str(trained_run.path), "--adaptation", str(file), "--domain", "digits_m"]) == 0
    printed = capsys.readouterr()
    assert "adapted scores are not saved in the run; use --csv or --json" in printed.err
    assert "chosen from 6 images, on the assumption that 10 % are anomalous; nothing is promised" in printed.out


def test_another_reduction_is_scored_without_a_threshold(
    adapt: Callable[..., Path], trained_run: RunFolder, capsys: pytest.CaptureFixture[str]
):
    file = adapt(*DRAW, "--way", "match")
    capsys.readouterr()
    given = ["--adaptation", str(file), "--domain", "digits_m", "--reduction", "mean"]
    assert main(["score", str(trained_run.path), *given, "--json"]) == 0
    printed = capsys.readouterr()
    assert "no threshold: the adaptation's is for scores with --reduction maximum; adapt again with" in printed.err
    found = json.loads(printed.out)
    assert (found["threshold"], found["reduction"]) == (None, "mean")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--style-weight", "1"], "was made for --style-weight 0, but --style-weight 1 is given; leave it out"),
        (["--smoothing-sigma-px", "2"], "was made for --smoothing-sigma-px 0, but --smoothing-sigma-px 2 is given"),
        (["--threshold-quantile", "0.9"], "has its own settings and threshold; leave out --threshold-quantile"),
        (["--preset", "p.json"], "has its own settings and threshold; leave out --preset"),
    ],
)
def test_flags_that_an_adaptation_leaves_no_room_for_are_refused(
    flags: list[str], words: str, adapt: Callable[..., Path], trained_run: RunFolder, check_refused: Callable[..., str]
):
    file = adapt(*DRAW, "--way", "none")
    assert words in check_refused("score", trained_run.path, "--adaptation", file, *flags)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--domain", "night"], "unknown domain 'night'"),
        (["--domain", "digits_m", "--count", "0"], "count = '0'"),
        (["--domain", "digits_m", "--count", "30"], "the domain has 20, half of which are left to be scored"),
        (["--domain", "digits_m", "--way", "magic"], "way = 'magic'"),
        (["--domain", "digits_m", "--false-alarm-rate", "1"], "false_alarm_rate = '1'"),
        (["--domain", "digits_m", "--assumed-anomalies", "100"], "assumed_anomalies = '100'"),
        (["--domain", "digits_m", "--normal", "--assumed-anomalies", "5"], "so --assumed-anomalies has no effect"),
        (["--domain", "digits_m", "--normal", "--anomaly-percent", "5"], "so --anomaly-percent has no effect"),
        (["--images", "line", "--count", "5"], "all images of a folder are used, so --count has no effect"),
        (["--images", "none"], "cannot list the folder none"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(
    flags: list[str], words: str, trained_run: RunFolder, tmp_path: Path, check_refused: Callable[..., str]
):
    assert words in check_refused("adapt", trained_run.path, "--output", tmp_path / "a", *flags)
    assert not (tmp_path / "a").exists()


def test_no_adaptation_is_written_among_images(
    folder: Path, trained_run: RunFolder, monkeypatch: pytest.MonkeyPatch, check_refused: Callable[..., str]
):
    monkeypatch.setenv("GNL_DATA", str(folder.parent))
    output = folder.parent / "cifar10" / "train" / "a"
    said = check_refused("adapt", trained_run.path, "--images", folder, "--output", output)
    assert "--output would be written to" in said


def test_missing_training_images_are_reported(
    folder: Path, adapt: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def no_images(root: Path | None, normal_class: str) -> list[Item]:
        raise ValueError("no folder of training images")

    monkeypatch.setitem(DATASETS, "digits", DATASETS["digits"]._replace(train_items=no_images))
    adapt("--images", folder, "--way", "none")
    printed = capsys.readouterr()
    assert "training images are not at hand" in printed.err
    assert "familiarity" not in printed.out


def test_a_method_without_a_teacher_gets_a_threshold_alone(
    tiny_config: Callable[..., RunConfig], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    config = tiny_config(detector="deep_svdd")
    place = create_run(tmp_path / "run", config)
    save_checkpoint(place.weights, create_detector(config), config, epoch=1)
    found = as_json(capsys, "adapt", place.path, *DRAW, "--output", tmp_path / "a")
    assert (found["way"], found["map_scale"]) == ("none", None)
    scored = as_json(capsys, "score", place.path, "--adaptation", tmp_path / "a", "--domain", "digits_m")
    assert scored["threshold"] == found["threshold"]


def test_the_api_gives_the_command_lines_numbers(
    adapt: Callable[..., Path], trained_run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    file = adapt(*DRAW, "--way", "match")
    printed = capsys.readouterr().out
    run = gnl.load(trained_run.path, device="cpu")
    result = gnl.adapt(run, domain="digits_m", count=6, way="match", output=tmp_path / "b")
    assert repr(result) == printed.rstrip("\n")
    assert (tmp_path / "b").read_bytes() == file.read_bytes()
    with pytest.warns(UserWarning, match="digits_m: left out 6 images"):
        scored = gnl.score(run, "digits_m", adaptation=result)
    with pytest.warns(UserWarning, match="digits_m: left out 6 images"):
        again = gnl.score(run, "digits_m", adaptation=file)
    assert scored.report == again.report
    assert scored.report.threshold == result.threshold
    assert len(scored.scores.score) == N_NORMAL + N_ANOMALOUS - 6


def test_the_api_refuses_both_and_neither_of_folder_and_domain(folder: Path, trained_run: RunFolder):
    run = gnl.load(trained_run.path, device="cpu")
    for given in ({}, {"images": folder, "domain": "digits_m"}):
        with pytest.raises(ValueError, match="pass either a folder of images or a domain"):
            gnl.adapt(run, **given)


@pytest.fixture(scope="module")
def small_run(
    tmp_path_factory: pytest.TempPathFactory, tiny_config: Callable[..., RunConfig], small_teacher: dict[str, Any]
) -> RunFolder:
    """A run like the tiny one, whose graph is exported in half the time."""
    config = complete_config(tiny_config(**small_teacher))
    run = create_run(tmp_path_factory.mktemp("small") / "run", config)
    list(train_run(config, run))
    return run


@pytest.mark.parametrize("way", ["match", "match-fdm", "standardise"])
def test_an_exported_adaptation_gives_our_scores_and_maps(way: str, small_run: RunFolder, tmp_path: Path):
    onnxruntime = pytest.importorskip("onnxruntime", reason="not installed; the extra [export] has it")
    place, file, onnx = str(small_run.path), tmp_path / "a.safetensors", tmp_path / "a.onnx"
    assert main(["adapt", place, *map(str, DRAW), "--way", way, "--output", str(file), "--device", "cpu"]) == 0
    assert main(["export", place, "--adaptation", str(file), "--onnx", str(onnx)]) == 0
    session = onnxruntime.InferenceSession(onnx)
    run = load(small_run, file)
    record = load_adaptation(file, load_run(small_run, device="cpu")).record
    items = list_items("digits", normal_class="4", domain="digits_m")
    (batch,) = scoring_batches([items[0], items[-1]], run.config)
    for strength in (0.0, 1.0):
        with torch.no_grad():
            asked = record.scoring.model_copy(update={"style_weight": strength})
            ours, maps, _ = run.detector(batch.views["original"], asked)
        given = {"images": batch.views["original"].numpy(), "style_weight": np.array(strength, np.float32)}
        found, pixels = session.run(["scores", "maps"], given)
        bound = 1e-5 if strength == 0 and way != "match-fdm" else 1e-2  # docs/export.md
        np.testing.assert_allclose(found, ours, rtol=bound, atol=bound)
        np.testing.assert_allclose(pixels, maps[:, 0], rtol=0, atol=bound * float(maps.abs().max()))
    facts = session.get_modelmeta().custom_metadata_map
    assert float(facts["threshold"]) == record.threshold.value
    assert len(facts["adaptation_sha256"]) == 64
