"""The app as a server for others: streamlit run app/serve.py. It checks its settings before it listens."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from app.server.gate import why_closed
from app.server.headers import SecurityHeaders

refusal = why_closed(address=st.get_option("server.address"))
if refusal:
    sys.exit(refusal)

app = st.App(Path(__file__).with_name("main.py"), middleware=[Middleware(SecurityHeaders)])
