from __future__ import annotations

import numpy as np

from gnl_core.comparison.figures import read_method_scores
from gnl_core.comparison.grid import Grid, GridCell
from gnl_core.comparison.measure import compare_cells
from gnl_core.comparison.records import Method
from gnl_core.comparison.scores import run_of, select_method_scores
from gnl_core.runs.scores import read_saved_scores


def test_a_comparisons_scores_are_those_behind_its_numbers(pacs_cells: list[GridCell]):
    comparison = compare_cells(pacs_cells)
    run = run_of(comparison, pacs_cells[0].folder.path.parent, "gnl", normal_class="house")
    assert run.path.name == "pacs-house-gnl-seed0"
    houses = [cell for cell in pacs_cells if (cell.config.normal_class, cell.config.seed) == ("house", 0)]
    for weight in (0.0, 1.0):
        wanted = read_method_scores(houses, Method("gnl", weight))
        found = select_method_scores(comparison, read_saved_scores(run), Method("gnl", weight))
        assert list(found) == list(wanted) == list(comparison.domains)
        assert all(np.array_equal(found[domain].score, wanted[domain].score) for domain in found)


def test_a_method_without_matching_has_scores_too(make_cells):
    cells = make_cells(Grid(("4",), ("rd4ad", "deep_svdd"), (0,), (0.0, 1.0)), lambda *_: 1)
    comparison = compare_cells(cells)
    run = run_of(comparison, cells[0].folder.path.parent, "deep_svdd", normal_class="4")
    found = select_method_scores(comparison, read_saved_scores(run), Method("deep_svdd", None))
    assert list(found) == ["digits", "digits_m"]


def test_at_an_unscored_strength_there_are_no_scores(pacs_cells: list[GridCell]):
    comparison = compare_cells(pacs_cells)
    rows = read_saved_scores(pacs_cells[0].folder)
    assert select_method_scores(comparison, rows, Method("rd4ad", 0.25)) == {}
