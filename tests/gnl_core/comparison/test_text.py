from __future__ import annotations

import pytest

from gnl_core.comparison.grid import GridCell
from gnl_core.comparison.measure import compare_cells
from gnl_core.comparison.records import ID_COST, REFERENCE, ComparisonRow, Entry, Method
from gnl_core.comparison.text import (
    best_rows,
    describe,
    interval_text,
    markdown_page,
    percent,
    row_names,
    terminal_table,
    value_text,
)

FULL = 4


def make_row(
    detector: str, value: float, *, column: str = "a", published: bool = False, runs: int = FULL
) -> ComparisonRow:
    return ComparisonRow(
        Method(detector, None), published=published, entries={column: Entry(value, runs=runs)}, runs=runs
    )


@pytest.mark.parametrize(
    ("value", "signed", "text"),
    [
        (0.98765, False, "98.8"),
        (0.012, True, "+1.2"),
        (-0.012, True, "-1.2"),
        (-0.0001, True, "0.0"),
        (-0.0, False, "0.0"),
    ],
)
def test_numbers_are_percent_with_one_decimal_and_zero_has_no_sign(value: float, signed: bool, text: str):
    assert percent(value, signed=signed) == text


def test_a_number_is_shown_with_its_spread_and_its_interval():
    entry = Entry(0.9, interval=(0.85, 0.95), spread=0.012)
    assert value_text(entry, "digits") == "90.0 ± 1.2"
    assert interval_text(entry, "digits") == "85.0 to 95.0"
    assert (value_text(None, "digits"), interval_text(None, "digits")) == ("-", "")


def test_the_best_is_the_highest_auroc_and_the_lowest_cost_with_ties_as_shown():
    rows = [make_row("a", 0.90004), make_row("b", 0.89996), make_row("c", 0.7)]
    assert best_rows(rows, "a", runs=FULL) == {0, 1}
    costs = [make_row("a", 0.01, column=ID_COST), make_row("b", -0.01, column=ID_COST)]
    assert best_rows(costs, ID_COST, runs=FULL) == {1}


def test_published_numbers_and_rows_with_missing_runs_are_never_the_best():
    rows = [make_row("a", 0.8), make_row("b", 0.7), make_row("c", 0.99, published=True), make_row("d", 0.95, runs=3)]
    assert best_rows(rows, "a", runs=FULL) == {0}


def test_the_reference_is_never_the_best_in_id_cost():
    reference = ComparisonRow(REFERENCE, published=False, entries={ID_COST: Entry(0.0)}, runs=FULL)
    rows = [reference, make_row("a", 0.02, column=ID_COST), make_row("b", 0.01, column=ID_COST)]
    assert best_rows(rows, ID_COST, runs=FULL) == {2}


def test_a_single_row_is_not_the_best():
    assert best_rows([make_row("a", 0.8)], "a", runs=FULL) == set()


def test_a_row_names_its_strength_if_it_has_one():
    assert row_names(ComparisonRow(Method("gnl", 0.5), published=False, entries={})) == ("gnl", "0.5")
    assert row_names(ComparisonRow(Method("deep_svdd", None), published=False, entries={})) == ("deep_svdd", "-")
    assert row_names(ComparisonRow(Method("gnl", None), published=True, entries={})) == ("gnl (published)", "")


def test_the_head_describes_data_seeds_teacher_size_counts_and_id_cost(pacs_cells: list[GridCell]):
    text = "\n".join(describe(compare_cells(pacs_cells)))
    for words in (
        "pacs; normal classes: dog, house; seeds: 0, 1",
        "teacher efficientnet_lite0 at 64x64 px",
        "n = 20 normal and 20 anomalous",
        "in-distribution AUROC (photo) lost against RD4AD without matching",
        "not measured here",
    ):
        assert words in text


def test_the_terminals_columns_are_aligned(pacs_cells: list[GridCell]):
    lines = terminal_table(compare_cells(pacs_cells)).splitlines()
    (header,) = [line for line in lines if line.startswith("method")]
    rows = lines[lines.index(header) + 1 :]
    start = header.index("worst shift")
    assert all(line[start - 2 : start] == "  " for line in rows)
    assert [line.split()[:2] for line in rows if line.startswith("gnl ")] == [
        ["gnl", "0"],
        ["gnl", "1"],
        ["gnl", "(published)"],
    ]
    assert "4     12 s" in rows[0]


def test_markdown_has_the_best_in_bold_and_published_numbers_small(pacs_cells: list[GridCell]):
    means, *_ = markdown_page(compare_cells(pacs_cells)).split("## Normal class")
    table = [line for line in means.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in table}) == 1
    (best,) = [line for line in table if line.startswith("| gnl | 1 |")]
    assert "**87.5 ± 3.5**" in best  # under shift
    assert "**85.0" not in best  # in-distribution
    (published,) = [line for line in table if line.startswith("| gnl (published)")]
    assert "<sub>86.8</sub>" in published  # photo, mean of dog and house
    assert "**" not in published


def test_markdown_has_a_table_of_each_class_after_the_means(pacs_cells: list[GridCell]):
    comparison = compare_cells(pacs_cells)
    _, *tables = markdown_page(comparison).split("## Normal class ")
    for normal_class, table in zip(("dog", "house"), tables, strict=True):
        heading, *lines = table.splitlines()
        assert heading == normal_class
        (row,) = [line for line in lines if line.startswith("| gnl | 1 |")]
        assert row.split("|")[3].split("<br>")[0].strip() == "85.0 ± 0.0"
        assert row.split("|")[-3].strip() == "2"  # seeds, not classes times seeds


def test_names_are_texts_in_markdown(pacs_cells: list[GridCell]):
    comparison = compare_cells(pacs_cells)
    named = comparison._replace(
        columns=("![p](http://a.b)", "a|b", "<b>"), by_class={"[x](y)": comparison.rows, "www.a.b": comparison.rows}
    )
    page = markdown_page(named)
    assert "!\\[p\\](http:\u2060//a.b) | a\\|b | \\<b\\>" in page
    assert "## Normal class \\[x\\](y)" in page
    assert "## Normal class www\u2060.a.b" in page


def test_engines_are_named_unless_pytorch_computed_everything(pacs_cells: list[GridCell]):
    comparison = compare_cells(pacs_cells)
    assert comparison.engines == ("torch",)
    assert not any("teacher computed" in line.lower() for line in describe(comparison))
    mixed = describe(comparison._replace(engines=("onnxruntime", "torch")))
    assert "Teacher computed by ONNX Runtime and PyTorch." in mixed
