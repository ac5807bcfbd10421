"""Every page in a real browser: opened by the menu and by its address, in both themes, and drawn again by a reload."""

from itertools import product

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import FIRST_VISIT_MS, settle

STANDS = {  # the pages in the menu's order, and what a whole one has
    "Explore": ".st-key-gallery li >> nth=15",
    "Inspect": "text=Nearest training images",
    "Shift lab": "text=at the strength chosen above",
    "Embeddings": ".st-key-gallery li >> nth=15",
    "Follow": "text=n = 300 images",
    "Train": "button:has-text('Train for')",
    "Compare": ".st-key-table th[scope=row] >> nth=0",
    "Learn": "h2:has-text('1. ')",
}
VIEWS = {  # addresses of views that no page begins with, and what only they show
    "?strength=0.5&fdm_rd4ad=true": "text=RD4AD + FDM 0.5 separates 4",
    "inspect?image=7&strength=0.5&stage=2": ":text('Image 7 of 719') >> nth=0",
    "shift-lab?shift=contrast&severity=2": "text=Contrast, all images",
    "train?data=Parts+(rendered)": "text=Train on normal images of nut",
    "compare?comparison=PACS,+3+classes,+11+methods&sort=Mean+shift": "[aria-sort=descending]",
    "learn?step=3": "h2:has-text('3. ')",
}
# Of a page that is opened by its address, Streamlit asks for these below that address first: then one level higher.
ASKED_IN_VAIN = ("_stcore/health", "_stcore/host-config")
NOTHING_FADES = """() => document.getAnimations().every(one => one.effect.getComputedTiming().endTime === Infinity)
    && !document.querySelector('[data-stale="true"]')"""  # what appears, and what is about to go, is pale
SCHEMES = ("light", "dark")
IS_DRAWN_IN = "scheme => getComputedStyle(document.querySelector('.stApp')).colorScheme === scheme"
GRAVE = ("serious", "critical")


def open_by_menu(page, title):
    page.get_by_role("link", name=title, exact=True).first.click(timeout=FIRST_VISIT_MS)
    page.locator(STANDS[title]).first.wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    page.wait_for_function(NOTHING_FADES, timeout=FIRST_VISIT_MS)


def switch_theme(page, scheme):
    page.emulate_media(color_scheme=scheme)
    page.wait_for_function(IS_DRAWN_IN, arg=scheme, timeout=FIRST_VISIT_MS)
    page.wait_for_function(NOTHING_FADES, timeout=FIRST_VISIT_MS)


def grave_violations(page):
    """The serious problems that axe-core reports, each with the first affected element."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}, {len(one['nodes'])} times: {one['nodes'][0]['html'][:200]}"
        for one in found
        if one["impact"] in GRAVE
    ]


def test_every_page_opens_by_the_menu_without_errors_and_is_accessible_in_both_themes(page, address):
    page.goto(address)
    found = {}
    for number, title in enumerate(STANDS):
        open_by_menu(page, title)
        for scheme in reversed(SCHEMES) if number % 2 else SCHEMES:  # half of the pages open in the dark theme
            switch_theme(page, scheme)
            found[title, scheme] = (grave_violations(page), list(page.troubles))
    assert found == dict.fromkeys(product(STANDS, SCHEMES), ([], []))
    assert page.locator("header").get_by_role("link").all_inner_texts() == list(STANDS)


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_opens_by_its_address_without_errors_and_a_reload_keeps_it(page, address, view):
    missing = []
    page.on("response", lambda got: got.status >= 400 and missing.append(got.url))
    page.goto(f"{address}/{view}")
    page.locator(VIEWS[view]).wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    place, _, query = view.partition("?")
    allowed = [f"{address}/{place}/{name}" for name in ASKED_IN_VAIN if place]
    assert sorted(missing) == allowed
    assert len(page.troubles) == len(allowed)  # the console tells of each
    assert all(choice in page.url for choice in query.split("&"))
    page.reload()
    page.locator(VIEWS[view]).wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    assert all(choice in page.url for choice in query.split("&"))
