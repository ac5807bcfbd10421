"""The app: streamlit run app/main.py."""

from __future__ import annotations

import streamlit as st

from app.cache import PROJECT
from app.screens import explore

st.set_page_config(page_title="GNL", page_icon="🔬", layout="wide")
st.logo(PROJECT / "assets" / "logo.svg", size="large")
st.navigation([st.Page(explore.page, title="Explore", url_path="explore", default=True)], position="top").run()
