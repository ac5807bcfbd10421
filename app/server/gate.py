"""The gate in front of the pages: whether the server answers this visitor, and signing in."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st
from streamlit import auth_util

from app.server import people, rules
from app.server.addresses import why_refused

NO_REQUEST = "localhost"
ABOUT = "This server keeps each person's runs apart. Sign in to see yours."


def why_closed(*, address: str | None, host: str | None = None) -> str | None:
    """Return why this server does not answer, in one sentence; None if it may.

    Args:
        address: The address it listens on; None for all addresses of the machine.
        host: The name in the browser's address bar; None before a browser has asked.
    """
    try:
        return why_refused(rules.mode(), address=address, host=host, can_sign_in=people.can_sign_in())
    except ValueError as error:
        return f"GNL does not start: {error}."


def admit() -> None:
    """End the page's script with a sentence if the server does not answer, or with a button if nobody is signed in."""
    headers = request_headers()
    address = st.get_option("server.address") if headers else NO_REQUEST  # as in a test without a browser
    refusal = why_closed(address=address, host=headers.get("Host"))
    if refusal:
        st.error(refusal)
        st.stop()
    if rules.mode() == "shared":
        admit_person()


def request_headers() -> Mapping[str, str]:
    """Return the headers of the browser's request, which every websocket has; empty where there is no browser."""
    return st.context.headers


def admit_person() -> None:
    """Offer to sign in, or to sign out."""
    if people.is_signed_in():
        st.sidebar.caption(f"Signed in as {people.shown_name()}")
        st.sidebar.button("Sign out", on_click=st.logout)
        return
    st.info(ABOUT)
    for name in providers():
        st.button(f"Sign in with {name}" if name else "Sign in", type="primary", on_click=st.login, args=(name,))
    st.stop()


def providers() -> list[str | None]:
    """Return the names of the configured identity providers; None for a single one without a name."""
    section = auth_util.get_secrets_auth_section()
    return [str(name) for name, value in section.items() if isinstance(value, Mapping)] or [None]
