"""The notebooks that pages offer: they are valid, run, and compute what the page shows."""

from __future__ import annotations

import ast
import io
import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import nbformat
import plotly.graph_objects as go
import pytest
from PIL import Image

import gnl_core as gnl
from app.controls.image import read_own_image
from app.display.notebook import Cell, write_notebook
from gnl_core.comparison.command import comparison_arguments
from gnl_core.runs.images import list_domain
from tests.app import hostile
from tests.notebooks.running import run_notebook

OWN = "Your own images"
OFFERING = ("explore.downloads", "inspect.downloads", "shift_lab.curves", "compare.downloads")
PROJECT = Path(__file__).parents[2]


@pytest.fixture
def offered(monkeypatch) -> dict[str, partial[str]]:
    """What writes the notebooks that pages offer, by the stem of their files."""
    kept: dict[str, partial[str]] = {}
    for module in OFFERING:
        monkeypatch.setattr(f"app.screens.{module}.offer_notebook", kept.__setitem__)
    return kept


@pytest.fixture
def open_own(open_screen, own_images, train, monkeypatch) -> Callable[..., Any]:
    """A function that opens a page on a run of a folder, both with hostile names."""
    root = hostile.rename_images(own_images(labelled=True))
    run = train(dataset="folder", normal_class="good", data_root=root, detector="rd4ad")
    run.path.rename(run.path.with_name(f"'''); raise SystemExit # {hostile.NAME}"))
    return partial(open_screen, data=OWN, folder=root, methods="RD4AD")


def run_offered(offered: dict[str, partial[str]]) -> tuple[tuple[Any, ...], dict[str, Any], list[object]]:
    """Run the one notebook that a page offers; return what it was written from, its variables, and what it shows.

    The folders of the test's runs and images, which it needs, are not in it.
    """
    (make,) = offered.values()
    content = make()
    assert str(Path(os.environ["GNL_RUNS"]).parent) not in content
    return make.args, *run_notebook(content, folder=PROJECT)


def test_explore_is_computed_again_whatever_the_names_hold(open_own, offered):
    page = open_own("explore", fdm_rd4ad="true", strength="0.5")
    assert not page.exception
    (_, (result,)), variables, shown = run_offered(offered)
    computed = variables["rd4ad_result"]
    assert computed.scoring == result.request.scoring
    for domain in (result.in_distribution, result.shifted):
        measured = computed.report.domains[str(domain.scores.domain[0])]
        assert (measured.auroc, measured.n_normal) == (domain.report.auroc, domain.report.n_normal)
    assert computed.report.threshold.value == pytest.approx(result.threshold)
    assert isinstance(shown[-1], go.Figure)


def test_explores_adapted_methods_are_adapted_again(open_screen, offered, monkeypatch):
    open_screen("explore", methods="RD4AD", adapt="adapt to k normal images", tray=4)
    for module in ("api.runs", "runs.scoring", "runs.adapting"):
        monkeypatch.setattr(f"gnl_core.{module}.list_domain", lambda config, domain: list_domain(config, domain)[::9])
    (_, (result,)), variables, _ = run_offered(offered)
    assert result.adapted.choice == (4, True)
    origin = variables["rd4ad_adaptation"].saved.record.origin
    assert (origin.domain, len(origin.images)) == ("digits_m", 4)
    as_it_is, adapted = (variables[name].report.domains["digits_m"] for name in ("rd4ad_result", "rd4ad_adapted"))
    assert (adapted.n_normal, adapted.n_anomalous) == (as_it_is.n_normal - 4, as_it_is.n_anomalous)


def test_shift_lab_is_computed_again(open_own, offered):
    open_own("shift_lab", shift="contrast")
    (view, (method,)), variables, shown = run_offered(offered)
    assert list(variables["curves"]) == ["RD4AD", "RD4AD + FDM 1"]
    assert [list(curve.x) for curve in shown[-2].data] == [list(range(6))] * 2
    assert set(variables["curves"]["RD4AD"]) == set(variables["domains"].values())
    assert method.off.request.checkpoint.config.data_root == view.root


def test_an_adapted_method_is_adapted_again(open_screen, offered, train):
    train(dataset="digits", normal_class="7", detector="rd4ad")
    address = {"normal": "7", "methods": "RD4AD", "side": "Shifted", "image": 3}
    page = open_screen("inspect", **address, adapt="adapt to k normal images", tray=4)
    assert not page.exception
    (view, number, (row,), _), variables, shown = run_offered(offered)
    assert (view.shifted, number) == ("digits_m", 3)
    assert variables["image"].path == gnl.images(variables["rd4ad_run"], "digits_m")[2].path
    scores = [one for one in shown if isinstance(one, float)]
    assert scores == pytest.approx([cell.image_score.score for cell in row.cells], rel=1e-3)
    assert [one.size for one in shown if isinstance(one, Image.Image)] == [(28, 28), (32, 32), (32, 32)]


def test_matched_maps_share_the_colour_scale_of_the_page(open_own, offered):
    open_own("inspect", image=2)
    (_, _, (row,), _), variables, _ = run_offered(offered)
    assert variables["rd4ad_upper"] == pytest.approx(row.off.upper, rel=1e-3)


def test_an_image_of_ones_own_has_no_notebook(open_screen, offered, monkeypatch):
    picture = io.BytesIO()
    Image.new("RGB", (32, 32)).save(picture, format="PNG")
    monkeypatch.setattr("app.controls.image.upload_image", lambda: read_own_image("mine.png", picture.getvalue()))
    page = open_screen("inspect", methods="RD4AD", **{"from": "Your image"})
    assert not page.exception
    assert offered == {}


def test_a_comparison_is_loaded_and_not_trained_again(open_screen, offered, own_runs, tiny_config):
    tiny = tiny_config().model_dump(include={"image_size", "epochs", "limit", "batch_size", "stored_references"})
    made = gnl.compare(own_runs / "mine", normal_class="4", detector="knn", domain="digits", reference_count=2, **tiny)
    weights = next((own_runs / "mine").rglob("weights.safetensors"))
    trained = weights.stat().st_mtime_ns
    open_screen("compare", comparison="mine")
    _, variables, _ = run_offered(offered)
    assert repr(variables["comparison"]) == repr(made)
    assert weights.stat().st_mtime_ns == trained


def test_the_settings_of_a_hostile_comparison_are_texts(open_screen, offered, own_runs):
    file = hostile.write_comparison(own_runs)
    content = json.loads(file.read_text())
    content["settings"]["method"] = {"a=1); import os #": hostile.TEXT}
    file.write_text(json.dumps(content))
    open_screen("compare", comparison=hostile.COMPARISON)
    (make,) = offered.values()
    (listed,) = make.args
    sources = [cell.source for cell in nbformat.reads(make(), as_version=4).cells if cell.cell_type == "code"]
    _, arguments = [node.value for node in ast.walk(ast.parse(sources[0])) if isinstance(node, ast.Assign)]
    assert ast.literal_eval(arguments) == comparison_arguments(listed.comparison)
    assert "a=1); import os #" in ast.literal_eval(arguments)


def test_a_notebook_is_valid_whatever_its_cells_hold():
    content = write_notebook([Cell("markdown", "\udcff α\n\n# b"), Cell("code", "'\\udcff'\n1"), Cell("code", "")])
    content.encode("utf-8")
    notebook = nbformat.reads(content, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert [cell.source for cell in notebook.cells] == ["\udcff α\n\n# b", "'\\udcff'\n1", ""]
