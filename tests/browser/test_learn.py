"""Learn in a real browser: keys, dots, and numbers that are matched without the server."""

import json

import numpy as np
import pytest
import torch

from gnl_core.distribution_matching import match_distribution, sort_features
from tests.browser.conftest import FIRST_VISIT_MS, settle

LOOKS = "(parts) => parts.map((part) => part.outerHTML)"
SET_SLIDERS = """(sliders, values) => sliders.forEach((slider, index) => {
    slider.value = values[index];
    slider.dispatchEvent(new Event('input'));
})"""


def open_learn(page, address):
    """By the menu at the top: opened directly, a page of Streamlit logs two files that are not there."""
    page.goto(f"{address}/?data=Digits")
    page.get_by_role("link", name="Learn").click(timeout=FIRST_VISIT_MS)
    wait_for_step(page, 1)
    settle(page)


def wait_for_step(page, number):
    page.get_by_role("heading", name=f"{number}. ").wait_for(timeout=FIRST_VISIT_MS)
    page.wait_for_url(f"**step={number}*", timeout=FIRST_VISIT_MS)
    page.locator(f'[aria-current="step"][aria-label^="Step {number} "]').wait_for(
        state="attached", timeout=FIRST_VISIT_MS
    )


def test_arrow_keys_and_dots_step_and_a_slider_keeps_its_own(page, address):
    open_learn(page, address)
    page.get_by_text("Paint on the normal image").click()
    canvas = page.get_by_role("application", name="Image to paint on")
    canvas.wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    canvas.press("ArrowRight")
    page.get_by_text("Column 15, row 14.").wait_for(timeout=FIRST_VISIT_MS)
    wait_for_step(page, 1)  # the painter's arrow keys are its own
    page.locator("h2").click()
    page.keyboard.press("ArrowRight")
    wait_for_step(page, 2)
    settle(page)
    guess = page.get_by_role("slider")
    guess.focus()
    page.keyboard.press("ArrowRight")
    page.get_by_text("You expect 51").wait_for(timeout=FIRST_VISIT_MS)
    assert "step=2" in page.url
    page.locator("h2").click()  # the focus leaves the slider
    page.keyboard.press("ArrowLeft")
    wait_for_step(page, 1)
    settle(page)
    page.get_by_role("button", name="Step 9 of 9: Your own images").click()
    wait_for_step(page, 9)
    settle(page)
    assert page.locator("[aria-current=step]").get_attribute("title") == "Your own images"
    page.get_by_role("link", name="Explore").first.click()  # the step stays while one is elsewhere
    page.locator(".st-key-gallery li").nth(15).wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    page.get_by_role("link", name="Learn").click()
    wait_for_step(page, 9)
    assert page.troubles == []


def test_lecture_mode_hides_the_controls_steps_by_keys_and_is_left_by_escape(page, address):
    open_learn(page, address)
    page.get_by_text("Lecture mode").click()
    page.wait_for_url("**lecture=true*", timeout=FIRST_VISIT_MS)
    controls = page.locator(".st-key-learn_controls")
    controls.wait_for(state="hidden", timeout=FIRST_VISIT_MS)
    assert page.locator('[data-testid="stHeader"]').is_hidden()
    page.keyboard.press("ArrowRight")
    wait_for_step(page, 2)
    settle(page)
    assert controls.is_hidden()
    page.keyboard.press("Escape")
    controls.wait_for(state="visible", timeout=FIRST_VISIT_MS)
    page.wait_for_url(lambda url: "lecture" not in url, timeout=FIRST_VISIT_MS)
    assert page.troubles == []


def test_matching_by_hand_is_the_matching_of_the_detector_and_needs_no_server(page, address):
    values, reference = np.random.default_rng(3).integers(-50, 51, size=(2, 12)) / 10
    values[[2, 7]] = values[0]  # ties take the order of their positions
    features, other = (torch.tensor(part, dtype=torch.float64).view(1, 1, 3, 4) for part in (values, reference))
    sent = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(len(frame))))
    open_learn(page, address)
    page.get_by_role("button", name="Step 6").click()
    wait_for_step(page, 6)
    page.locator("svg.channel polyline").first.wait_for(state="attached", timeout=FIRST_VISIT_MS)
    settle(page)
    told = len(sent)
    for part, numbers in (("values", values), ("reference", reference)):
        page.locator(f'[data-part="{part}"] input').evaluate_all(SET_SLIDERS, numbers.tolist())
    for strength in (0.0, 0.35, 1.0):
        page.locator('input[data-part="strength"]').evaluate_all(SET_SLIDERS, [strength])
        found = json.loads(page.locator('[data-part="result"]').text_content())
        expected = match_distribution(features, sort_features(other)[0], style_weight=strength)
        assert found == pytest.approx(expected.flatten().tolist(), abs=1e-6)
        assert page.get_by_text(f"α = {strength:.2f}.").count() == 1  # the real channel follows
    page.locator('input[data-part="strength"]').press("ArrowLeft")
    page.get_by_text("α = 0.95.").wait_for(timeout=FIRST_VISIT_MS)
    assert "step=6" in page.url  # its arrow keys are its own
    assert len(sent) == told
    assert page.troubles == []


def test_a_training_moves_with_the_slider_without_the_server_and_keeps_its_epoch(page, address):
    sent = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(len(frame))))
    open_learn(page, address)
    page.get_by_role("button", name="Step 4").click()
    wait_for_step(page, 4)
    page.locator("[data-part=plane] circle").first.wait_for(state="attached", timeout=FIRST_VISIT_MS)
    settle(page)
    told = len(sent)
    shown = page.locator(".row img, .panel, [data-part=plane], [data-part=curves], [data-part=told]")
    before = shown.evaluate_all(LOOKS)
    slider = page.get_by_role("slider", name="Epochs of training")
    for _ in range(3):
        slider.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "After 3 epochs"
    after = shown.evaluate_all(LOOKS)
    same = [one == other for one, other in zip(before, after, strict=True)]
    assert same == [False, *[True, True, False, False] * 2, *[False] * 4]  # images and teacher stay
    page.get_by_role("button", name="Play").click()
    page.get_by_text("After 4 epochs,").wait_for(timeout=FIRST_VISIT_MS)
    page.get_by_role("button", name="Pause").click()
    assert len(sent) == told
    assert "step=4" in page.url
    page.get_by_text("Blended with photographs", exact=True).click()
    page.wait_for_url("**watched_domain=**", timeout=FIRST_VISIT_MS)
    settle(page)
    assert slider.get_attribute("aria-valuetext") == "After 4 epochs"
    assert page.troubles == []
