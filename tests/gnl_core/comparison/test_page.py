from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from importlib.resources import files

import pytest

from gnl_core.comparison.grid import GridCell
from gnl_core.comparison.measure import compare_cells
from gnl_core.comparison.page import comparison_page, comparison_summary
from gnl_core.comparison.records import ComparisonRow, Entry, Method

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'
READABLE = 4.5  # WCAG 2, level AA, for text


def parse(page: str) -> ET.Element:
    """The page's tree; the XML parser fails on an unclosed element."""
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


DIFFERENCES = [(0.1, True), (-0.1, True), (0.1, False), (None, False), (0.0, False)]


def summary_of(cells: list[GridCell], row: ComparisonRow) -> ET.Element:
    """The summary of a comparison that has this row alone."""
    comparison = compare_cells(cells)._replace(rows=[row], columns=tuple(row.entries))
    return ET.fromstring(f"<div>{comparison_summary(comparison)}</div>")


def shown(cells: list[GridCell], entry: Entry) -> list[tuple[str | None, str | None]]:
    """Class and text of each small line below a number."""
    tree = summary_of(cells, ComparisonRow(Method("gnl", 1.0), published=False, entries={"photo": entry}, runs=1))
    return [(small.get("class"), small.text) for small in tree.iter("small")]


def test_only_a_clear_difference_has_a_colour(pacs_cells: list[GridCell]):
    small = [shown(pacs_cells, Entry(0.8, difference=number, clear=clear)) for number, clear in DIFFERENCES]
    assert small == [[("gain", "+10.0")], [("loss", "-10.0")], [(None, "+10.0")], [], []]


def test_names_cannot_break_the_page(pacs_cells: list[GridCell]):
    entries = {"a&b": Entry(0.5), "<i>": Entry(0.5, domain="</td><script>")}
    tree = summary_of(pacs_cells, ComparisonRow(Method("<b>", None), published=False, entries=entries, runs=1))
    assert [cell.text for cell in tree.iter("th")] == ["method", "alpha", "a&b", "<i>", "runs", "training", "<b>"]
    assert [small.text for small in tree.iter("small")] == ["</td><script>"]


def test_a_hostile_data_set_class_and_caption_cannot_break_the_page(pacs_cells: list[GridCell]):
    name = "</title><script>alert('x')</script>&\""
    comparison = compare_cells(pacs_cells)
    hostile = comparison._replace(
        config=comparison.config.model_copy(update={"dataset": name}), by_class={name: comparison.rows}, diverged=[name]
    )
    tree = parse(comparison_page(hostile, {name: SVG}))
    assert not list(tree.iter("script"))
    assert tree.findtext("head/title") == f"Comparison on {name}"
    assert tree.findtext("body/details/summary") == f"Normal class {name}"
    assert [image.get("alt") for image in tree.iter("img")] == [name]


@pytest.mark.parametrize("theme", [0, 1])
@pytest.mark.parametrize("name", ["text", "quiet", "gain", "loss"])
def test_every_colour_is_readable_in_light_and_dark(theme: int, name: str):
    style = files("gnl_core.comparison").joinpath("page.css").read_text(encoding="utf-8")
    ground, colour = (re.findall(rf"--{key}: (#\w+);", style)[theme] for key in ("ground", name))
    low, high = sorted((luminance(ground), luminance(colour)))
    assert (high + 0.05) / (low + 0.05) >= READABLE
