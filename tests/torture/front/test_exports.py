"""Names from files in exported HTML, SVG and Markdown: they add no element to those that harmless names give."""

from __future__ import annotations

import json
import random
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np
import pytest

from app.comparisons import BUNDLED
from gnl_core.comparison.data import read_comparison
from gnl_core.comparison.page import comparison_page, comparison_summary
from gnl_core.comparison.text import markdown_page
from gnl_core.metrics.table import html_report
from gnl_core.plots.histograms import Panel
from gnl_core.plots.score_panels import render, score_panels
from gnl_core.records import DomainReport, Report, Scores
from tests.torture.front import values

SEED = 17
NAMES = ("mnist", "mnist_m", "gnl", "8")  # of the data set, a domain, a method and a class
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'
MARKED = re.compile(r"(?<!\\)(\[[^\]]*\]\(|<(?!br>|/?sub>)\w|`|\$|(?<!\w)www\.|https?://)")


class Elements(HTMLParser):
    """Collects each element with the names of its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, ...]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, *(name for name, _ in attrs)))

    def handle_comment(self, data: str) -> None:
        self.found.append(("comment",))

    def handle_decl(self, decl: str) -> None:
        self.found.append(("declaration",))

    unknown_decl = handle_pi = handle_decl


def elements(html: str) -> list[tuple[str, ...]]:
    parser = Elements()
    parser.feed(html)
    parser.close()
    return parser.found


@pytest.fixture
def named(tmp_path):
    """A function that writes a bundled comparison with something appended to its names, and reads it."""

    def read(suffix: str):
        saved = (BUNDLED / "mnist.json").read_text()
        for name in NAMES:
            saved = saved.replace(json.dumps(name), json.dumps(f"{name}{suffix}"))
        file = tmp_path / "comparison.json"
        file.write_text(json.dumps(json.loads(saved) | {"diverged": [f"d{suffix}"], "missing": [f"m{suffix}"]}))
        return read_comparison(file)

    return read


def suffixes(count: int) -> list[str]:
    generator = random.Random(SEED)
    drawn = [f" {values.draw(generator)[:300]}" for _ in range(count)]
    return [f" {text}" for text in values.MARKUP[: count + 5]] + [text for text in drawn if is_text(text)]


def is_text(text: str) -> bool:
    """Whether a text can be in JSON that is UTF-8."""
    return all(not 0xD800 <= ord(character) <= 0xDFFF for character in text)


def test_names_add_no_element_to_exported_html(named, scaled, report_figures):
    def pages(suffix: str) -> list[str]:
        comparison = named(suffix)
        domain = DomainReport(auroc=None, auroc_interval=None, n_normal=1, n_anomalous=1)
        return [
            comparison_page(comparison, {f"a{suffix}": SVG}),
            comparison_summary(comparison),
            html_report(Report(domains={f"d{suffix}": domain}, drops={}, no_shift_score=f"n{suffix}")),
        ]

    expected = [elements(page) for page in pages("")]
    tried = suffixes(scaled(short=10, full=150))
    faults = [suffix for suffix in tried if [elements(page) for page in pages(suffix)] != expected]
    assert faults == []
    report_figures("names in exported HTML", tries=3 * len(tried), with_foreign_elements=0)


def test_names_are_no_markup_in_exported_markdown(named, scaled, report_figures):
    expected = [count_columns(line) for line in markdown_page(named("")).splitlines()]
    tried = suffixes(scaled(short=10, full=200))
    for suffix in tried:
        page = markdown_page(named(suffix))
        assert [count_columns(line) for line in page.split("\n")[:-1]] == expected, suffix
        assert [found.group() for found in MARKED.finditer(page)] == [], suffix
    report_figures("names in exported Markdown", tries=len(tried), marked_up=0)


def count_columns(line: str) -> int:
    """The number of bars in a line of Markdown, which divide its cells."""
    return len(re.findall(r"(?<!\\)\|", line))


def test_names_add_no_element_to_a_drawn_figure(scaled, report_figures):
    def figure(suffix: str) -> bytes:
        texts = np.array(["a", "b"])
        scores = Scores(score=np.array([0.0, 1.0]), label=np.array([0, 1]), domain=texts, category=texts, path=texts)
        panel = Panel(scores=scores, title=f"t{suffix}", note="", footnote=f"f{suffix}", shifted=False)
        return render(score_panels([[panel]]), ending="svg")

    known = {element.tag for element in ET.fromstring(figure("")).iter()}
    tried = [suffix[:40] for suffix in suffixes(60)[: scaled(short=3, full=40)]]
    for suffix in tried:
        tree = ET.fromstring(figure(suffix))
        assert {element.tag for element in tree.iter()} == known, suffix
        assert not any(
            name.startswith("on") or ("href" in name and not value.startswith("#"))
            for element in tree.iter()
            for name, value in element.items()
        )
    report_figures("names in exported SVG", tries=len(tried), with_foreign_elements=0)
