"""Training in a real browser, as a real process."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Error

from gnl_core.files import hash_file
from gnl_core.jobs.listing import list_jobs
from gnl_core.jobs.stop import stop
from tests.browser.conftest import FIRST_VISIT_MS, serve, settle

TRAINING_MS = 150_000
CLICKS, CLICK_MS = 3, 15_000


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Iterator[Path]:
    """The folder of this file's trainings, which end with it."""
    root = tmp_path_factory.mktemp("runs")
    yield root
    for job in list_jobs(root):
        if job.state in ("running", "waiting"):
            stop(job.folder.path)


@pytest.fixture(scope="module")
def address(runs) -> Iterator[str]:
    """A separate app, so that no other test sees its runs."""
    yield from serve(runs)


def start_training(page, *, epochs):
    """Train GNL with the form on Explore, at 32 px."""
    size = page.get_by_role("combobox", name="Image size")
    size.fill("32 px")
    size.press("Enter")
    length = page.get_by_role("spinbutton", name="Epochs")
    length.fill(str(epochs))
    length.press("Enter")
    page.get_by_role("button", name=f"Train for {epochs} epochs").click(timeout=FIRST_VISIT_MS)
    page.get_by_text(re.compile(f"epoch [2-8] of {epochs}")).wait_for(timeout=TRAINING_MS)


def resume_training(page):
    """Click Resume, again if nothing follows: a button that is drawn anew while it is clicked tells nobody."""
    resumed = page.get_by_text(re.compile("seed 0: (waiting|running|finished)"))
    for _ in range(CLICKS):
        settle(page)
        page.get_by_role("button", name="Resume").click(timeout=FIRST_VISIT_MS)
        with suppress(Error):
            resumed.wait_for(timeout=CLICK_MS)
            return


@pytest.mark.slow
@pytest.mark.timeout(600)  # on a machine that trains other things beside it
def test_a_training_is_stopped_resumed_and_then_shown_by_explore(page, address, runs):
    page.goto(address)
    page.locator(".st-key-gallery li").nth(15).wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    start_training(page, epochs=8)
    page.get_by_role("button", name="Stop").click(timeout=FIRST_VISIT_MS)
    page.get_by_text("seed 0: stopped").wait_for(timeout=TRAINING_MS)
    page.get_by_role("link", name="Train", exact=True).click()
    resume_training(page)
    page.get_by_text("seed 0: finished").wait_for(timeout=TRAINING_MS)
    (job,) = list_jobs(runs)
    assert len(job.folder.progress.read_text().splitlines()) == 8  # it went on where it had stopped
    page.get_by_role("link", name="Explore").click()
    page.get_by_text(f"checkpoint {hash_file(job.folder.weights)[:8]}").wait_for(timeout=TRAINING_MS)
    page.locator(".st-key-gallery li").nth(15).wait_for(timeout=FIRST_VISIT_MS)
    assert page.troubles == []
