"""Two windows of one app at once."""

from tests.browser.conftest import FIRST_VISIT_MS, settle


def open_explore(page, address):
    page.goto(address)
    page.locator(".st-key-gallery li").nth(15).wait_for(timeout=FIRST_VISIT_MS)
    settle(page)


def toggle_matching(page, method):
    """Methods are numbered in their order: RD4AD, GNL."""
    page.get_by_text("FDM", exact=True).nth(method).click()


def test_two_windows_do_not_disturb_each_other(open_window, address):
    digits, parts = open_window(), open_window()
    open_explore(digits, f"{address}/?strength=0.5")
    open_explore(parts, f"{address}/?data=Parts+(rendered)&side=In-distribution")
    toggle_matching(parts, 1)
    toggle_matching(digits, 0)
    parts.get_by_text("GNL gets").wait_for(timeout=FIRST_VISIT_MS)
    digits.get_by_text("RD4AD + FDM 0.5 separates 4").wait_for(timeout=FIRST_VISIT_MS)
    for page in (digits, parts):
        settle(page)
    assert digits.locator("h5").get_by_text("GNL + FDM 0.5 gets").count() == 1
    assert parts.locator("h5").get_by_text("RD4AD separates good nut images from defective ones").count() == 1
    assert all(choice in digits.url for choice in ("strength=0.5", "fdm_rd4ad=true"))
    assert all(choice in parts.url for choice in ("data=Parts", "fdm_gnl=false", "side=In-distribution"))
    assert not any(choice in digits.url for choice in ("data=", "fdm_gnl=", "side="))
    assert not any(choice in parts.url for choice in ("strength=", "fdm_rd4ad="))
    assert digits.troubles == parts.troubles == []


def test_choices_persist_in_the_address_and_back_restores_each_page(page, address):
    open_explore(page, f"{address}/?strength=0.5&side=In-distribution")
    opened = page.evaluate("history.length")
    page.locator(".st-key-gallery").get_by_role("link", name="Inspect").nth(2).click()
    page.get_by_text("Nearest training images").wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    inspected = page.url
    assert all(choice in inspected for choice in ("/inspect?", "strength=0.5", "side=In-distribution", "image="))
    page.get_by_role("link", name="Compare", exact=True).click()
    page.locator(".st-key-table th[scope=row]").first.wait_for(timeout=FIRST_VISIT_MS)
    page.get_by_role("link", name="Explore", exact=True).click()
    page.locator(".st-key-gallery li").nth(15).wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    assert "strength=0.5" in page.url
    assert page.evaluate("history.length") == opened + 3  # an entry for each page that was opened
    page.go_back()
    page.locator(".st-key-table th[scope=row]").first.wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    page.go_back()
    page.get_by_text("Nearest training images").wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    assert page.url == inspected
