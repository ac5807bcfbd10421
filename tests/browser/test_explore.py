"""Explore in a real browser."""

import re

from tests.browser.conftest import FIRST_VISIT_MS, settle

PANELS = ".st-key-figures .panel"  # of RD4AD in-distribution and shifted, then of GNL
HISTOGRAMS = f"{PANELS} svg"
BARS = "svg => [...svg.querySelectorAll('.bar')].map(bar => Number(bar.getAttribute('height')))"
FIRST_PANEL = {"rd4ad": 0, "gnl": 2}
SLIDER = ".st-key-figures input[type=range]"
PHONE_PX = {"width": 390, "height": 844}


def heights(page, method):
    """The heights of a method's bars now."""
    page.locator(f"{HISTOGRAMS} .bar").first.wait_for(state="attached", timeout=FIRST_VISIT_MS)
    first = FIRST_PANEL[method]
    return [height for number in (first, first + 1) for height in page.locator(HISTOGRAMS).nth(number).evaluate(BARS)]


def texts(page):
    """What the panels say."""
    return page.locator(PANELS).all_inner_texts()


def wait_for_gallery(page):
    page.locator(".st-key-gallery li").nth(15).wait_for(timeout=FIRST_VISIT_MS)


def test_toggling_fdm_changes_only_that_methods_charts(page, address):
    page.goto(address)
    gnl, rd4ad = heights(page, "gnl"), texts(page)[:2]
    wait_for_gallery(page)
    assert "GNL + FDM 1 gets" in page.locator("h5").inner_text()
    page.get_by_text("FDM", exact=True).nth(1).click()
    page.get_by_text("GNL gets").wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    assert heights(page, "gnl") != gnl
    assert texts(page)[:2] == rd4ad
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
    page.locator(SLIDER).fill("2")
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
    page.locator(SLIDER).fill("2")
    moved = texts(page)
    panel = page.locator(HISTOGRAMS).nth(1).bounding_box()  # RD4AD, shifted
    page.mouse.move(panel["x"] + 0.30 * panel["width"], panel["y"] + 0.7 * panel["height"])
    page.mouse.down()
    page.mouse.move(panel["x"] + 0.45 * panel["width"], panel["y"] + 0.9 * panel["height"], steps=5)
    page.mouse.up()
    shown = page.get_by_text("of 719 images; RD4AD, shifted")
    shown.wait_for(timeout=FIRST_VISIT_MS)
    assert 0 < int(shown.inner_text().split()[0]) < 300
    settle(page)
    assert texts(page) == moved  # the slider has kept its place
    assert page.locator(f"{HISTOGRAMS} .selection").count() == 1
    link = page.locator(".st-key-gallery").get_by_role("link", name="Inspect").first
    number = re.search(r"image=(\d+)", link.get_attribute("href"))[1]
    link.click()
    page.get_by_text(f"Image {number} of 719").wait_for(timeout=FIRST_VISIT_MS)
    assert page.troubles == []


def test_bars_are_selected_and_left_with_the_keyboard(page, address):
    page.goto(f"{address}/?methods=RD4AD")
    wait_for_gallery(page)
    settle(page)
    page.locator(HISTOGRAMS).first.focus()
    page.keyboard.press("ArrowRight")
    for _ in range(4):
        page.keyboard.press("Shift+ArrowRight")
    some = page.get_by_text(re.compile(r"^(?!719)\d+ of 719 images; RD4AD, in-distribution"))
    some.wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    assert page.locator(".st-key-figures").get_by_role("status").inner_text().startswith("Selected: scores")
    page.keyboard.press("Escape")
    page.get_by_text("719 of 719 images; RD4AD").wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    assert page.locator(f"{HISTOGRAMS} .selection").count() == 0
    assert page.troubles == []


def test_on_a_phone_the_summary_comes_first_and_each_switch_stands_at_its_figure(page, address):
    page.set_viewport_size(PHONE_PX)
    page.goto(address)
    heights(page, "gnl")
    wait_for_gallery(page)
    settle(page)
    panels, switches = page.locator(PANELS), page.get_by_role("switch", name="FDM")
    order = [
        *(page.get_by_role("navigation", name="Stories"), page.locator("h5")),
        *(page.get_by_role("combobox", name="Shift"), switches.nth(0), panels.nth(0), panels.nth(1)),
        *(switches.nth(1), panels.nth(2), panels.nth(3), page.locator(".st-key-gallery")),
    ]
    tops = [part.bounding_box()["y"] for part in order]
    assert tops == sorted(tops)
    assert tops[7] - tops[6] < PHONE_PX["height"] / 4
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE_PX["width"]


def test_a_story_opens_its_view_without_loading_the_app_again(page, address):
    page.goto(f"{address}/?normal=7")
    story = page.get_by_role("navigation", name="Stories").get_by_role("link", name="Where matching hurts")
    story.wait_for(timeout=FIRST_VISIT_MS)
    page.evaluate("window.isStillOpen = true")
    story.click()
    page.locator("h5").get_by_text("FDM lowers it").wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    assert story.get_attribute("aria-current") == "true"
    assert page.evaluate("window.isStillOpen")
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
    assert page.get_by_text("at most 11.1\N{NO-BREAK SPACE}% false alarms on average").is_visible()
    assert page.troubles == []
