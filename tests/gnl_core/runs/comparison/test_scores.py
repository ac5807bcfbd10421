from __future__ import annotations

import numpy as np

from gnl_core.runs.comparison.figures import read_method_scores
from gnl_core.runs.comparison.measure import compare_cells
from gnl_core.runs.comparison.records import Method
from gnl_core.runs.comparison.scores import read_domain_scores, run_of
from gnl_core.runs.grid import Cell, Grid


def test_the_scores_beside_a_comparison_are_those_that_it_was_measured_from(pacs_cells: list[Cell]):
    comparison = compare_cells(pacs_cells)
    run = run_of(comparison, pacs_cells[0].folder.path.parent, "gnl", normal_class="house")
    assert run.path.name == "pacs-house-gnl-seed0"
    houses = [cell for cell in pacs_cells if (cell.config.normal_class, cell.config.seed) == ("house", 0)]
    for weight in (0.0, 1.0):
        wanted = read_method_scores(houses, Method("gnl", weight))
        found = read_domain_scores(comparison, run, style_weight=weight)
        assert list(found) == list(wanted) == list(comparison.domains)
        assert all(np.array_equal(found[domain].score, wanted[domain].score) for domain in found)


def test_a_method_without_matching_has_scores_too(make_cells):
    cells = make_cells(Grid(("4",), ("rd4ad", "deep_svdd"), (0,), (0.0, 1.0)), lambda *_: 1)
    comparison = compare_cells(cells)
    run = run_of(comparison, cells[0].folder.path.parent, "deep_svdd", normal_class="4")
    assert list(read_domain_scores(comparison, run, style_weight=None)) == ["digits", "digits_m"]


def test_where_no_run_lies_there_are_no_scores(pacs_cells: list[Cell], tmp_path):
    comparison = compare_cells(pacs_cells)
    run = run_of(comparison, tmp_path, "gnl", normal_class="dog")
    assert read_domain_scores(comparison, run, style_weight=0.0) == {}
