"""The settings that the training form offers for a method."""

from __future__ import annotations

from typing import Literal

import pytest
from pydantic import Field
from streamlit.testing.v1 import AppTest

from gnl_core.config import MethodSettings
from gnl_core.detectors import DETECTORS, method_fields
from gnl_core.detectors.deep_svdd import DeepSVDD
from tests.app.conftest import SLOW_SECONDS

FORM = """
from app.controls.training import TrainingTask, training_form
import streamlit as st
st.session_state["result"] = training_form(TrainingTask("digits", "4", None), [])
"""


class MadeUpSettings(MethodSettings):
    """The settings of a method that a test makes up."""

    made_up_kind: Literal["round", "square"] = Field("round", description="What kind it is")
    made_up_share: float = Field(0.5, ge=0, le=1, description="How much of it there is")


class MadeUp(DeepSVDD):
    """A method that a test adds with one class and one row."""

    settings_type = MadeUpSettings


def draw_form(detector: str) -> AppTest:
    page = AppTest.from_string(FORM, default_timeout=SLOW_SECONDS)
    page.session_state["train_detector"] = detector
    return page.run()


def offered(page: AppTest) -> set[str]:
    return {widget.key.removeprefix("train_") for widget in (*page.selectbox, *page.number_input)}


@pytest.mark.parametrize("detector", DETECTORS)
def test_a_method_has_the_fields_of_its_own_settings_and_no_others(detector: str):
    found = offered(draw_form(detector)) & method_fields(DETECTORS).keys()
    assert found == method_fields([detector]).keys()


def test_a_class_and_a_row_are_enough_for_a_methods_fields(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(DETECTORS, "made_up", MadeUp)
    page = draw_form("made_up")
    assert not page.exception
    assert page.selectbox(key="train_made_up_kind").options == ["round", "square"]
    assert page.number_input(key="train_made_up_share").max == 1
    page.number_input(key="train_made_up_share").set_value(0.25)
    page.selectbox(key="train_made_up_kind").set_value("square").run()
    page.button[0].click().run()
    detector, settings = page.session_state["result"]
    assert detector == "made_up"
    assert (settings["made_up_kind"], settings["made_up_share"]) == ("square", 0.25)
