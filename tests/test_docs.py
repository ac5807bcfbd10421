"""The documentation is complete: the navigation lists every page, and every link has a target."""

from __future__ import annotations

import contextlib
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from gnl_core.comparison.data import read_comparison
from gnl_core.comparison.records import ComparisonRow
from gnl_core.comparison.text import interval_text, markdown_page, row_names, value_text
from gnl_core.comparison.tray_text import has_uses
from gnl_core.config import scoring_settings
from gnl_core.detectors import DETECTORS, find_method
from gnl_core.metrics.image import auroc
from gnl_core.names import DETECTOR_NAMES
from gnl_core.runs.folder import RunFolder, read_config
from gnl_core.runs.scores import find_scores

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
OUTSIDE = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "assets/README.md")]
PAGES = [*OUTSIDE, *sorted(DOCS.rglob("*.md"))]
FENCE = re.compile(r"^```.*?^```", flags=re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
WEB = ("https://", "http://")


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def toctree_entries(page: Path) -> Iterator[Path]:
    """The pages that a table of contents lists, without their endings."""
    for block in re.findall(r"^```\{toctree\}\n(.*?)^```", read(page), flags=re.DOTALL | re.MULTILINE):
        for line in filter(None, block.splitlines()):
            if not line.startswith(":"):
                yield (page.parent / line.split("<")[-1].rstrip(">")).resolve()


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings on the repository's web page and on the site."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", read(page)), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(page: Path) -> list[str]:
    """Its relative links whose file or heading does not exist."""
    broken = []
    for link in LINK.findall(FENCE.sub("", read(page))):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        found = link.startswith(WEB) or (target.is_file() and (not anchor or anchor in anchors(target)))
        broken += [] if found else [link]
    return broken


def test_the_navigation_lists_every_page_once():
    listed = [entry.with_suffix("") for entry in toctree_entries(DOCS / "index.md")]
    pages = [page.with_suffix("") for page in (*PAGES, DOCS / "api" / "index.rst") if page != DOCS / "index.md"]
    assert sorted(listed) == sorted(pages)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_relative_links_lead_to_files_and_headings_that_exist(page: Path):
    assert broken_links(page) == []


def test_a_link_to_a_missing_file_or_heading_is_found(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text("# A page\n[here](#a-page) [there](#b) [file](no.md)\n```\n[code](no.md)\n```\n", encoding="utf-8")
    assert broken_links(page) == ["#b", "no.md"]


def test_the_reference_has_every_method():
    reference = re.findall(r"automodule:: (\S+)", read(DOCS / "api" / "detectors.rst"))
    assert {find_method(name).__module__ for name in DETECTORS} <= set(reference)


@pytest.mark.slow
def test_the_references_example_gives_the_bundled_scores(capsys: pytest.CaptureFixture[str]):
    (example,) = re.findall(r"code-block:: python\n\n(.*?)\n\n\S", read(DOCS / "api" / "index.rst"), flags=re.DOTALL)
    with contextlib.chdir(ROOT):
        exec(textwrap.dedent(example), {})
    folder = RunFolder(ROOT / "assets" / "checkpoints" / "digits-4-gnl")
    saved = find_scores(folder, domain="digits_m", scoring=scoring_settings(read_config(folder), style_weight=1.0))
    assert saved is not None
    assert float(capsys.readouterr().out) == pytest.approx(auroc(saved.label, saved.score), abs=0.005)


COMPARISONS = sorted((ROOT / "assets" / "results").glob("*.json"))


def table_line(row: ComparisonRow, columns: list[str], *, with_use: bool) -> str:
    """One row of a comparison as docs/results.md writes it."""
    name = DETECTOR_NAMES[row.method.detector]
    values = [value_text(row.entries[column], "") for column in columns]
    if row.published:
        return " | ".join([f"| <sub>{name}, published</sub> |", *(f"<sub>{value}</sub>" for value in values)]) + " |"
    intervals = [interval_text(row.entries[column], "") for column in columns]
    cells = [f"{value} ({ends})" if ends else value for value, ends in zip(values, intervals, strict=True)]
    return " | ".join([f"| {name}", *row_names(row, with_use=with_use)[1:], *cells]) + " |"


@pytest.mark.parametrize("file", COMPARISONS, ids=lambda file: file.stem)
def test_the_tables_of_results_have_the_numbers_of_the_bundled_comparisons(file: Path):
    comparison = read_comparison(file)
    page = read(DOCS / "results" / f"{file.stem}.md")
    assert [line for line in markdown_page(comparison).splitlines() if line not in page.splitlines()] == []
    columns = [column for column in comparison.columns if column != "worst shift"]
    with_use = has_uses(comparison.rows)
    rows = [row for row in comparison.rows if row.entries]  # a method that cannot be adapted has rows without numbers
    quoted = [row for row in rows if not (with_use and row.method.style_weight)]  # adapted: without FDM
    lines = [table_line(row, columns, with_use=with_use) for row in quoted]
    assert [line for line in lines if line not in read(DOCS / "results.md").splitlines()] == []
