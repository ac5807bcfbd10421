from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gnl_core.cli import main
from gnl_core.config import RunConfig, ScoringConfig
from gnl_core.datasets.loading import Batches
from gnl_core.datasets.validation_task import SHIFTS, validation_items
from gnl_core.metrics.image import auroc
from gnl_core.runs import tuning
from gnl_core.runs.folder import RunFolder, create_run
from gnl_core.runs.scoring import Run, load_run
from gnl_core.runs.training import train_run
from gnl_core.runs.tuning import (
    Candidate,
    Tuning,
    held_out_images,
    matchings,
    read_preset,
    tune,
    with_reductions,
    write_preset,
)
from gnl_core.scoring import score


@pytest.fixture
def few_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two strengths and one kind of reference; four held-out images."""
    monkeypatch.setattr(tuning, "STRENGTHS", (0.5, 1.0))
    monkeypatch.setattr(tuning, "MATCHED_STAGES", ("1,2",))
    monkeypatch.setattr(tuning, "REFERENCES", ((2, "mean"),))
    monkeypatch.setattr(tuning, "LARGEST_VALIDATION", 4)


@pytest.fixture
def run(trained_run: RunFolder) -> Run:
    return load_run(trained_run, device="cpu")


def test_no_matching_is_tried_first_and_each_candidate_once():
    ways = matchings()
    assert ways[0].style_weight == 0
    assert len({way.model_dump_json() for way in ways}) == len(ways) == 1 + 4 * 3 * 3


@pytest.mark.usefixtures("few_ways")
def test_each_candidate_is_evaluated_with_its_own_scoring_settings(run: Run):
    tuning = tune([run])
    assert len(tuning.candidates) == 3 * 3
    assert tuning.n_normal == 4
    one = tuning.candidates[4]
    assert (one.scoring.style_weight, one.scoring.reduction) == (0.5, "top")
    items = validation_items(held_out_images(run), anomalies="objects", shift="blend", seed=0)
    rows = score(run.detector, Batches(items, image_size=(32, 32), batch_size=8), one.scoring)
    assert one.aurocs["blend"] == pytest.approx(auroc(rows.label, rows.score))


@pytest.mark.usefixtures("few_ways")
def test_several_runs_are_averaged(run: Run, tiny_config: Callable[..., RunConfig], tmp_path: Path):
    folder = create_run(tmp_path / "other", config := tiny_config(detector="rd4ad", normal_class="7"))
    list(train_run(config, folder))
    other = load_run(folder, device="cpu")
    first, second, both = (tune(runs).candidates[3].aurocs for runs in ([run], [other], [run, other]))
    assert both == pytest.approx({shift: (first[shift] + second[shift]) / 2 for shift in SHIFTS})


def test_the_best_has_the_highest_mean_over_the_shifts_and_changes_least():
    rows = [({"a": 0.5, "b": 0.5}, 0.0), ({"a": 0.75, "b": 0.5}, 0.5), ({"a": 0.5, "b": 0.75}, 1.0)]
    candidates = [Candidate(ScoringConfig(style_weight=weight), aurocs) for aurocs, weight in rows]
    assert Tuning(candidates, n_normal=1).best.scoring.style_weight == 0.5


def test_a_method_without_a_map_to_reduce_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(type(run.detector), "reduces_map", False)
    with pytest.raises(ValueError, match="gnl does not match and reduce a map; tune runs of rd4ad or gnl"):
        tune([run])


def test_without_a_run_there_is_nothing_to_tune():
    with pytest.raises(ValueError, match="there is no run to tune"):
        tune([])


def test_candidates_are_evaluated_within_the_region_of_the_runs():
    region = "32x32:512,512"
    assert {way.region_of_interest for way in with_reductions(matchings(), region=region)} == {region}


def test_runs_with_different_regions_are_refused(run: Run):
    other = run._replace(config=run.config.model_copy(update={"region_of_interest": "32x32:512,512"}))
    with pytest.raises(ValueError, match="the runs have different regions of interest; tune runs that share one"):
        tune([run, other])


def test_a_preset_is_read_as_it_was_written(tmp_path: Path):
    scoring = ScoringConfig(style_weight=0.75, matched_stages="1,2,3", reduction="top")
    write_preset(tmp_path / "preset.json", Candidate(scoring, {"fog": 0.9}), runs=[tmp_path], n_normal=4)
    assert read_preset(tmp_path / "preset.json") == scoring


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"scoring": 3}', '{"scoring": {"style_weight": 7}}'])
def test_a_file_that_is_not_a_preset_is_refused(content: str, tmp_path: Path):
    (tmp_path / "preset.json").write_text(content)
    with pytest.raises(ValueError, match=r"cannot be read: .*; pass a file|style_weight = 7"):
        read_preset(tmp_path / "preset.json")


@pytest.mark.usefixtures("few_ways")
def test_the_command_writes_a_preset_that_gnl_score_accepts(
    trained_run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    preset = tmp_path / "preset.json"
    assert main(["tune", str(trained_run.path), "--output", str(preset), "--device", "cpu"]) == 0
    printed = capsys.readouterr().out
    assert "4 held-out normal images" in printed
    chosen = read_preset(preset)
    assert f"--style-weight {chosen.style_weight:g} --matched-stages {chosen.matched_stages}" in printed
    assert main(["score", str(trained_run.path), "--domain", "held_out", "--preset", str(preset), "--json"]) == 0
    assert f'"style_weight": {chosen.style_weight}' in capsys.readouterr().out


@pytest.mark.usefixtures("few_ways")
def test_a_repeated_run_counts_once(trained_run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    preset, folder = tmp_path / "preset.json", trained_run.path
    same = str(folder / ".." / folder.name)
    assert main(["tune", str(folder), same, "--output", str(preset), "--device", "cpu"]) == 0
    assert "4 held-out normal images" in capsys.readouterr().out
    assert len(json.loads(preset.read_text())["runs"]) == 1
