"""Fixtures of the page tests: the app without a browser, and small runs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from streamlit import config
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from gnl_core.jobs.worker import train_as_job
from gnl_core.runs.folder import RunFolder, create_run, read_config
from gnl_core.runs.training import train_run

PROJECT = Path(__file__).parents[2]
SLOW_SECONDS = 120


@pytest.fixture(scope="session", autouse=True)
def components_listed_once() -> Iterator[None]:
    """Let Streamlit search the installed packages for components once, not for each page that a test opens."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(autouse=True)
def own_runs(tmp_path, monkeypatch):
    """An empty folder of runs for each test, and no data except the test's own."""
    runs = tmp_path / "runs"
    runs.mkdir()
    monkeypatch.setenv("GNL_RUNS", str(runs))
    monkeypatch.delenv("GNL_DATA", raising=False)
    config.set_option("client.showErrorDetails", "full")  # else an exception would show as nothing
    return runs


@pytest.fixture
def open_page() -> Callable[..., AppTest]:
    """A function that opens the app at an address."""

    def open_at(**query: object) -> AppTest:
        page = AppTest.from_file(str(PROJECT / "app" / "main.py"), default_timeout=SLOW_SECONDS)
        for key, value in query.items():
            page.query_params[key] = value
        return page.run()

    return open_at


@pytest.fixture
def open_screen() -> Callable[..., AppTest]:
    """A function that opens a page by its name in app/screens, without the menu, at an address."""

    def open_at(name: str, **query: object) -> AppTest:
        page = AppTest.from_string(
            f"from app.screens.{name}.page import page\n\npage()\n", default_timeout=SLOW_SECONDS
        )
        for key, value in query.items():
            page.query_params[key] = value if isinstance(value, list) else str(value)
        return page.run()

    return open_at


@pytest.fixture
def train(own_runs, tiny_config) -> Callable[..., RunFolder]:
    """A function that trains a run in a second, in the page's folder of runs."""

    def train_tiny(**settings: object) -> RunFolder:
        run_config = tiny_config(**settings)
        folder = create_run(own_runs / f"{run_config.dataset}-{run_config.detector}", run_config)
        list(train_run(run_config, folder))
        return folder

    return train_tiny


@pytest.fixture
def damaged_checkpoint(own_runs) -> None:
    """A run of GNL on sevens whose checkpoint is truncated."""
    broken = own_runs / "digits-7-gnl-broken"
    shutil.copytree(PROJECT / "assets" / "checkpoints" / "digits-4-gnl", broken)
    settings = json.loads((broken / "config.json").read_text())
    (broken / "config.json").write_text(json.dumps(settings | {"normal_class": "7"}))
    weights = (broken / "weights.safetensors").read_bytes()
    (broken / "weights.safetensors").write_bytes(weights[: len(weights) // 2])


@pytest.fixture
def trained_at_once(monkeypatch) -> None:
    """A training that a page starts runs in this process, and has ended when the page is drawn.

    tests/app/test_train.py starts real processes, each of which imports PyTorch anew.
    """
    monkeypatch.setattr(
        "gnl_core.jobs.start.launch", lambda folder, **_: list(train_as_job(read_config(folder), folder))
    )


@pytest.fixture
def own_images(tmp_path) -> Callable[..., Path]:
    """The user's folder: grey normal images, and others with a white square, with masks or unlabelled."""

    def make(*, labelled: bool) -> Path:
        root = tmp_path / "my nuts"
        for index in range(8):
            write(root / "train" / "good" / f"{index}.png", noise(index))
        for number, domain in enumerate(("lamp", "window")):
            for index in range(4):
                seed = 100 * (number + 1) + index
                good = root / "test" / (f"{domain}/good" if labelled else "") / f"{domain}{index}.png"
                bad = root / "test" / (f"{domain}/hole" if labelled else "") / f"{domain}hole{index}.png"
                write(good, noise(seed))
                write(bad, np.where(square(), 255, noise(seed)))
                if labelled:
                    write(root / "ground_truth" / domain / "hole" / f"{bad.stem}_mask.png", 255 * square())
        return root

    return make


def write(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(pixels.astype(np.uint8)).save(path)


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(90, 110, size=(32, 32))


def square() -> np.ndarray:
    marked = np.zeros((32, 32), dtype=np.uint8)
    marked[8:20, 8:20] = 1
    return marked


def finding(page: AppTest) -> str:
    """The sentence at the top."""
    return next(element.value for element in page.markdown if element.value.startswith("#####"))


def charts(page: AppTest) -> list[dict]:
    """The charts as Plotly figures."""
    return [json.loads(chart.proto.spec) for chart in page.get("plotly_chart")]


def notes(figure: dict) -> list[str]:
    """The texts in the panels of a figure, starting with the first method's in-distribution panel."""
    return [trace["text"][0] for trace in figure["data"] if trace["type"] == "scatter" and trace["mode"] == "text"]


def components(page: AppTest, name: str) -> list[dict]:
    """The data that the components of a name send to the browser."""
    parts = [part.proto for part in page.get("bidi_component")]
    return [json.loads(part.json) for part in parts if part.component_name == f"gnl_{name}"]


def panels(page: AppTest) -> list[dict]:
    """Explore's histograms, starting with the first method's in-distribution panel, each at the strength shown."""
    shown = []
    for row in components(page, "histograms"):
        place = row["strengths"].index(row["shown"])
        for panel in row["panels"]:
            shown.append(panel | panel["states"][min(place, len(panel["states"]) - 1)])
    return shown


def panel_texts(page: AppTest) -> list[str]:
    """What Explore's histograms say."""
    return [f"{panel['auroc']} {panel['interval']}, {panel['errors']}" for panel in panels(page)]


def tiles(page: AppTest) -> list[dict]:
    """The data that the gallery sends to the browser for each image."""
    (gallery,) = components(page, "gallery")
    return gallery["tiles"]


def texts(page: AppTest) -> list[str]:
    """All texts on a page."""
    return [element.value for kind in (page.markdown, page.caption) for element in kind]
