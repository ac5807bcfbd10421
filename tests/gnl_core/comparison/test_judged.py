"""Rows over the images that are not in a tray, on made-up scores."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gnl_core.comparison.command import comparison_command
from gnl_core.comparison.data import comparison_csv, comparison_json, read_comparison
from gnl_core.comparison.files import write_comparison
from gnl_core.comparison.grid import Grid, GridCell
from gnl_core.comparison.judged import reason_against_domain
from gnl_core.comparison.measure import compare_cells
from gnl_core.comparison.page import comparison_page
from gnl_core.comparison.records import ID_COST, Comparison, Entry, Method
from gnl_core.comparison.text import describe, markdown_page, terminal_table
from gnl_core.metrics.image import auroc
from gnl_core.metrics.intervals import auroc_interval
from gnl_core.records import Scores
from gnl_core.runs.scores import find_scores
from gnl_core.runs.tray_scores import TrayScores, save_tray_scores
from gnl_core.runs.trays import TrayUse, judged_images

NORMAL, UNLABELLED = TrayUse("adapted", "normal", 4), TrayUse("adapted", "unlabelled", 10)
PLAIN = NORMAL._replace(way="none")
DETECTORS = ("rd4ad", "knn", "deep_svdd")
Make = Callable[..., list[GridCell]]


def judged_scores(cell: GridCell, domain: str, use: TrayUse) -> Scores:
    """The saved scores of the images that are not in the tray."""
    whole = find_scores(cell.folder, domain=domain, scoring=cell.scorings[0])
    assert whole is not None
    kept = judged_images(whole.label, use, seed=cell.config.seed)
    return Scores(**{name: values[kept] for name, values in vars(whole).items()})


def adapt_cells(cells: list[GridCell], use: TrayUse) -> None:
    """Save adapted scores of every run that can be adapted: they separate the images perfectly."""
    for cell in cells:
        for domain in cell.domains if cell.config.detector != "deep_svdd" else ():
            scores = judged_scores(cell, domain, use)
            perfect = Scores(**vars(scores) | {"score": scores.label + np.arange(len(scores.label)) / 1000})
            save_tray_scores(cell.folder, [TrayScores(use, "digest", cell.scorings[0], perfect)])


@pytest.fixture
def cells(make_cells: Make) -> list[GridCell]:
    """Two seeds, whose trays differ; 20 normal and 20 anomalous images, 4 anomalies wrong, 5 with seed 1."""
    grid = Grid(("4",), DETECTORS, (0, 1), (0.0,), adapt=("normal:4", "normal:11"))
    made = make_cells(grid, lambda cell, scoring, domain: 4 + cell.config.seed)
    adapt_cells(made, NORMAL)
    return made


@pytest.fixture
def comparison(cells: list[GridCell]) -> Comparison:
    return compare_cells(cells)


def entries(comparison: Comparison, detector: str, use: TrayUse | None) -> dict[str, Entry]:
    strength = None if detector == "deep_svdd" else 0.0
    (row,) = [row for row in comparison.rows if row.method == Method(detector, strength, use)]
    return row.entries


def test_a_row_as_it_is_is_the_mean_of_the_aurocs_without_the_images_of_each_seed(
    cells: list[GridCell], comparison: Comparison
):
    own = [judged_scores(cell, "digits_m", PLAIN) for cell in cells if cell.config.detector == "knn"]
    aurocs = [auroc(scores.label, scores.score) for scores in own]
    entry = entries(comparison, "knn", PLAIN)["digits_m"]
    assert [len(scores.label) for scores in own] == [36, 36]
    assert set(own[0].path) != set(own[1].path)
    assert entry.value == pytest.approx(np.mean(aurocs))
    assert entry.spread == pytest.approx(np.std(aurocs, ddof=1))
    assert (entry.runs, entry.difference) == (2, 0)


def test_an_adapted_row_is_compared_with_rd4ad_as_it_is_on_the_same_images(comparison: Comparison):
    adapted, plain = (entries(comparison, "rd4ad", use) for use in (NORMAL, PLAIN))
    assert adapted["digits_m"].value == 1
    assert adapted["digits_m"].difference == pytest.approx(1 - plain["digits_m"].value)
    assert adapted["digits_m"].clear
    assert adapted[ID_COST].value == pytest.approx(plain["digits"].value - 1)
    assert plain[ID_COST] == Entry(0.0)


def test_one_seed_has_the_interval_of_its_own_images(make_cells: Make):
    cells = make_cells(Grid(("4",), ("knn",), (0,), (0.0,), adapt=("normal:4",)), lambda *_: 4)
    scores = judged_scores(cells[0], "digits", PLAIN)
    expected = auroc_interval(scores.label, scores.score)
    assert entries(compare_cells(cells), "knn", PLAIN)["digits"].interval == pytest.approx(expected)


def test_rows_without_trays_do_not_change(cells: list[GridCell], comparison: Comparison):
    bare = compare_cells([cell._replace(uses=()) for cell in cells])
    assert [row for row in comparison.rows if row.method.use is None] == bare.rows
    assert comparison.counts == bare.counts
    assert bare.missing == ()
    assert "adaptation" not in terminal_table(bare)


def test_what_cannot_be_adapted_has_dashes_and_a_reason(comparison: Comparison):
    assert entries(comparison, "deep_svdd", NORMAL) == {}
    assert entries(comparison, "deep_svdd", PLAIN)["digits"].value == entries(comparison, "knn", PLAIN)["digits"].value
    assert entries(comparison, "rd4ad", NORMAL._replace(size=11)) == {}
    too_few = "a tray with 11 normal images is requested, but the domain has 20, half of which are left to be scored"
    assert comparison.missing == (
        *(f"{domain}, normal class 4: {too_few}; draw at most 10" for domain in ("digits", "digits_m")),
        "deep_svdd cannot be adapted, because it has no feature matching",
    )


def test_adapted_scores_that_are_missing_or_of_other_images_are_left_out(make_cells: Make):
    (cell,) = make_cells(Grid(("4",), ("knn",), (0,), (0.0,), adapt=("normal:4",)), lambda *_: 4)
    assert entries(compare_cells([cell]), "knn", NORMAL) == {}
    adapt_cells([cell], NORMAL)
    other = judged_scores(cell, "digits", UNLABELLED)
    save_tray_scores(cell.folder, [TrayScores(NORMAL, "digest", cell.scorings[0], other)])
    comparison = compare_cells([cell])
    assert list(entries(comparison, "knn", NORMAL)) == ["digits_m"]
    assert comparison.missing == (f"digits, {cell.folder.path.name}: normal:4 was not scored; run the command again",)


@pytest.mark.parametrize(("anomalous", "refused"), [(1, False), (2, True), (3, False)])
def test_a_single_image_left_of_several_is_too_few(anomalous: int, refused: bool):
    label = np.array([0] * 20 + [1] * anomalous)
    text = np.array(["x"] * len(label))
    use = UNLABELLED._replace(size=10 if anomalous > 1 else 4)  # with one anomaly, or none
    reason = reason_against_domain(Scores(np.zeros(len(label)), label, text, text, text), use)
    assert ("leaves a single anomalous image" in str(reason)) == refused
    assert refused or reason is None


def test_every_format_has_the_rows(comparison: Comparison):
    adapted, plain = "adapted to 4 normal images", "as it is, 4 normal images left out"
    for text in (terminal_table(comparison), markdown_page(comparison), comparison_page(comparison, {})):
        assert adapted in text
        assert plain in text
        assert "4 normal images left out: n = 16 normal and 20 anomalous" in text
        assert "56 % anomalies" in text
        assert "Missing numbers: digits, normal class 4" in text
    for text in (markdown_page(comparison), comparison_page(comparison, {})):
        assert "Bold: the best of a column among rows over the same images." in text
    rows = list(csv.DictReader(io.StringIO(comparison_csv(comparison))))
    found = [row for row in rows if (row["adaptation"], row["tray"]) == ("adapted", "normal:4")]
    counts = {(row["n_normal"], row["n_anomalous"]) for row in found if row["column"] == "digits_m"}
    assert counts == {("", ""), ("16.0", "20.0")}  # of the mean, and of the class
    tables = json.loads(comparison_json(comparison))["tables"]
    assert [(row["adaptation"], row["tray"]) for row in tables["mean"][:3]] == [
        (None, None),
        ("none", "normal:4"),
        ("adapted", "normal:4"),
    ]


def test_an_unlabelled_tray_says_how_many_of_its_images_are_anomalous(make_cells: Make):
    cells = make_cells(Grid(("4",), ("knn",), (0,), (0.0,), adapt=("unlabelled:10",)), lambda *_: 4)
    said = " ".join(describe(compare_cells(cells)))
    assert "10 unlabelled images left out (1 of them anomalous): n = 11 normal and 19 anomalous" in said


def test_the_best_is_the_best_of_the_rows_over_the_same_images(comparison: Comparison):
    lines = [line for line in markdown_page(comparison).splitlines() if line.startswith("| rd4ad")]
    assert [("**" in line.split("|")[5]) for line in lines[:3]] == [True, False, True]


def test_a_file_gives_the_same_comparison_and_command(comparison: Comparison, tmp_path: Path):
    write_comparison(comparison, [], tmp_path)
    again = read_comparison(tmp_path / "comparison.json")
    assert [row.method for row in again.rows] == [row.method for row in comparison.rows]
    assert again.missing == comparison.missing
    assert terminal_table(again) == terminal_table(comparison)
    assert "--adapt normal:4 normal:11 " in comparison_command(again, output="runs/x")


@pytest.mark.parametrize("change", [{"tray": "normal:0"}, {"tray": "some:4"}, {"tray": "4"}, {"adaptation": "other"}])
def test_a_damaged_tray_is_refused(comparison: Comparison, tmp_path: Path, change: dict[str, str]):
    content = json.loads(comparison_json(comparison))
    content["tables"]["mean"][1] |= change
    (tmp_path / "comparison.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match="is damaged or not a comparison"):
        read_comparison(tmp_path / "comparison.json")
