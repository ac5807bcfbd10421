"""The app: streamlit run app/main.py."""

from __future__ import annotations

import streamlit as st

from app import PANDAS, PROJECT, load_pandas
from app.controls.unavailable import read_address, report_substitutes
from app.display.components import HISTORY
from app.navigation import carry_choices, is_another_page
from app.query_values import drop_unusable
from app.server.gate import admit

# White on the accent is hard to read in the dark theme, as is Streamlit's grey text on charts in the light theme: both
# use the theme's text colour instead, and the primary button's text uses the dark theme's background. A page's script
# element takes no space. The menu bar is 60 px high, and the page begins just below it.
READABLE = """<style>
[data-testid="stMainBlockContainer"] { padding-top: 5.5rem; }
[data-testid="stMultiSelect"] [data-tag] { background-color: rgba(0, 158, 115, 0.22); color: inherit; }
[data-testid="stMultiSelect"] [data-tag] * { color: inherit; }
[data-testid="stBaseButton-primary"]:enabled { color: light-dark(#FFFFFF, #14171B); }
[data-testid="stPlotlyChart"] :is(.annotation-text, [class$="title"], .textpoint text, [class$="tick"] text,
  [class^="slider"] text) {
  fill: currentColor !important;
}
[data-testid="stElementContainer"]:has(script) { position: absolute; }
@media (max-width: 640px) {
  .st-key-view [data-testid="stColumn"] { flex: 1 1 calc(50% - 1rem); min-width: calc(50% - 1rem); }
}
</style>"""
# Hides stale elements of the previous page; the span is needed because Streamlit moves a lone style elsewhere.
LEFT = """<style>[data-stale="true"] { display: none; }</style><span></span>"""
NOTHING = [{"type": "bar"}]


def explore() -> None:
    """The page Explore, imported while the first visitor's browser reads its scripts."""
    from app.screens.explore.page import page  # noqa: PLC0415

    page()


def inspect() -> None:
    """The page Inspect, imported when it is opened."""
    from app.screens.inspect.page import page  # noqa: PLC0415

    page()


def shift_lab() -> None:
    """The page Shift lab, imported when it is opened."""
    from app.screens.shift_lab.page import page  # noqa: PLC0415

    page()


def embeddings() -> None:
    """The page Embeddings, imported when it is opened."""
    from app.screens.embeddings.page import page  # noqa: PLC0415

    page()


def follow() -> None:
    """The page Follow, imported when it is opened."""
    from app.screens.follow.page import page  # noqa: PLC0415

    page()


def train() -> None:
    """The page Train, imported when it is opened."""
    from app.screens.train.page import page  # noqa: PLC0415

    page()


def compare() -> None:
    """The page Compare, imported when it is opened."""
    from app.screens.compare.page import page  # noqa: PLC0415

    page()


def learn() -> None:
    """The page Learn, imported when it is opened."""
    from app.screens.learn.page import page  # noqa: PLC0415

    page()


DRAW = {
    "Explore": explore,
    "Inspect": inspect,
    "Shift lab": shift_lab,
    "Embeddings": embeddings,
    "Follow": follow,
    "Train": train,
    "Compare": compare,
    "Learn": learn,
}

st.set_page_config(page_title="GNL", page_icon="🔬", layout="wide")
admit()
is_first_run = not st.session_state
opening = st.empty()
st.logo(PROJECT / "assets" / "logo.svg", size="large")
pages = [
    st.Page(draw, title=title, url_path=title.lower().replace(" ", "-"), default=draw is explore)
    for title, draw in DRAW.items()
]
title = st.navigation(pages, position="top").title
if title != "Explore":  # which begins without Plotly
    with PANDAS:
        if is_first_run:  # a browser takes a second to load Plotly, so start now, in parallel with the imports
            opening.plotly_chart(NOTHING, height=1)
    load_pandas()
st.html(READABLE)
st.html(f"<script>{HISTORY}</script>", unsafe_allow_javascript=True)
if is_another_page(title):
    opening.html(LEFT)
drop_unusable()
carry_choices(title)
read_address(is_first_run=is_first_run)
above = st.container()
# Not with the page's run(): Streamlit then treats widgets as the page's own, and drops choices that pages share from
# the address whenever another page is opened.
DRAW[title]()
report_substitutes(above)
opening.empty()
