"""Choices that an address asks for and a page does not offer."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

SCRIPT = """
import streamlit as st
from app.controls.unavailable import check_asked, read_address, report_substitutes

read_address(is_first_run=not st.session_state)
above = st.container()
chosen = st.selectbox("Fruit", ["a", "b"], format_func=str.upper, key="fruit", bind="query-params")
check_asked("fruit", "Fruit", chosen, ["a", "b"], format_func=str.upper)
several = st.multiselect("Colours", ["red", "blue"], default=["red"], key="colours", bind="query-params")
check_asked("colours", "Colours", several, ["red", "blue"])
report_substitutes(above)
"""


def open_script(**query: object) -> AppTest:
    page = AppTest.from_string(SCRIPT)
    for key, value in query.items():
        page.query_params[key] = value
    page.run()
    assert not page.exception
    return page


def warnings(page: AppTest) -> list[str]:
    return [warning.value for warning in page.warning]


def test_an_offered_choice_is_shown_without_a_word():
    page = open_script(fruit="B", colours=["blue", "red"])
    assert page.selectbox(key="fruit").value == "b"
    assert warnings(page) == []


def test_a_choice_that_is_not_offered_is_reported_until_another_is_made():
    page = open_script(fruit="C")
    sentence = "“C”, which this address asks for under *Fruit*, is not available here. The page shows “A” instead."
    assert warnings(page) == [sentence]
    page.multiselect(key="colours").select("blue").run()
    assert warnings(page) == [sentence]
    page.selectbox(key="fruit").select("b").run()
    assert warnings(page) == []
    page.selectbox(key="fruit").select("a").run()
    assert warnings(page) == []


def test_of_several_choices_the_missing_ones_are_reported():
    page = open_script(colours=["green", "blue", "*pink*"])
    assert warnings(page) == [
        r"“green, \*pink\*”, which this address asks for under *Colours*, is not available here. "
        "The page shows “blue” instead."
    ]


def test_a_choice_made_on_the_page_is_never_reported():
    page = open_script()
    page.query_params["fruit"] = "C"
    page.run()
    assert warnings(page) == []


@pytest.mark.parametrize(
    ("query", "reported"),
    [
        ({"data": "Parts (rendered)", "normal": "bolt"}, "“bolt”, which this address asks for under *Normal*"),
        ({"data": "Nothing"}, "“Nothing”, which this address asks for under *Data set*"),
        ({"shift": "seen from below"}, "“seen from below”, which this address asks for under *Shift*"),
        ({"methods": "Dinomaly"}, "“Dinomaly”, which this address asks for under *Methods*"),
        (
            {"run_gnl": "64 px, seed 7, 1 Jan"},
            "“64 px, seed 7, 1 Jan”, which this address asks for under *Checkpoint of",
        ),
    ],
)
def test_explore_reports_what_is_not_here(open_page, query, reported):
    page = open_page(**query)
    assert not page.exception
    (warning,) = warnings(page)
    assert warning.startswith(reported)


def test_inspect_reports_an_image_beyond_the_last():
    page = AppTest.from_string(
        "from app.controls.unavailable import read_address, report_substitutes\n"
        "import streamlit as st\n"
        "from app.controls.image import choose_image_number\n"
        "read_address(is_first_run=not st.session_state)\n"
        "choose_image_number(719, first=1)\n"
        "report_substitutes(st.container())\n"
    )
    page.query_params["image"] = "720"
    page.run()
    (warning,) = warnings(page)
    assert warning.startswith("“720”, which this address asks for under *Image (of 719)*, is not available here.")
