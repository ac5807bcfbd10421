from __future__ import annotations

from pathlib import Path

import pytest

from gnl_core.tables import align_columns, csv_cell

PROJECT = Path(__file__).parents[2]


def test_columns_are_as_wide_as_their_longest_text():
    rows = [("name", "n", "note"), ("a", "100", ""), ("long name", "7", "x")]
    assert align_columns(rows, right=[1]) == ["name         n  note", "a          100", "long name    7  x"]


def test_columns_are_left_aligned_by_default():
    assert align_columns([("a", "bb"), ("ccc", "d")]) == ["a    bb", "ccc  d"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-x.png", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://a.b")'])
def test_a_text_that_begins_like_a_formula_has_an_apostrophe_before_it(text):
    assert csv_cell(text) == "'" + text


@pytest.mark.parametrize("value", [-0.5, -3, "a=b", "", "0.png", " =1", None, True])
def test_numbers_and_other_texts_are_written_as_they_are(value):
    assert csv_cell(value) is value


def test_every_module_that_writes_csv_escapes_its_cells():
    sources = {file: file.read_text() for package in ("gnl_core", "app") for file in (PROJECT / package).rglob("*.py")}
    writers = [text for text in sources.values() if "to_csv(" in text or "csv.writer(" in text or "DictWriter(" in text]
    assert len(writers) == 8
    assert all("csv_cell" in text for text in writers)
