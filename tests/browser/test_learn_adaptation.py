"""Learn's step on adapting in a real browser, by the keyboard alone, in lecture mode."""

from tests.browser.conftest import FIRST_VISIT_MS, settle


def test_a_guess_is_made_and_revealed_by_keys_in_lecture_mode(page, address):
    page.goto(f"{address}/learn?step=8&lecture=true")
    page.get_by_role("heading", name="8. What to do about it").wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    assert page.locator(".st-key-learn_choices").is_hidden()
    page.get_by_role("slider").focus()
    page.keyboard.press("ArrowLeft")
    page.get_by_text("You expect: 4 normal images are enough").wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    page.get_by_role("button", name="Reveal").focus()
    page.keyboard.press("Enter")
    page.get_by_text("You were right. It takes 4 normal images").wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    page.locator("h2").click()
    page.keyboard.press("ArrowRight")
    page.get_by_role("heading", name="9. Your own images").wait_for(timeout=FIRST_VISIT_MS)
