"""Inspect in a real browser."""

FIRST_VISIT_MS = 60_000


def settle(page):
    page.locator('[data-test-script-state="notRunning"]').wait_for(timeout=FIRST_VISIT_MS)


def test_a_link_in_the_gallery_opens_its_image_and_a_reload_brings_it_back(page, address):
    page.goto(f"{address}/?strength=0.5")
    tiles = page.locator(".st-key-gallery img")
    tiles.nth(15).wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    told = page.locator(".st-key-gallery p").filter(has_text="·").first.inner_text()
    link = page.locator(".st-key-gallery").get_by_role("link", name="Inspect").first
    wanted = link.get_attribute("href")
    link.click()
    page.get_by_text("Nearest training images").wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    assert "/inspect?" in page.url
    number = page.url.split("image=")[1].split("&")[0]
    assert f"image={number}" in wanted
    page.get_by_text(f"Image {number} of 719").wait_for(timeout=FIRST_VISIT_MS)
    page.get_by_text("GNL + FDM 0.5").wait_for(timeout=FIRST_VISIT_MS)
    assert told.split(",")[0] in page.locator(".stMarkdown").filter(has_text="shifted: blended").first.inner_text()
    assert page.get_by_role("button", name="‹").is_enabled()
    assert page.troubles == []
    page.get_by_role("link", name="Link to this view").click()
    page.wait_for_url("**strength=0.5**", timeout=FIRST_VISIT_MS)
    page.reload()
    page.get_by_text(f"Image {number} of 719").wait_for(timeout=FIRST_VISIT_MS)
    page.get_by_text("GNL + FDM 0.5").wait_for(timeout=FIRST_VISIT_MS)
