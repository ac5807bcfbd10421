"""The app as a server for others: streamlit run app/serve.py. It checks its settings before it listens.

It also imports large libraries before it listens, which main.py alone imports when a page first needs them. Otherwise,
of visitors who arrive together, one could meet a library that another's thread has only half imported.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from app.server.gate import why_closed
from app.server.headers import SecurityHeaders

LARGE = ("pandas", "plotly.graph_objects", "matplotlib.figure", "gnl_core.runs.scoring")

refusal = why_closed(address=st.get_option("server.address"))
if refusal:
    sys.exit(refusal)

for module in LARGE:
    import_module(module)

app = st.App(Path(__file__).with_name("main.py"), middleware=[Middleware(SecurityHeaders)])
