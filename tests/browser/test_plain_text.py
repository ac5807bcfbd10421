"""What comes from files, names of folders and addresses is text in a real browser."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from tests.app import hostile
from tests.browser.conftest import serve, settle

NOT_OURS = 'img[src*="127.0.0.1:1/"], img[src="x"], a[href^="http"][href*="example"], svg a, .katex'


@pytest.fixture(scope="module")
def hostile_address(tmp_path_factory):
    """The address of the app with hostile runs and a hostile comparison."""
    runs = tmp_path_factory.mktemp("runs")
    hostile.write_runs(runs)
    hostile.write_comparison(runs)
    yield from serve(runs)


@pytest.mark.slow
@pytest.mark.parametrize("path", ["", "inspect", "shift-lab", "train", "compare", "learn"])
def test_hostile_texts_are_neither_drawn_nor_linked(page, hostile_address, path):
    texts = dict.fromkeys(("folder", "root", "own_folder"), hostile.TEXT)
    choices = {"data": "Your own images", "comparison": hostile.COMPARISON, "job": hostile.NAME, "step": 9}
    page.goto(f"{hostile_address}/{path}?{urlencode(texts | choices)}")
    settle(page)
    page.locator("p", has_text="[Sign in again](").first.wait_for()
    assert page.locator(NOT_OURS).count() == 0
    assert page.locator('[data-testid="stException"]').count() == 0
    assert not [trouble for trouble in page.troubles if trouble.startswith("external") or "127.0.0.1:1/" in trouble]
    shown = "".join(page.locator("p").all_inner_texts()).replace("\u2060", "")
    assert any(text in shown for text in (hostile.TEXT, hostile.NAME, hostile.TEXT.replace("//", "/")))
