"""Explore in a real browser."""

import re

import pytest

from tests.browser.conftest import FIRST_VISIT_MS, settle

FIGURE = ".st-key-figures .js-plotly-plot"
BARS = """(figure, first) => figure.calcdata.filter(trace => trace[0].trace.type == 'bar')
    .slice(first, first + 4).flat().map(bar => bar.s).filter(Number.isFinite)"""
FIRST_BARS = {"rd4ad": 0, "gnl": 4}  # two domains, two labels


def heights(page, method):
    """The bars that a method's histograms show now."""
    figure = page.locator(FIGURE).first  # Streamlit keeps a second one for print
    figure.locator(".bars path").first.wait_for(state="attached", timeout=FIRST_VISIT_MS)
    return figure.evaluate(BARS, FIRST_BARS[method])


def texts(page):
    """The texts in the panels, starting with RD4AD's in-distribution panel."""
    return page.locator(f"{FIGURE} .textpoint").all_text_contents()[:4]


def wait_for_gallery(page):
    page.locator(".st-key-gallery li").nth(15).wait_for(timeout=FIRST_VISIT_MS)


def test_toggling_fdm_changes_only_that_methods_charts(page, address):
    page.goto(address)
    gnl, rd4ad = heights(page, "gnl"), heights(page, "rd4ad")
    wait_for_gallery(page)
    assert "GNL + FDM 1 gets" in page.locator("h5").inner_text()
    page.get_by_text("FDM", exact=True).nth(1).click()
    page.get_by_text("GNL gets").wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    assert heights(page, "gnl") != gnl
    assert sum(heights(page, "rd4ad")) == pytest.approx(sum(rd4ad))
    assert "fdm_gnl=false" in page.url
    assert page.troubles == []


def test_the_slider_moves_bars_auroc_and_counts_without_a_message_to_the_server(page, address):
    sent = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(len(frame))))
    page.goto(address)
    before = heights(page, "gnl")
    wait_for_gallery(page)
    written, rd4ad = texts(page), heights(page, "rd4ad")
    settle(page)
    told = len(sent)
    slider = page.locator(f"{FIGURE} .slider-rail-touch-rect").first
    box = slider.bounding_box()
    page.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + box["height"] / 2)
    page.wait_for_timeout(1000)
    assert heights(page, "gnl") != before
    assert heights(page, "rd4ad") == rd4ad
    assert texts(page)[:2] == written[:2]
    assert all(now != then for now, then in zip(texts(page)[2:], written[2:], strict=True))
    assert len(sent) == told
    assert page.troubles == []


def test_selected_bars_fill_the_gallery_whose_images_open_in_inspect(page, address):
    page.goto(address)
    heights(page, "gnl")
    wait_for_gallery(page)
    settle(page)
    panel = page.locator(f"{FIGURE} .nsewdrag").nth(1).bounding_box()  # RD4AD, shifted
    page.mouse.move(panel["x"] + 0.30 * panel["width"], panel["y"] + 0.7 * panel["height"])
    page.mouse.down()
    page.mouse.move(panel["x"] + 0.45 * panel["width"], panel["y"] + 0.9 * panel["height"], steps=5)
    page.mouse.up()
    shown = page.get_by_text("of 719 images; RD4AD, shifted")
    shown.wait_for(timeout=FIRST_VISIT_MS)
    assert 0 < int(shown.inner_text().split()[0]) < 300
    settle(page)
    link = page.locator(".st-key-gallery").get_by_role("link", name="Inspect").first
    number = re.search(r"image=(\d+)", link.get_attribute("href"))[1]
    link.click()
    page.get_by_text(f"Image {number} of 719").wait_for(timeout=FIRST_VISIT_MS)
    assert page.troubles == []


def test_scoring_can_be_cancelled_and_restarted(page, address):
    page.goto(f"{address}/?methods=RD4AD&shift=contrast&severity=2")
    page.get_by_role("button", name="Cancel").click(timeout=FIRST_VISIT_MS)
    anew = page.get_by_role("button", name="Score these images")
    anew.wait_for(timeout=FIRST_VISIT_MS)
    assert page.get_by_text("cancelled. Choose something else").is_visible()
    settle(page)
    anew.click()
    page.get_by_text("of 719 images").wait_for(timeout=FIRST_VISIT_MS)
    assert anew.is_hidden()
    assert page.troubles == []


def test_a_domain_is_adapted_to_from_the_keyboard(page, address):
    page.goto(f"{address}/?data=Parts+(rendered)&shift=lit+from+another+side")
    wait_for_gallery(page)
    settle(page)
    ways = page.get_by_role("combobox", name="New domain")
    ways.focus()
    page.keyboard.press("ArrowDown")
    page.get_by_role("option", name="adapt to k normal images").wait_for()
    page.keyboard.type("normal")
    page.keyboard.press("Enter")
    page.locator("h5").get_by_text("Adapting to 16 normal images").wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    page.get_by_role("slider", name="k, normal images").focus()
    page.keyboard.press("ArrowLeft")
    page.locator("h5").get_by_text("Adapting to 8 normal images").wait_for(timeout=FIRST_VISIT_MS)
    page.get_by_text("of 92 images; GNL, adapted, shifted").wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    assert "tray=8" in page.url
    assert page.get_by_text("at most 11\N{NO-BREAK SPACE}% false alarms on average").is_visible()
    assert page.troubles == []
