from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from gnl_core.comparison import sweep
from gnl_core.comparison.grid import Grid, GridCell, plan_cells
from gnl_core.comparison.sweep import Outcome, run_cell
from gnl_core.config import RunConfig
from gnl_core.datasets import DATASETS, digits
from gnl_core.datasets.base import Item
from gnl_core.detectors import complete_config
from gnl_core.runs.discovery import list_runs
from gnl_core.runs.folder import create_run, read_config, read_records
from gnl_core.runs.scores import find_scores, read_saved_scores
from gnl_core.runs.scoring import load_run, resolve_scoring, score_domain

GRID = Grid(normal_classes=("4",), detectors=("rd4ad",), seeds=(0,), style_weights=(0.0, 1.0))
IMAGES = 20


@pytest.fixture(autouse=True, scope="module")
def few_digits() -> Iterator[None]:
    """Only the data set's first 20 test images of each label."""

    def test_items(root: Path | None, normal_class: str, domain: str) -> list[Item]:
        items = digits.test_items(root, normal_class, domain)
        return [item for label in (0, 1) for item in [item for item in items if item.label == label][: IMAGES // 2]]

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(DATASETS, "digits", DATASETS["digits"]._replace(test_items=test_items))
        yield


@pytest.fixture(scope="session")
def settings(tiny_config: Callable[..., RunConfig]) -> dict[str, object]:
    """Settings that all cells share."""
    return tiny_config().model_dump(exclude={"style_weight"})


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, settings: dict[str, object]) -> GridCell:
    """A cell that was run; tests leave it as it is."""
    (cell,) = plan_cells(settings, GRID, output=tmp_path_factory.mktemp("sweep"))
    assert run_cell(cell) == Outcome(cell, None)
    return cell


@pytest.fixture
def copied(whole: GridCell, tmp_path: Path) -> GridCell:
    """A copy of that cell, to be changed."""
    folder = whole.folder._replace(path=tmp_path / whole.folder.path.name)
    shutil.copytree(whole.folder.path, folder.path)
    return whole._replace(folder=folder)


@pytest.fixture
def forbid(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make steps of a cell fail when they are taken."""

    def make(*steps: str) -> None:
        for step in steps:
            monkeypatch.setattr(sweep, step, lambda *_, step=step, **__: pytest.fail(f"{step} was called"))

    return make


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in folder.iterdir()}


def test_a_cell_is_an_ordinary_run(whole: GridCell):
    assert list_runs(whole.folder.path.parent) == [whole.folder]
    assert complete_config(read_config(whole.folder)) == whole.config
    run = load_run(whole.folder, device="cpu")
    scoring = resolve_scoring(run, style_weight=1.0)
    kept = find_scores(whole.folder, domain="digits_m", scoring=scoring)
    assert kept is not None
    assert kept.score == pytest.approx(score_domain(run, "digits_m", scoring).score)


def test_a_cells_scores_hold_every_domain_at_every_strength(whole: GridCell):
    rows = read_saved_scores(whole.folder)
    assert rows is not None
    assert Counter(zip(rows["domain"], rows["style_weight"], strict=True)) == {
        (domain, strength): IMAGES for domain in ("digits", "digits_m") for strength in (0.0, 1.0)
    }


def test_a_complete_cell_is_left_unchanged(whole: GridCell, forbid: Callable[..., None]):
    forbid("train_run", "load_cell", "save_scores_each")
    before = snapshot(whole.folder.path)
    assert run_cell(whole).failure is None
    assert snapshot(whole.folder.path) == before


def test_only_a_new_strength_is_scored_without_training(
    copied: GridCell, forbid: Callable[..., None], monkeypatch: pytest.MonkeyPatch
):
    forbid("train_run")
    asked = []
    real = sweep.score_each
    monkeypatch.setattr(sweep, "score_each", lambda *given: asked.append(given[2]) or real(*given))
    more = copied._replace(scorings=(*copied.scorings, copied.scorings[0].model_copy(update={"style_weight": 0.5})))
    assert run_cell(more).failure is None
    assert [[scoring.style_weight for scoring in scorings] for scorings in asked] == [[0.5], [0.5]]
    rows = read_saved_scores(copied.folder)
    assert rows is not None
    assert len(rows["path"]) == 2 * 3 * IMAGES


def test_a_cell_interrupted_in_training_starts_again(copied: GridCell):
    longer = copied._replace(config=copied.config.model_copy(update={"epochs": 2}))
    assert run_cell(longer).failure is None
    assert [record.epoch for record in read_records(copied.folder)] == [1, 2]


def test_an_interrupted_training_leaves_no_run_that_counts(
    settings: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (cell,) = plan_cells({**settings, "epochs": 2}, GRID, output=tmp_path)
    real = sweep.train_run

    def interrupted(*given: object) -> Iterator[object]:
        yield next(real(*given))
        raise KeyboardInterrupt

    monkeypatch.setattr(sweep, "train_run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_cell(cell)
    assert not cell.folder.path.exists()
    assert list_runs(tmp_path) == []


def test_an_interrupted_cell_resumes_from_its_last_epoch_to_the_same_weights(
    settings: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (cell,) = plan_cells({**settings, "epochs": 2, "save_minutes": 9}, GRID, output=tmp_path / "cut")
    (whole,) = plan_cells({**settings, "epochs": 2}, GRID, output=tmp_path / "whole")
    trained, real = [], sweep.train_run

    def interrupted(*given: object) -> Iterator[object]:
        trained.append(next(real(*given)).epoch)
        raise KeyboardInterrupt
        yield

    with monkeypatch.context() as patch:
        patch.setattr(sweep, "train_run", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run_cell(cell)
    (left,) = (cell.folder.path.parent / sweep.UNFINISHED / cell.folder.path.name).iterdir()
    left.rename(left.with_name("another-process"))
    monkeypatch.setattr(
        sweep, "train_run", lambda *given: (trained.append(record.epoch) or record for record in real(*given))
    )
    assert run_cell(cell).failure is None
    assert trained == [1, 2]
    assert run_cell(whole).failure is None
    weights = [load_run(one.folder, device="cpu").detector.state_dict() for one in (cell, whole)]
    assert all(tensor.equal(weights[1][name]) for name, tensor in weights[0].items())
    sweep.remove_unfinished(cell.folder.path.parent)
    assert list_runs(cell.folder.path.parent) == [cell.folder]
    assert not (cell.folder.path.parent / sweep.UNFINISHED).exists()


def test_a_training_that_ended_before_its_run_was_moved_is_not_repeated(
    whole: GridCell, copied: GridCell, forbid: Callable[..., None]
):
    attempt = copied.folder.path.parent / sweep.UNFINISHED / copied.folder.path.name / "killed"
    attempt.parent.mkdir(parents=True)
    copied.folder.path.rename(attempt)
    forbid("train_run")
    assert run_cell(copied).failure is None
    assert copied.folder.weights.read_bytes() == whole.folder.weights.read_bytes()
    assert not attempt.parent.exists()


def test_an_unfinished_training_with_other_settings_is_not_resumed(settings: dict[str, object], tmp_path: Path):
    (cell,) = plan_cells(settings, GRID, output=tmp_path)
    left = create_run(tmp_path / sweep.UNFINISHED / cell.folder.path.name / "other", RunConfig(seed=9))
    left.state.write_bytes(b"")
    assert run_cell(cell).failure is None
    assert not left.path.exists()


def test_files_of_a_killed_try_are_removed_by_the_next(settings: dict[str, object], tmp_path: Path):
    (cell,) = plan_cells(settings, GRID, output=tmp_path)
    left = tmp_path / sweep.UNFINISHED / cell.folder.path.name / "killed"
    left.mkdir(parents=True)
    (left / "weights.safetensors").write_bytes(b"half")
    assert list_runs(tmp_path) == []
    assert run_cell(cell).failure is None
    assert not left.exists()
    assert list_runs(tmp_path) == [cell.folder]


def test_a_failure_is_reported_in_one_sentence_and_leaves_no_run(settings: dict[str, object], tmp_path: Path):
    (cell,) = plan_cells({**settings, "teacher": "oracle"}, GRID, output=tmp_path)
    failure = run_cell(cell).failure
    assert failure is not None
    assert failure.startswith("unknown teacher 'oracle'")
    assert "\n" not in failure
    assert not cell.folder.path.exists()


def test_an_unexpected_failure_is_reported_with_its_type(whole: GridCell, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise RuntimeError("out of memory\nat some place")

    monkeypatch.setattr(sweep, "score_cell", fail)
    assert run_cell(whole) == Outcome(whole, "RuntimeError: out of memory")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_a_failure(settings: dict[str, object], tmp_path: Path):
    tmp_path.chmod(0o500)
    (cell,) = plan_cells(settings, GRID, output=tmp_path)
    assert "cannot create the run folder" in str(run_cell(cell).failure)
    tmp_path.chmod(0o700)


def test_a_cell_whose_saved_scores_are_not_finite_has_failed(copied: GridCell, forbid: Callable[..., None]):
    rows = pd.read_parquet(copied.folder.scores)
    rows.loc[rows["domain"] == "digits_m", "score"] = float("inf")
    rows.to_parquet(copied.folder.scores)
    forbid("train_run", "load_cell")
    assert run_cell(copied).failure == (
        "digits_m: this run diverged (20 of 20 scores are not finite); train it again with a smaller --learning-rate"
    )


def test_a_diverging_cell_is_reported_and_leaves_no_run(settings: dict[str, object], tmp_path: Path):
    (cell,) = plan_cells({**settings, "learning_rate": 1e4, "limit": 8}, GRID, output=tmp_path)
    assert str(run_cell(cell).failure).startswith("training diverged: ")
    assert not cell.folder.path.exists()
