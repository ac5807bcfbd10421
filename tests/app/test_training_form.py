"""The settings that the training form offers for a method."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Literal

import numpy as np
import PIL.Image
import pytest
from pydantic import Field
from streamlit.testing.v1 import AppTest

from gnl_core.config import MethodSettings, parse_config
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


WIDGETS = """
from app.controls.settings import setting_inputs
from gnl_core.config import COMMON_SETTINGS
import streamlit as st
st.session_state["result"] = setting_inputs({"teacher": COMMON_SETTINGS["teacher"]}, prefix="train_")
"""


def test_the_teacher_can_be_any_of_timms():
    page = AppTest.from_string(WIDGETS, default_timeout=SLOW_SECONDS)
    page.session_state["train_teacher"] = "vit_small_patch14_dinov2"
    page.run()
    assert not page.exception
    assert page.session_state["result"] == {"teacher": "vit_small_patch14_dinov2"}


def test_the_teachers_weights_can_be_given_as_a_file():
    page = draw_form("patchcore")
    page.selectbox(key="train_size").set_value(224)
    page.text_input(key="train_teacher_weights").set_value("'/tmp/dinov2.pth'").run()
    page.button[0].click().run()
    _, settings = page.session_state["result"]
    assert (settings["teacher_weights"], settings["image_size"]) == (Path("/tmp/dinov2.pth"), 224)


def test_aspect_ratio_and_tiles_can_be_chosen():
    page = draw_form("rd4ad")
    assert page.selectbox(key="train_resize").options == ["stretch", "letterbox", "crop"]
    page.selectbox(key="train_resize").set_value("letterbox")
    page.selectbox(key="train_tile_size").set_value(64)
    page.number_input(key="train_tile_overlap_percent").set_value(50.0).run()
    page.button[0].click().run()
    _, settings = page.session_state["result"]
    config = parse_config(settings)
    assert (config.resize, config.tile_size, config.tile_overlap_percent) == ("letterbox", (64, 64), 50)


def test_a_region_is_uploaded_as_a_mask_and_kept_as_text():
    page, file = draw_form("rd4ad"), io.BytesIO()
    PIL.Image.fromarray(np.repeat([[0, 255]], 20, axis=1).repeat(30, axis=0).astype(np.uint8)).save(file, "PNG")
    page.selectbox(key="train_size").set_value(32)
    page.file_uploader(key="train_region").set_value([("right.png", file.getvalue(), "image/png")]).run()
    page.button[0].click().run()
    assert page.session_state["result"][1]["region_of_interest"] == "32x32:512,512"


def test_a_mask_that_marks_nothing_is_not_used():
    page, file = draw_form("rd4ad"), io.BytesIO()
    PIL.Image.new("L", (40, 30)).save(file, "PNG")
    page.file_uploader(key="train_region").set_value([("black.png", file.getvalue(), "image/png")]).run()
    assert "black.png marks no pixel" in page.error[0].value
    page.button[0].click().run()
    assert "region_of_interest" not in page.session_state["result"][1]


def test_a_region_is_offered_only_where_the_score_is_the_map_reduced():
    assert "train_region" not in [uploader.key for uploader in draw_form("knn").file_uploader]
