from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from importlib.resources import files

import pytest

from gnl_core.comparison.grid import GridCell
from gnl_core.comparison.measure import compare_cells
from gnl_core.comparison.page import comparison_page, html_difference, html_table
from gnl_core.comparison.records import ComparisonRow, Entry, Method

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'
READABLE = 4.5  # WCAG 2, level AA, for text


def parse(page: str) -> ET.Element:
    """The page's tree; it is written so that an XML parser reads it, which finds whatever is not closed."""
    return ET.fromstring(page.removeprefix("<!DOCTYPE html>\n"))


def luminance(colour: str) -> float:
    shares = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_element_is_closed_and_each_row_has_all_columns(pacs_cells: list[GridCell]):
    comparison = compare_cells(pacs_cells)
    tree = parse(comparison_page(comparison, {"a <picture>": SVG}))
    tables = list(tree.iter("table"))
    assert len(tables) == 3
    for table in tables:
        assert {len(row) for row in table.iter("tr")} == {len(comparison.columns) + 4}
    assert [summary.text for summary in tree.iter("summary")] == ["Normal class dog", "Normal class house"]


def test_the_page_needs_no_other_file(pacs_cells: list[GridCell]):
    page = comparison_page(compare_cells(pacs_cells), {"a": SVG})
    assert not re.search(r"https?://|<script|<link|@import", page)
    sources = [image.get("src", "") for image in parse(page).iter("img")]
    assert [source.partition(",")[0] for source in sources] == ["data:image/svg+xml;base64"]
    assert all(image.get("alt") for image in parse(page).iter("img"))


def test_the_best_is_bold_and_published_rows_are_marked(pacs_cells: list[GridCell]):
    tree = parse(comparison_page(compare_cells(pacs_cells), {}))
    rows = list(next(tree.iter("table")).iter("tr"))
    published = [row for row in rows if row.get("class") == "published"]
    assert [row[0].text for row in published] == ["rd4ad (published)", "gnl (published)"]
    assert not [bold for row in published for bold in row.iter("b")]
    (matched,) = [row for row in rows if (row[0].text, row[1].text) == ("gnl", "1")]
    assert [bold.text for bold in matched.iter("b")] == ["87.5"] * 5  # three shifts, their mean and worst


def test_only_a_clear_difference_has_a_colour():
    assert html_difference(Entry(0.8, difference=0.1, clear=True)) == '<small class="gain">+10.0</small>'
    assert html_difference(Entry(0.8, difference=-0.1, clear=True)) == '<small class="loss">-10.0</small>'
    assert html_difference(Entry(0.8, difference=0.1)) == "<small>+10.0</small>"
    assert html_difference(Entry(0.8)) == html_difference(Entry(0.8, difference=0.0)) == ""


def test_names_cannot_break_the_page():
    row = ComparisonRow(Method("<b>", None), published=False, entries={"a&b": Entry(0.5)}, runs=1)
    table = html_table([row], ["a&b"], runs=1)
    assert "&lt;b&gt;" in table
    assert "a&amp;b" in table
    ET.fromstring(table)


@pytest.mark.parametrize("theme", [0, 1])
@pytest.mark.parametrize("name", ["text", "quiet", "gain", "loss"])
def test_every_colour_can_be_read_on_the_ground_in_light_and_dark(theme: int, name: str):
    style = files("gnl_core.comparison").joinpath("page.css").read_text(encoding="utf-8")
    ground, colour = (re.findall(rf"--{key}: (#\w+);", style)[theme] for key in ("ground", name))
    low, high = sorted((luminance(ground), luminance(colour)))
    assert (high + 0.05) / (low + 0.05) >= READABLE
