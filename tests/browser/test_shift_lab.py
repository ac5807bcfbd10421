"""The Shift lab in a real browser."""

import re

from tests.browser.conftest import FIRST_VISIT_MS, settle

SCORING_MS = 120_000


def open_lab(page, address):
    """By the menu: a page that is opened by its address makes Streamlit ask for two files that there are not."""
    page.goto(address)
    page.get_by_role("link", name="Shift lab").click(timeout=FIRST_VISIT_MS)
    settle(page)
    page.get_by_text("Every corruption").wait_for(timeout=FIRST_VISIT_MS)


def test_thumbnails_curve_and_scores_are_shown_and_a_reload_keeps_the_view(page, address):
    open_lab(page, address)
    page.get_by_text("at the strength chosen above").wait_for(timeout=FIRST_VISIT_MS)
    lines = page.locator(".st-key-severity_curves .js-plotly-plot").first.locator(".scatterlayer .trace")
    assert lines.count() == 5  # two methods without matching and with it, and the shift score of both
    assert page.locator('[data-testid="stImage"] img[alt*="severity"]').count() == 5
    assert page.troubles == []
    page.get_by_text("Every corruption").click()
    page.locator(".st-key-choose_uneven_lighting button").click(timeout=FIRST_VISIT_MS)
    page.get_by_text("Uneven lighting, all images").wait_for(timeout=FIRST_VISIT_MS)
    page.wait_for_url("**shift=uneven*lighting**", timeout=FIRST_VISIT_MS)
    page.reload()
    page.get_by_text("Uneven lighting, all images").wait_for(timeout=FIRST_VISIT_MS)


def test_a_stopped_scoring_keeps_the_complete_severities(page, address):
    open_lab(page, address)
    page.get_by_text("Every corruption").click()
    page.locator(".st-key-choose_contrast button").wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    page.locator(".st-key-choose_contrast button").click()
    page.get_by_text("Contrast, all images").wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    page.get_by_role("button", name=re.compile("Score 5 severities with 2 methods, about")).click(timeout=SCORING_MS)
    page.get_by_text(re.compile("under contrast, severity 2: .* images, .* left")).wait_for(timeout=SCORING_MS)
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name=re.compile("Score 4 severities")).wait_for(timeout=SCORING_MS)
    assert page.troubles == []
