"""The pages show diverged runs with a sentence and without numbers."""

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gnl_core.comparison.files import write_comparison
from gnl_core.comparison.grid import Grid
from gnl_core.comparison.measure import compare_cells
from gnl_core.jobs.status import Status, write_status
from gnl_core.runs.folder import RunFolder
from tests.app.conftest import charts, finding, texts
from tests.gnl_core.comparison.conftest import build_cells

BUNDLED = Path(__file__).parents[2] / "assets" / "checkpoints"
PAGES = ("explore", "inspect", "shift_lab")


def spoil_scores(folder: RunFolder, domain: str) -> None:
    """Make the saved scores of a domain's first image NaN, as an older version saved them."""
    rows = pq.read_table(folder.scores)
    kept, domains, paths = (rows[name].to_pylist() for name in ("score", "domain", "path"))
    first = paths[domains.index(domain)]
    scores = [
        float("nan") if (own, path) == (domain, first) else score
        for score, own, path in zip(kept, domains, paths, strict=True)
    ]
    place = rows.column_names.index("score")
    pq.write_table(rows.set_column(place, "score", pa.array(scores, pa.float64())), folder.scores)


def copy_run(own_runs: Path) -> RunFolder:
    """The bundled run of RD4AD as the only run on sevens."""
    folder = RunFolder(Path(shutil.copytree(BUNDLED / "digits-4-rd4ad", own_runs / "sevens")))
    settings = json.loads(folder.config.read_text())
    folder.config.write_text(json.dumps(settings | {"normal_class": "7"}))
    return folder


@pytest.fixture
def sevens(own_runs, poison) -> RunFolder:
    """A run of RD4AD on sevens whose weights are not finite."""
    folder = copy_run(own_runs)
    poison(folder.weights)
    return folder


def errors(page) -> str:
    assert not page.exception
    return " ".join(element.value for element in page.error)


@pytest.mark.usefixtures("sevens")
@pytest.mark.parametrize("name", PAGES)
def test_a_run_whose_weights_are_not_finite_is_reported_without_numbers(open_screen, name):
    page = open_screen(name, normal="7", methods=["RD4AD"])
    assert "this run diverged" in errors(page)
    assert "AUROC 0" not in " ".join(texts(page))


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("domain", ["digits", "train"])
def test_a_run_whose_saved_scores_are_not_finite_is_reported_without_numbers(open_screen, own_runs, name, domain):
    spoil_scores(copy_run(own_runs), domain)
    page = open_screen(name, normal="7", methods=["RD4AD"])
    shown = errors(page) + " ".join(texts(page))
    if (name, domain) == ("inspect", "digits"):  # it asks for the training images' scores alone
        assert "this run diverged" not in shown
        return
    assert "this run diverged" in shown
    assert "separates 7" not in shown


def test_the_page_train_says_that_runs_diverged(open_screen, sevens, own_runs):
    failed = RunFolder(own_runs / "failed")
    failed.path.mkdir()
    shutil.copy(sevens.config, failed.config)
    write_status(failed, Status(state="diverged", pid=1, reason="training diverged: a is nan in epoch 1"))
    page = open_screen("train")
    assert not page.exception
    told = [text for text in texts(page) if "this run diverged" in text]
    assert len(told) == 2
    assert any("training diverged: a is nan in epoch 1" in text for text in told)
    assert not any(button.key and button.key.startswith("resume_") for button in page.button)


def test_learn_says_that_a_run_diverged(open_screen, own_runs, monkeypatch, poison):
    bundled = own_runs.parent / "bundled"
    for name in ("digits-4-rd4ad", "digits-4-gnl"):
        poison(RunFolder(Path(shutil.copytree(BUNDLED / name, bundled / name))).weights)
    monkeypatch.setattr("app.checkpoints.BUNDLED", bundled)
    assert "this run diverged" in errors(open_screen("learn"))


GRID = Grid(("4",), ("rd4ad", "gnl"), (0,), (0.0, 1.0))


def test_an_older_comparison_that_includes_a_diverged_run_is_not_shown(open_screen, own_runs):
    output = own_runs / "mine"
    cells = build_cells(output, GRID, lambda *_: 5)
    write_comparison(compare_cells(cells), [], output)
    spoil_scores(cells[1].folder, "digits_m")
    page = open_screen("compare", comparison="mine")
    assert "they include runs that diverged" in errors(page)
    assert "digits-4-gnl-seed0" in errors(page)
    assert not charts(page)
    assert page.code[0].value.startswith("gnl compare")


def test_a_comparison_names_diverged_runs_and_shows_the_other_numbers(open_screen, own_runs):
    output = own_runs / "mine"
    cells = build_cells(output, GRID, lambda *_: 5)
    spoil_scores(cells[1].folder, "digits_m")
    write_comparison(compare_cells(cells), [], output)
    page = open_screen("compare", comparison="mine")
    assert errors(page) == ""
    assert any("Diverged; domains" in element.value for element in page.warning)
    assert "RD4AD" in finding(page)
    assert any("Not every score of" in text for text in texts(page))
