"""Putting trays to use, on one tiny run of kNN."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from gnl_core.comparison import tray_sweep
from gnl_core.comparison.grid import Grid, GridCell, plan_cells
from gnl_core.comparison.sweep import Outcome, run_cell
from gnl_core.comparison.tray_sweep import missing_tasks
from gnl_core.config import RunConfig
from gnl_core.datasets import DATASETS, digits
from gnl_core.datasets.base import Item
from gnl_core.runs.adapted_domains import adapt_and_score
from gnl_core.runs.adapted_scores import TrayChoice
from gnl_core.runs.images import list_domain
from gnl_core.runs.scores import find_scores
from gnl_core.runs.scoring import load_run
from gnl_core.runs.tray_scores import read_tray_scores, select_tray_scores
from gnl_core.runs.trays import TrayUse, draw_use

IMAGES = 10  # of each label
NORMAL, BANK = TrayUse("adapted", "normal", 4), TrayUse("bank", "normal", 4)
GRID = Grid(("4",), ("knn",), (0,), (0.0,), adapt=("normal:4", "bank:4", "unlabelled:6", "normal:6"))


@pytest.fixture(autouse=True, scope="module")
def few_digits() -> Iterator[None]:
    """Only the data set's first test images of each label."""

    def test_items(root: Path | None, normal_class: str, domain: str) -> list[Item]:
        items = digits.test_items(root, normal_class, domain)
        return [item for label in (0, 1) for item in [item for item in items if item.label == label][:IMAGES]]

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(DATASETS, "digits", DATASETS["digits"]._replace(test_items=test_items))
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, tiny_config: Callable[..., RunConfig]) -> GridCell:
    """A cell that was run; tests leave it as it is."""
    settings = tiny_config(neighbours=1).model_dump(exclude={"style_weight", "method"})
    (cell,) = plan_cells(settings | {"neighbours": 1}, GRID, output=tmp_path_factory.mktemp("trays"))
    assert run_cell(cell) == Outcome(cell, None)
    return cell


@pytest.fixture
def copied(whole: GridCell, tmp_path: Path) -> GridCell:
    """A copy of that cell, to be changed."""
    folder = whole.folder._replace(path=tmp_path / whole.folder.path.name)
    shutil.copytree(whole.folder.path, folder.path)
    return whole._replace(folder=folder)


def saved(cell: GridCell, use: TrayUse, domain: str = "digits_m") -> np.ndarray | None:
    rows = read_tray_scores(cell.folder)
    assert rows is not None
    scores = select_tray_scores(rows, domain=domain, use=use, scoring=cell.scorings[0])
    return None if scores is None else scores.score


@pytest.mark.parametrize("use", [NORMAL, BANK, TrayUse("adapted", "unlabelled", 6)])
def test_the_images_of_the_tray_are_not_scored(whole: GridCell, use: TrayUse):
    rows = read_tray_scores(whole.folder)
    assert rows is not None
    for domain in ("digits", "digits_m"):
        scores = select_tray_scores(rows, domain=domain, use=use, scoring=whole.scorings[0])
        items = list_domain(whole.config, domain)
        tray = {item.path for item in draw_use(items, use, seed=0).items}
        assert scores is not None
        assert list(scores.path) == [item.path for item in items if item.path not in tray]


def test_the_scores_are_those_of_the_adapted_run(whole: GridCell):
    run = load_run(whole.folder, device="cpu")
    expected = adapt_and_score(run, "digits_m", whole.scorings[0], TrayChoice(4, known_normal=True))
    assert saved(whole, NORMAL) == pytest.approx(expected.score)


def test_a_larger_bank_lowers_scores(whole: GridCell):
    rows = read_tray_scores(whole.folder)
    assert rows is not None
    grown = select_tray_scores(rows, domain="digits_m", use=BANK, scoring=whole.scorings[0])
    plain = find_scores(whole.folder, domain="digits_m", scoring=whole.scorings[0])
    assert grown is not None
    assert plain is not None
    before = plain.score[np.isin(plain.path, grown.path)]
    assert (grown.score <= before + 1e-4).all()
    assert (grown.score < before - 1e-2).any()


def test_a_domain_with_too_few_images_is_left_out_and_no_failure(whole: GridCell):
    assert saved(whole, NORMAL._replace(size=6)) is None


def test_a_second_call_computes_nothing(whole: GridCell, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tray_sweep, "load_cell", lambda *_: pytest.fail("load_cell was called"))
    before = whole.folder.tray_scores.read_bytes()
    assert run_cell(whole) == Outcome(whole, None)
    assert whole.folder.tray_scores.read_bytes() == before


def test_scores_of_another_checkpoint_are_never_taken(copied: GridCell):
    copied.folder.weights.write_bytes(b"another")
    assert read_tray_scores(copied.folder) is None


def test_other_images_under_the_same_names_are_scored_again(copied: GridCell, monkeypatch: pytest.MonkeyPatch):
    assert not list(missing_tasks(copied))

    def inverted(root: Path | None, normal_class: str, domain: str) -> list[Item]:
        items = digits.test_items(root, normal_class, domain)
        kept = [item for label in (0, 1) for item in [item for item in items if item.label == label][:IMAGES]]
        changed = [item._replace(read=lambda item=item: 255 - item.read()) for item in kept]
        return changed if domain == "digits_m" else kept

    monkeypatch.setitem(DATASETS, "digits", DATASETS["digits"]._replace(test_items=inverted))
    assert {(task.domain, task.use.request) for task in missing_tasks(copied)} == {
        ("digits_m", name) for name in ("normal:4", "bank:4", "unlabelled:6")
    }


def test_what_fails_is_reported_after_the_rest_is_saved(copied: GridCell, monkeypatch: pytest.MonkeyPatch):
    copied.folder.tray_scores.unlink()
    real = tray_sweep.put_to_use

    def fail_for_banks(run, tray, use, scoring):
        if use.way == "bank":
            raise ValueError("no space left")
        return real(run, tray, use, scoring)

    monkeypatch.setattr(tray_sweep, "put_to_use", fail_for_banks)
    assert run_cell(copied).failure == "digits, bank:4: no space left; digits_m, bank:4: no space left"
    assert saved(copied, BANK) is None
    assert saved(copied, NORMAL) is not None
    monkeypatch.setattr(tray_sweep, "put_to_use", real)
    assert {task.use for task in missing_tasks(copied)} == {BANK}
