"""Compare in a real browser."""

from tests.browser.conftest import FIRST_VISIT_MS, settle


def open_compare(page, address):
    """By the menu: a page that is opened at its own address makes Streamlit ask for two files in vain."""
    page.goto(address)
    page.get_by_role("link", name="Compare").click(timeout=FIRST_VISIT_MS)
    page.get_by_role("rowheader", name="RD4AD").first.wait_for(timeout=FIRST_VISIT_MS)
    settle(page)


def first_row(page):
    return page.get_by_role("rowheader").first.inner_text().split()


def test_a_column_is_sorted_by_keyboard_alone_keeps_the_focus_and_is_in_the_address(page, address):
    open_compare(page, address)
    assert first_row(page) == ["RD4AD", "α", "=", "0"]
    column = page.get_by_role("columnheader", name="Blended with photographs").get_by_role("button")
    column.first.focus()
    page.keyboard.press("Enter")
    page.locator('[aria-sort="descending"]').wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    assert first_row(page) == ["RD4AD", "α", "=", "1"]
    assert "sort=" in page.url
    assert column.first.evaluate("button => button.getRootNode().activeElement === button")
    assert page.troubles == []


def test_on_a_phone_the_table_scrolls_sideways_and_the_page_does_not(page, address):
    page.set_viewport_size({"width": 400, "height": 900})
    page.goto(address)
    page.get_by_test_id("stExpandSidebarButton").click(timeout=FIRST_VISIT_MS)
    page.get_by_role("link", name="Compare").click(timeout=FIRST_VISIT_MS)
    table = page.get_by_role("region", name="Methods compared")
    table.get_by_role("rowheader").first.wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    assert table.evaluate("region => region.scrollWidth > region.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth") == 400
    assert page.troubles == []
