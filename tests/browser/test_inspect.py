"""Inspect in a real browser."""

import numpy as np
import PIL.Image

from tests.browser.conftest import FIRST_VISIT_MS, settle


def test_a_link_in_the_gallery_opens_its_image_and_a_reload_restores_it(page, address):
    page.goto(f"{address}/?strength=0.5")
    tiles = page.locator(".st-key-gallery img")
    tiles.nth(15).wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    told = page.locator(".st-key-gallery li").first.inner_text()
    link = page.locator(".st-key-gallery").get_by_role("link", name="Inspect").first
    wanted = link.get_attribute("href")
    link.click()
    page.get_by_text("Nearest training images").wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    assert "/inspect?" in page.url
    number = page.url.split("image=")[1].split("&")[0]
    assert f"image={number}" in wanted
    page.get_by_text(f"Image {number} of 719").wait_for(timeout=FIRST_VISIT_MS)
    page.get_by_text("GNL + FDM 0.5", exact=True).wait_for(timeout=FIRST_VISIT_MS)
    assert told.split(",")[0] in page.locator(".stMarkdown").filter(has_text="shifted: blended").first.inner_text()
    assert page.get_by_role("button", name="‹").is_enabled()
    assert page.troubles == []
    page.get_by_role("link", name="Link to this view").click()
    page.wait_for_url("**strength=0.5**", timeout=FIRST_VISIT_MS)
    page.reload()
    page.get_by_text(f"Image {number} of 719").wait_for(timeout=FIRST_VISIT_MS)
    page.get_by_text("GNL + FDM 0.5", exact=True).wait_for(timeout=FIRST_VISIT_MS)


def test_an_uploaded_image_is_inspected(page, address, tmp_path):
    file = tmp_path / "mine.png"
    pixels = np.random.default_rng(0).integers(0, 256, size=(40, 40, 3), dtype=np.uint8)
    PIL.Image.fromarray(pixels).save(file)
    page.goto(f"{address}/?methods=RD4AD")
    page.locator(".st-key-gallery li").nth(15).wait_for(timeout=FIRST_VISIT_MS)
    page.get_by_role("link", name="Inspect", exact=True).first.click()
    page.get_by_text("Your image", exact=True).click(timeout=FIRST_VISIT_MS)
    page.locator("input[type=file]").wait_for(state="attached", timeout=FIRST_VISIT_MS)
    settle(page)
    before = page.get_by_alt_text("Anomaly map of RD4AD, score").get_attribute("alt")
    drop(page.get_by_test_id("stFileUploaderDropzone"), file)
    page.get_by_alt_text("Your image, mine.png").wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    assert page.get_by_alt_text("Anomaly map of RD4AD, score").get_attribute("alt") != before
    assert page.troubles == []


def drop(place, file):
    """Drop a file on an element, as if dragged with the mouse."""
    carried = place.page.evaluate_handle(
        """([bytes, name]) => {
            const carried = new DataTransfer();
            carried.items.add(new File([new Uint8Array(bytes)], name, { type: 'image/png' }));
            return carried;
        }""",
        [list(file.read_bytes()), file.name],
    )
    for event in ("dragenter", "dragover", "drop"):
        place.dispatch_event(event, {"dataTransfer": carried})
