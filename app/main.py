"""The app: streamlit run app/main.py."""

from __future__ import annotations

import streamlit as st

from app.cache import PROJECT
from app.screens import explore

# White on the accent is hard to read in the dark theme, and Streamlit's grey for what is written on charts in the light
# one: both take the theme's text colour instead.
READABLE = """<style>
[data-testid="stMultiSelect"] [data-tag] { background-color: rgba(0, 158, 115, 0.22); color: inherit; }
[data-testid="stMultiSelect"] [data-tag] * { color: inherit; }
[data-testid="stPlotlyChart"] :is(.annotation-text, .xtitle) { fill: currentColor !important; }
</style>"""

st.set_page_config(page_title="GNL", page_icon="🔬", layout="wide")
st.logo(PROJECT / "assets" / "logo.svg", size="large")
st.html(READABLE)
st.navigation([st.Page(explore.page, title="Explore", url_path="explore", default=True)], position="top").run()
