"""The app: streamlit run app/main.py."""

from __future__ import annotations

import streamlit as st

from app import PROJECT
from app.carrying import carry_choices

# White on the accent is hard to read in the dark theme, and Streamlit's grey for what is written on charts in the light
# one: both take the theme's text colour instead, and what is written on the main button the dark theme's background.
READABLE = """<style>
[data-testid="stMultiSelect"] [data-tag] { background-color: rgba(0, 158, 115, 0.22); color: inherit; }
[data-testid="stMultiSelect"] [data-tag] * { color: inherit; }
[data-testid="stBaseButton-primary"]:enabled { color: light-dark(#FFFFFF, #14171B); }
[data-testid="stPlotlyChart"] :is(.annotation-text, [class$="title"], .textpoint text, [class$="tick"] text,
  [class^="slider"] text) {
  fill: currentColor !important;
}
</style>"""
NOTHING = [{"type": "bar"}]


def explore() -> None:
    """The page Explore, imported while the first visitor's browser reads its scripts."""
    from app.screens.explore import page  # noqa: PLC0415

    page()


def inspect() -> None:
    """The page Inspect, imported when it is opened."""
    from app.screens.inspect import page  # noqa: PLC0415

    page()


def shift_lab() -> None:
    """The page Shift lab, imported when it is opened."""
    from app.screens.shift_lab import page  # noqa: PLC0415

    page()


def train() -> None:
    """The page Train, imported when it is opened."""
    from app.screens.train import page  # noqa: PLC0415

    page()


def compare() -> None:
    """The page Compare, imported when it is opened."""
    from app.screens.compare import page  # noqa: PLC0415

    page()


def learn() -> None:
    """The page Learn, imported when it is opened."""
    from app.screens.learn import page  # noqa: PLC0415

    page()


st.set_page_config(page_title="GNL", page_icon="🔬", layout="wide")
place = st.empty()
if not st.session_state:  # a browser takes a second to read Plotly: it starts now, beside the imports
    place.plotly_chart(NOTHING, height=1)
st.logo(PROJECT / "assets" / "logo.svg", size="large")
st.html(READABLE)
pages = [
    st.Page(explore, title="Explore", url_path="explore", default=True),
    st.Page(inspect, title="Inspect", url_path="inspect"),
    st.Page(shift_lab, title="Shift lab", url_path="shift-lab"),
    st.Page(train, title="Train", url_path="train"),
    st.Page(compare, title="Compare", url_path="compare"),
    st.Page(learn, title="Learn", url_path="learn"),
]
shown = st.navigation(pages, position="top")
carry_choices(shown.title)
shown.run()
place.empty()
