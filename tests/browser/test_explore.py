"""Explore in a real browser."""

import pytest

FIRST_VISIT_MS = 60_000
BARS = "element => element.calcdata.flat().map(bar => bar.s).filter(Number.isFinite)"


def heights(page, method):
    """The bars that a method's histograms show now."""
    chart = page.locator(
        f".st-key-histogram_{method}_shifted .js-plotly-plot"
    ).first  # Streamlit keeps a second one for print
    chart.locator(".bars path").first.wait_for(state="attached", timeout=FIRST_VISIT_MS)
    return chart.evaluate(BARS)


def wait_for_gallery(page):
    page.locator(".st-key-gallery img").nth(15).wait_for(timeout=FIRST_VISIT_MS)


def test_toggling_fdm_changes_that_methods_figures_alone(page, address):
    page.goto(address)
    gnl, rd4ad = heights(page, "gnl"), heights(page, "rd4ad")
    wait_for_gallery(page)
    assert "GNL + FDM 1 gets" in page.locator("h5").inner_text()
    page.get_by_text("FDM", exact=True).nth(1).click()
    page.get_by_text("GNL gets").wait_for(timeout=FIRST_VISIT_MS)
    page.locator('[data-test-script-state="notRunning"]').wait_for(timeout=FIRST_VISIT_MS)
    assert heights(page, "gnl") != gnl
    assert sum(heights(page, "rd4ad")) == pytest.approx(sum(rd4ad))
    assert "fdm_gnl=false" in page.url
    assert page.troubles == []


def test_reloading_keeps_the_view(page, address):
    page.goto(f"{address}/?strength=0.5&fdm_rd4ad=true&side=In-distribution")
    finding = page.get_by_text("RD4AD + FDM 0.5 separates 4")
    finding.wait_for(timeout=FIRST_VISIT_MS)
    page.reload()
    finding.wait_for(timeout=FIRST_VISIT_MS)
    wait_for_gallery(page)
    assert page.troubles == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_themes_draw_the_page_without_errors(page, address, scheme):
    page.emulate_media(color_scheme=scheme)
    page.goto(address)
    assert heights(page, "gnl")
    wait_for_gallery(page)
    assert page.troubles == []
