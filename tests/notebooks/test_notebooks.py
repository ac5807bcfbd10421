"""The notebooks run as they are, on bundled data and without a network, and what they say is true."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Any

import nbformat
import pytest
from PIL import Image

from gnl_core.api import AdaptationResult, ScoringResult
from tests.notebooks.running import run_notebook
from tests.test_docs import LINK, anchors

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
FILES = sorted(NOTEBOOKS.glob("*.ipynb"))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that runs a notebook where it is; what it makes goes into the test's folder."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def run_here(name: str) -> tuple[dict[str, Any], list[object]]:
        return run_notebook((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"), folder=NOTEBOOKS)

    return run_here


def test_five_lines_train_score_and_show(run):
    variables, shown = run("five_lines")
    result = variables["result"]
    assert list(result.report.domains) == ["digits", "digits_m"]
    assert result.report.domains["digits"].auroc > 0.9
    assert [type(one) for one in shown if isinstance(one, ScoringResult | Image.Image)] == [
        ScoringResult,
        *[Image.Image] * 2,
    ]


def test_the_paper_by_hand_agrees_with_our_code(run):
    variables, _ = run("paper_by_hand")
    assert len(variables["records"]) == 2 * len(variables["batches"])


def test_your_own_images_are_trained_on_scored_and_shown(run, tmp_path):
    variables, shown = run("your_own_images")
    report = variables["result"].report
    assert [(d.n_normal, d.n_anomalous) for d in report.domains.values()] == [(8, 8), (8, 8)]
    assert list(report.domains) == ["lamp", "window"]
    assert variables["root"].is_relative_to(tmp_path)
    assert sum(isinstance(one, Image.Image) for one in shown) == 1


def test_adapting_lowers_false_alarms(run):
    variables, shown = run("adapting")
    (after,) = variables["after"].report.domains.values()
    assert after.false_alarm_rate < variables["alarms"]
    assert any(isinstance(one, AdaptationResult) for one in shown)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_notebooks_are_kept_without_outputs(file: Path):
    notebook = nbformat.reads(file.read_text(encoding="utf-8"), as_version=nbformat.NO_CONVERT)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.outputs for cell in code] == [[]] * len(code)
    assert [cell.execution_count for cell in code] == [None] * len(code)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_links_lead_to_files_and_headings_that_exist(file: Path):
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    for link in LINK.findall(text):
        path, _, anchor = link.partition("#")
        target = (NOTEBOOKS / path).resolve()
        assert target.is_file()
        assert not anchor or anchor in anchors(target)


def test_the_readme_links_each_notebook():
    readme = (NOTEBOOKS.parent / "README.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"\]\(notebooks/(\w+\.ipynb)\)", readme)) == [file.name for file in FILES]
