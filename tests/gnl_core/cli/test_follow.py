from __future__ import annotations

import csv
import json
import os
import shutil
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from gnl_core.cli import main
from gnl_core.config import RunConfig
from gnl_core.datasets import digits
from gnl_core.metrics.threshold import threshold_at
from gnl_core.records import Scores
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.scoring import load_run, resolve_scoring, score_domain

N_NORMAL, N_ANOMALOUS = 10, 4
SMALL = ("--window", 6, "--minimum", 3, "--block", 5, "--device", "cpu")


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ten normal images, then four of other digits, numbered without leading zeros."""
    folder = tmp_path_factory.mktemp("line")
    items = digits.test_items(None, "4", "digits")
    normal = [item for item in items if item.label == 0][:N_NORMAL]
    others = [item for item in items if item.label == 1][:N_ANOMALOUS]
    for number, item in enumerate([*normal, *others], start=1):
        PIL.Image.fromarray(item.read()).save(folder / f"part{number}.png")
    return folder


@pytest.fixture(scope="module")
def held_out(trained_run: RunFolder) -> Scores:
    """Scores of the run's held-out images."""
    run = load_run(trained_run, device="cpu")
    return score_domain(run, "held_out", resolve_scoring(run))


def follow(capsys: pytest.CaptureFixture[str], run: RunFolder, images: Path, *flags: object) -> str:
    assert main(["follow", *map(str, (run.path, "--images", images, *SMALL, *flags))]) == 0
    return capsys.readouterr().out


def follow_json(capsys: pytest.CaptureFixture[str], run: RunFolder, images: Path, *flags: object) -> dict:
    return json.loads(follow(capsys, run, images, "--json", *flags))


def refuse(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main(["follow", *map(str, arguments)]) == 2
    said = [text for text in capsys.readouterr().err.splitlines() if text.startswith("gnl: ")]
    assert len(said) == 1
    return said[0]


def test_the_table_has_a_line_per_block_in_natural_order(
    capsys: pytest.CaptureFixture[str], trained_run: RunFolder, line: Path
):
    header, *rows = follow(capsys, trained_run, line).splitlines()
    assert (
        " ".join(header.split()) == "images first image median shift fixed alarms following alarms following threshold"
    )
    assert [row.split()[:2] for row in rows[:3]] == [
        ["1-5", "part1.png"],
        ["6-10", "part6.png"],
        ["11-14", "part11.png"],
    ]
    assert rows[3].startswith("fixed threshold ")
    assert rows[4].startswith("following threshold: the same margin above the median of the last 6 images")


def test_the_fixed_threshold_and_its_margin_are_those_of_the_held_out_images(
    capsys: pytest.CaptureFixture[str], trained_run: RunFolder, line: Path, held_out: Scores
):
    printed = follow_json(capsys, trained_run, line, "--threshold-quantile", 0.9)
    value = threshold_at(held_out.score, quantile=0.9)
    assert printed["fixed_threshold"] == pytest.approx(value)
    assert printed["margin"] == pytest.approx(value - np.median(held_out.score))
    assert printed["n_held_out"] == len(held_out.score)


def test_the_csv_file_has_the_scores_that_the_blocks_summarise(
    capsys: pytest.CaptureFixture[str], trained_run: RunFolder, line: Path, tmp_path: Path
):
    printed = follow_json(capsys, trained_run, line, "--csv", tmp_path / "new" / "line.csv")
    rows = list(csv.DictReader((tmp_path / "new" / "line.csv").open()))
    assert [row["image"] for row in rows] == [f"part{number}.png" for number in range(1, 15)]
    scores = np.array([float(row["score"]) for row in rows])
    medians = [block["median_score"] for block in printed["blocks"]]
    assert medians == pytest.approx([np.median(scores[:5]), np.median(scores[5:10]), np.median(scores[10:])])
    assert printed["n_fixed_alarms"] == (scores > printed["fixed_threshold"]).sum()
    assert printed["n_following_alarms"] == [row["following_alarm"] for row in rows].count("True")
    shifts = [block["shift_score"] for block in printed["blocks"] for _ in range(block["n"])]
    assert [float(row["block_shift_score"]) for row in rows] == pytest.approx(shifts)


def test_the_plot_is_written_in_the_format_of_its_name(
    capsys: pytest.CaptureFixture[str], trained_run: RunFolder, line: Path, tmp_path: Path
):
    for name, start in (("line.svg", b"<?xml"), ("LINE.PNG", b"\x89PNG")):
        follow(capsys, trained_run, line, "--plot", tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(start)


def test_the_order_of_time_can_be_that_of_the_last_change(
    capsys: pytest.CaptureFixture[str], trained_run: RunFolder, line: Path, tmp_path: Path
):
    images = shutil.copytree(line, tmp_path / "line")
    for number in range(1, 15):
        os.utime(images / f"part{number}.png", (1000 - number, 1000 - number))
    assert follow_json(capsys, trained_run, images, "--order", "modified")["blocks"][0]["first"] == "part14.png"


def test_an_image_that_cannot_be_read_is_reported_and_left_out(
    capsys: pytest.CaptureFixture[str], trained_run: RunFolder, line: Path, tmp_path: Path
):
    images = shutil.copytree(line, tmp_path / "line")
    (images / "part3.png").write_bytes(b"no image")
    printed = follow_json(capsys, trained_run, images)
    assert printed["n"] == 13
    assert len(printed["left_out"]) == 1
    assert "part3.png" in printed["left_out"][0]


def test_a_run_without_held_out_images_is_refused(
    capsys: pytest.CaptureFixture[str], trained_run: RunFolder, line: Path, monkeypatch: pytest.MonkeyPatch
):
    run = load_run(trained_run, device="cpu")
    config = RunConfig(**(run.config.model_dump() | {"holdout_percent": 0.0}))
    monkeypatch.setattr("gnl_core.cli.follow.load_run", lambda *_, **__: run._replace(config=config))
    said = refuse(capsys, trained_run.path, "--images", line)
    assert said.startswith(
        "gnl: there is no fixed threshold to start from: this run holds out no training images; train"
    )


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (["--window", "10"], "make --window at least as large"),
        (["--at-most", "-1"], "at_most"),
        (["--order", "size"], "order"),
        (["--order", "date"], "has no date"),
        (["--plot", "line.pdf"], "end its name in .svg or .png"),
        (["--threshold-quantile", "0.4"], "use a --threshold-quantile above 0.5"),
    ],
)
def test_what_cannot_be_followed_is_refused_in_one_sentence(
    capsys: pytest.CaptureFixture[str], trained_run: RunFolder, line: Path, flags: list[str], reason: str
):
    assert reason in refuse(capsys, trained_run.path, "--images", line, "--device", "cpu", *flags)


def test_a_plot_among_the_images_of_the_line_is_refused(
    capsys: pytest.CaptureFixture[str], trained_run: RunFolder, line: Path
):
    said = refuse(capsys, trained_run.path, "--images", line, "--plot", line / "plot.png")
    assert "choose a path outside that folder" in said
    assert not (line / "plot.png").exists()


def test_a_folder_without_images_is_refused(capsys: pytest.CaptureFixture[str], trained_run: RunFolder, tmp_path: Path):
    assert "no images in" in refuse(capsys, trained_run.path, "--images", tmp_path, "--device", "cpu")
