"""Learn: how a detector works, what a shift does to it, and how GNL counters it, in nine steps."""

from __future__ import annotations

import streamlit as st

from app.display.unreadable import reporting_errors
from app.screens.learn.bottleneck import BOTTLENECK
from app.screens.learn.detector import DETECTOR
from app.screens.learn.failure import FAILURE
from app.screens.learn.matching import MATCHING
from app.screens.learn.navigation import current_step, navigate
from app.screens.learn.own import OWN
from app.screens.learn.remedy import REMEDY
from app.screens.learn.shift import SHIFTED
from app.screens.learn.views import VIEWS
from app.screens.learn.watching import WATCHING

STEPS = (DETECTOR, SHIFTED, BOTTLENECK, WATCHING, VIEWS, MATCHING, FAILURE, REMEDY, OWN)
WIDTHS = (2, 3)  # column widths of text and figure
LECTURE_WIDTHS = (9, 11)  # so that the figure's height fits a projector


def page() -> None:
    """Draw a step: text and choices on the left, the figure on the right."""
    number = current_step(len(STEPS))
    step = STEPS[number - 1]
    large = navigate([each.title for each in STEPS], number)
    left, right = st.columns(LECTURE_WIDTHS if large else WIDTHS, gap="large")
    with left:
        st.header(f"{number}. {step.title}", anchor=False)
        st.markdown(step.text)
    with reporting_errors("This step"):
        with left:
            chosen = step.ask()
        with right, st.spinner("Drawing the figure", show_time=True):
            step.show(chosen, large)
