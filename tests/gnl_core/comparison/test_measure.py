from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from gnl_core.comparison.data import comparison_json
from gnl_core.comparison.grid import Grid, GridCell
from gnl_core.comparison.measure import compare_cells
from gnl_core.comparison.records import ID_COST, MEAN_SHIFT, REFERENCE, WORST_SHIFT, ComparisonRow, Method
from gnl_core.comparison.saved import check_saved
from gnl_core.comparison.text import describe
from gnl_core.config import ScoringConfig

DIGITS_GRID = Grid(("4", "8"), ("rd4ad", "gnl"), (0, 1), (0.0, 1.0))
PACS_GRID = Grid(("dog", "house"), ("rd4ad", "gnl"), (0,), (0.0, 0.5))
Make = Callable[..., list[GridCell]]


def digits_wrong(cell: GridCell, scoring: ScoringConfig, domain: str) -> int:
    """Out of 20: 1 in-distribution, 8 shifted; class 8 one more, seed 1 two more shifted; GNL with FDM 2, 3."""
    matched = cell.config.detector == "gnl" and scoring.style_weight == 1
    count = (2 if matched else 1) if domain == "digits" else (3 if matched else 8) + 2 * cell.config.seed
    return count + (cell.config.normal_class == "8")


def find_row(
    rows: list[ComparisonRow], detector: str, strength: float | None, *, published: bool = False
) -> ComparisonRow:
    (row,) = [row for row in rows if row.method == Method(detector, strength) and row.published == published]
    return row


def test_a_row_is_the_mean_over_classes_and_seeds(make_cells: Make):
    comparison = compare_cells(make_cells(DIGITS_GRID, digits_wrong))
    row = find_row(comparison.rows, "gnl", 1.0)
    assert row.entries["digits"].value == pytest.approx(1 - 2.5 / 20)
    assert row.entries["digits_m"].value == pytest.approx(1 - (3.5 + 5.5) / 2 / 20)
    assert row.entries["digits"].spread == pytest.approx(0)
    assert row.entries["digits_m"].spread == pytest.approx(0.1 / 2**0.5)  # 0.825 and 0.725
    assert (row.runs, row.training_seconds) == (4, 12)


def test_a_class_has_its_own_table(make_cells: Make):
    comparison = compare_cells(make_cells(DIGITS_GRID, digits_wrong))
    assert list(comparison.by_class) == ["4", "8"]
    row = find_row(comparison.by_class["8"], "rd4ad", 0.0)
    assert row.entries["digits"].value == pytest.approx(1 - 2 / 20)
    assert row.runs == 2
    assert comparison.counts["8"] == {"digits": (20, 20), "digits_m": (20, 20)}


def test_the_id_cost_is_what_is_lost_in_distribution_against_rd4ad_without_matching(make_cells: Make):
    comparison = compare_cells(make_cells(DIGITS_GRID, digits_wrong))
    cost = find_row(comparison.rows, "gnl", 1.0).entries[ID_COST]
    assert cost.value == pytest.approx(1 / 20)
    assert cost.interval is not None
    assert cost.interval[0] < 1 / 20 < cost.interval[1]
    assert find_row(comparison.rows, "rd4ad", 0.0).entries[ID_COST].value == 0
    assert find_row(comparison.rows, "gnl", 0.0).entries[ID_COST].value == pytest.approx(0)


def test_without_the_reference_there_is_no_cost_and_no_difference(make_cells: Make):
    comparison = compare_cells(make_cells(DIGITS_GRID._replace(style_weights=(1.0,)), digits_wrong))
    assert comparison.columns == ("digits", "digits_m")
    assert all(entry.difference is None for row in comparison.rows for entry in row.entries.values())


def test_a_difference_is_clear_only_if_its_interval_excludes_zero(make_cells: Make):
    comparison = compare_cells(make_cells(DIGITS_GRID, digits_wrong))
    row = find_row(comparison.rows, "gnl", 1.0)
    assert row.entries["digits_m"].difference == pytest.approx(5 / 20)
    assert row.entries["digits_m"].clear  # ten of eighty anomalies, each time the same
    same = find_row(comparison.rows, "gnl", 0.0)
    assert same.entries["digits_m"].difference == pytest.approx(0)
    assert not same.entries["digits_m"].clear


def test_several_shifts_have_a_mean_and_a_worst(make_cells: Make):
    wrong = {"photo": 2, "art_painting": 6, "cartoon": 10, "sketch": 8}
    comparison = compare_cells(make_cells(PACS_GRID, lambda _cell, _question, domain: wrong[domain], dataset="pacs"))
    assert comparison.columns == ("photo", "art_painting", "cartoon", "sketch", MEAN_SHIFT, WORST_SHIFT, ID_COST)
    entries = find_row(comparison.rows, "rd4ad", 0.0).entries
    assert entries[MEAN_SHIFT].value == pytest.approx(1 - 8 / 20)
    assert entries[WORST_SHIFT].value == pytest.approx(0.5)
    assert entries[WORST_SHIFT].domain == "cartoon"


def test_published_numbers_are_separate_rows_over_the_same_classes(make_cells: Make):
    comparison = compare_cells(make_cells(PACS_GRID, lambda *_: 2, dataset="pacs"))
    assert [(row.method.detector, row.published) for row in comparison.rows] == [
        ("rd4ad", False),
        ("rd4ad", False),
        ("rd4ad", True),
        ("gnl", False),
        ("gnl", False),
        ("gnl", True),
    ]
    one = find_row(comparison.by_class["dog"], "gnl", None, published=True)
    assert one.entries["photo"].value == pytest.approx(0.7613)
    assert all(entry.interval is None and entry.spread is None for entry in one.entries.values())
    both = find_row(comparison.rows, "gnl", None, published=True)
    house = find_row(comparison.by_class["house"], "gnl", None, published=True)
    for column in ("photo", "art_painting", MEAN_SHIFT, ID_COST):
        mean = (one.entries[column].value + house.entries[column].value) / 2
        assert both.entries[column].value == pytest.approx(mean)


def test_unpublished_methods_have_no_published_row(make_cells: Make):
    comparison = compare_cells(make_cells(DIGITS_GRID, digits_wrong))
    assert not [row for row in comparison.rows if row.published]


def test_a_method_without_matching_is_one_row_without_strength(make_cells: Make, monkeypatch: pytest.MonkeyPatch):
    from gnl_core.detectors import find_method

    monkeypatch.setattr(find_method("gnl"), "matches", False)
    comparison = compare_cells(make_cells(DIGITS_GRID, digits_wrong))
    assert [row.method for row in comparison.rows] == [REFERENCE, Method("rd4ad", 1.0), Method("gnl", None)]


def test_missing_runs_are_counted(make_cells: Make):
    def wrong(cell: GridCell, scoring: ScoringConfig, domain: str) -> int | None:
        missing = (cell.config.detector, cell.config.normal_class, cell.config.seed) == ("gnl", "8", 1)
        return None if missing else digits_wrong(cell, scoring, domain)

    comparison = compare_cells(make_cells(DIGITS_GRID, wrong))
    row = find_row(comparison.rows, "gnl", 0.0)
    assert row.runs == 3
    assert row.entries["digits"].value == pytest.approx(1 - (1 + 2) / 2 / 20)
    assert row.entries["digits"].spread is None  # one seed alone has both classes
    assert row.entries["digits_m"].difference == pytest.approx(0)  # over the same three runs


def test_missing_runs_are_counted_per_domain(make_cells: Make):
    def wrong(cell: GridCell, scoring: ScoringConfig, domain: str) -> int | None:
        return None if (domain, cell.config.seed) == ("digits_m", 1) else digits_wrong(cell, scoring, domain)

    entries = find_row(compare_cells(make_cells(DIGITS_GRID, wrong)).rows, "gnl", 1.0).entries
    assert (entries["digits"].runs, entries["digits_m"].runs, entries[ID_COST].runs) == (4, 2, 4)


def test_normal_images_alone_have_no_column(make_cells: Make):
    cells = make_cells(DIGITS_GRID._replace(domains=("digits", "digits_m", "held_out")), digits_wrong)
    for cell in cells:
        rows = pd.read_parquet(cell.folder.scores)
        rows[(rows["domain"] != "held_out") | (rows["label"] == 0)].to_parquet(cell.folder.scores)
    assert compare_cells(cells).domains == ("digits", "digits_m")


def test_a_domain_with_a_score_that_is_not_finite_has_no_number_and_the_run_is_named(make_cells: Make):
    cells = make_cells(DIGITS_GRID, digits_wrong)
    (spoiled,) = [c for c in cells if (c.config.detector, c.config.normal_class, c.config.seed) == ("gnl", "8", 1)]
    rows = pd.read_parquet(spoiled.folder.scores)
    rows.loc[rows.index[rows["domain"] == "digits_m"][3], "score"] = float("inf")
    rows.to_parquet(spoiled.folder.scores)
    comparison = compare_cells(cells)
    assert comparison.diverged == ("digits-8-gnl-seed1",)
    off = find_row(comparison.rows, "gnl", 0.0).entries
    assert (off["digits"].runs, off["digits_m"].runs) == (4, 3)
    sentence = "Diverged; domains with scores that are not finite are left out: digits-8-gnl-seed1."
    assert sentence in describe(comparison)
    assert check_saved(comparison_json(comparison).encode()).diverged == comparison.diverged
