"""Fixtures of the faults: a data set of few images, a finished run of each kind, and heartbeats that wait."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from gnl_core.config import RunConfig
from gnl_core.datasets import DATASETS, digits
from gnl_core.detectors import complete_config
from gnl_core.jobs import status
from gnl_core.runs.folder import RunFolder, create_run
from gnl_core.runs.training import train_run

TRAIN = ["--detector=deep_svdd", "--epochs=2", "--limit=12", "--batch-size=8", "--image-size=32", "--device=cpu"]
EACH = 2  # normal test images, and others


class Tally(NamedTuple):
    """How many faults a test injects, and its report of them."""

    choose: Callable[..., int]
    print_figures: Callable[..., None]

    def report(self, kind: str, **figures: object) -> None:
        """Report the faults of a kind, after each of which nothing was lost or torn."""
        self.print_figures(f"faults: {kind}", **figures, lost=0, torn=0)


@pytest.fixture
def tally(scaled: Callable[..., int], report_figures: Callable[..., None]) -> Tally:
    """The number of faults, which `make torture` raises, and their report."""
    return Tally(scaled, report_figures)


@pytest.fixture(autouse=True)
def few_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only some of the data set's test images."""

    def few(root, normal, domain):
        items = digits.test_items(root, normal, domain)
        return [item for label in (0, 1) for item in [item for item in items if item.label == label][:EACH]]

    monkeypatch.setitem(DATASETS, "digits", DATASETS["digits"]._replace(test_items=few))


@pytest.fixture(autouse=True)
def no_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    """A status is written when it changes, and not by a thread meanwhile, so that writes can be counted."""
    monkeypatch.setattr(status, "BEAT_SECONDS", 1000.0)


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory, tiny_config: Callable[..., RunConfig]) -> RunFolder:
    """A run of Deep SVDD, two epochs over 12 images; tests copy it."""
    config = tiny_config(detector="deep_svdd", epochs=2, limit=12)
    folder = create_run(tmp_path_factory.mktemp("runs") / "small", complete_config(config))
    list(train_run(folder=folder, config=config))
    return folder


@pytest.fixture
def copied(small_run: RunFolder, tmp_path: Path) -> RunFolder:
    """A copy of the small run, alone in a folder of runs."""
    return RunFolder(Path(shutil.copytree(small_run.path, tmp_path / "runs" / "small")))
