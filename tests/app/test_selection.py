"""The selected bars of Explore: what a browser sends, and what the gallery and the bars make of it."""

import json

import pytest
from streamlit.testing.v1 import AppTest

SCRIPT = """
import streamlit as st
from types import SimpleNamespace
from app.controls.selection import bars_of, forget_selection_elsewhere, select_bars, unmark_bars

st.session_state["histograms_rd4ad"] = SimpleNamespace(selected={sent})
select_bars("histograms_rd4ad", "rd4ad", ("In-distribution", "Shifted"))
{then}
for key in ("between", "gallery_of", "side", "gallery_strength"):
    st.text(repr(st.session_state.get(key)))
st.text(repr(bars_of("rd4ad") is not None))
"""
SELECTED = {"shifted": 1, "strength": 0.5, "low": 1.25, "high": 1.75}
FORGOTTEN = ["None", "None", "False"]  # the scores, the strength, the bars


def after(sent: object, then: str = "") -> list[str]:
    """What the session holds after a selection: scores, method, domain, strength, and whether the bars are marked."""
    page = AppTest.from_string(SCRIPT.format(sent=sent, then=then)).run()
    assert not page.exception
    return [text.value for text in page.text]


def test_selected_bars_choose_method_domain_scores_and_strength_of_the_gallery():
    assert after(SELECTED) == ["(1.25, 1.75)", "'rd4ad'", "'Shifted'", "0.5", "True"]


@pytest.mark.parametrize(
    "sent",
    [
        {},
        SELECTED | {"shifted": 2},
        SELECTED | {"low": "<b>"},
        SELECTED | {"high": float("inf")},
        SELECTED | {"more": 1},
        json.dumps(SELECTED),
        None,
    ],
)
def test_the_end_of_a_selection_and_what_is_none_show_all_images(sent):
    told = after(repr(sent).replace("inf", "float('inf')"))
    assert [told[0], told[3], told[4]] == FORGOTTEN


def test_a_selection_ends_with_the_images_it_was_made_in():
    elsewhere = "forget_selection_elsewhere((1,)); forget_selection_elsewhere((2,))"
    told = after(SELECTED, elsewhere)
    assert [told[0], told[3], told[4]] == FORGOTTEN
    assert after(SELECTED, "forget_selection_elsewhere((1,)); forget_selection_elsewhere((1,))")[4] == "True"


def test_bars_are_unmarked_when_the_gallery_shows_other_images():
    assert after(SELECTED, "unmark_bars()") == ["(1.25, 1.75)", "'rd4ad'", "'Shifted'", "0.5", "False"]
