from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gnl_core.comparison.data import comparison_json, read_comparison
from gnl_core.comparison.grid import GridCell
from gnl_core.comparison.measure import compare_cells
from gnl_core.comparison.records import Comparison, ComparisonRow
from gnl_core.comparison.text import markdown_page

PROJECT = Path(__file__).parents[3]
RESULTS = sorted((PROJECT / "assets" / "results").glob("*.json"))


@pytest.fixture
def comparison(pacs_cells: list[GridCell]) -> Comparison:
    return compare_cells(pacs_cells)


def write(tmp_path: Path, content: str) -> Path:
    file = tmp_path / "comparison.json"
    file.write_text(content)
    return file


def facts(row: ComparisonRow) -> list[object]:
    """The values of a row other than its fractional numbers."""
    entries = {name: (entry.clear, entry.domain, entry.runs) for name, entry in row.entries.items()}
    return [row.method, row.published, row.runs, row.training_seconds, entries]


def fractions(row: ComparisonRow) -> list[float | None]:
    return [
        number
        for entry in row.entries.values()
        for number in (entry.value, *(entry.interval or ()), entry.spread, entry.difference)
    ]


def test_a_written_comparison_is_read_unchanged(comparison: Comparison, tmp_path: Path):
    back = read_comparison(write(tmp_path, comparison_json(comparison)))
    assert back._replace(rows=[], by_class={}) == comparison._replace(rows=[], by_class={})
    for name, rows in {"mean": comparison.rows, **comparison.by_class}.items():
        again = back.rows if name == "mean" else back.by_class[name]
        for row, read in zip(rows, again, strict=True):
            assert facts(read) == facts(row)
            assert fractions(read) == [pytest.approx(number, abs=1e-8) for number in fractions(row)]


def test_a_comparison_read_from_its_file_gives_the_same_text(comparison: Comparison, tmp_path: Path):
    assert markdown_page(read_comparison(write(tmp_path, comparison_json(comparison)))) == markdown_page(comparison)


def test_a_number_of_images_beyond_any_is_refused(comparison: Comparison, tmp_path: Path):
    content = json.loads(comparison_json(comparison))
    next(iter(next(iter(content["images"].values())).values()))["n_anomalous"] = 10**400
    with pytest.raises(ValueError, match="is damaged or not a comparison"):
        read_comparison(write(tmp_path, json.dumps(content)))


def test_a_row_without_a_number_of_runs_takes_its_largest_number(comparison: Comparison, tmp_path: Path):
    content = json.loads(comparison_json(comparison))
    for row in content["tables"]["mean"]:
        del row["runs"]
    back = read_comparison(write(tmp_path, json.dumps(content)))
    assert [row.runs for row in back.rows] == [row.runs for row in comparison.rows]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda content: content.pop("seeds"), "seeds"),
        (lambda content: content["tables"].pop("dog"), "no table for dog"),
        (lambda content: content["tables"].update(mean=[]), "it has no measured numbers"),
        (lambda content: content["tables"]["mean"][0].update(source="guessed"), "source"),
        (lambda content: content["tables"]["mean"][0]["values"]["photo"].update(percent="many"), "percent"),
        (lambda content: content["settings"].update(image_size=[1, 1]), "image_size"),
        (lambda content: content["settings"].update(method=64), "method"),
    ],
)
def test_a_damaged_file_is_refused_in_one_sentence(comparison: Comparison, tmp_path: Path, change, told: str):
    content = json.loads(comparison_json(comparison))
    change(content)
    with pytest.raises(ValueError, match=rf"is damaged or not a comparison .*{told}.*write it again"):
        read_comparison(write(tmp_path, json.dumps(content)))


@pytest.mark.parametrize("content", ["", "[]", "{", '{"classes": NaN}', "\x00\xff"])
def test_a_file_that_is_not_a_comparison_is_refused_in_one_sentence(tmp_path: Path, content: str):
    with pytest.raises(ValueError, match="is damaged or not a comparison"):
        read_comparison(write(tmp_path, content))


def test_a_missing_file_is_reported(tmp_path: Path):
    with pytest.raises(ValueError, match=r"there is no comparison .*; write it with"):
        read_comparison(tmp_path / "none.json")


@pytest.mark.parametrize("file", RESULTS, ids=lambda file: file.stem)
def test_the_bundled_results_are_those_of_the_docs(file: Path):
    assert (PROJECT / "docs" / "results" / f"{file.stem}.md").read_text().endswith(markdown_page(read_comparison(file)))


@pytest.mark.parametrize("file", RESULTS, ids=lambda file: file.stem)
def test_the_bundled_results_contain_no_local_paths(file: Path):
    config = read_comparison(file).config
    assert (config.data_root, config.teacher_weights) == (None, None)
    assert '"/' not in file.read_text()


def test_reading_imports_neither_pytorch_nor_pandas():
    code = (
        "import sys; from gnl_core.comparison import data, command, page, scores, text; "
        "sys.exit(bool({'torch', 'pandas'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=False).returncode == 0
