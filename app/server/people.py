"""The people whom a server serves: who is signed in, and the name of their folder."""

from __future__ import annotations

import hashlib

import streamlit as st
from streamlit import auth_util

NAME_CHARACTERS = 32
EVERYBODY = "everybody"  # the visitor where nobody signs in


def can_sign_in() -> bool:
    """Return whether an identity provider is configured and its library is installed."""
    return auth_util.is_authlib_installed() and bool(auth_util.get_secrets_auth_section().to_dict())


def is_signed_in() -> bool:
    """Return whether this visitor has signed in."""
    return bool(st.user.get("is_logged_in", False))


def person() -> str:
    """Return the folder name of the person who is signed in.

    Raises:
        ValueError: If nobody is, or the identity provider names no subject.
    """
    if not is_signed_in():
        raise ValueError("nobody is signed in; reload the page and sign in")
    subject = st.user.get("sub")
    if not isinstance(subject, str) or not subject:
        raise ValueError("the identity provider names no subject; ask the operator of this server")
    return folder_name(str(st.user.get("iss", "")), subject)


def folder_name(issuer: str, subject: str) -> str:
    """Return a name of 32 hexadecimal digits that differs for each subject of each identity provider."""
    digest = hashlib.sha256(f"{len(issuer)}:{issuer}{subject}".encode("utf-8", "backslashreplace"))
    return digest.hexdigest()[:NAME_CHARACTERS]


def visitor(*, signed_in: bool) -> str:
    """Return a key for limits per person: the person who is signed in, else the address of the browser."""
    if signed_in:
        return person()
    return str(st.context.ip_address or EVERYBODY)


def shown_name() -> str:
    """Return the name or address that the identity provider gives, as plain text for Markdown."""
    name = str(st.user.get("name") or st.user.get("email") or "somebody")
    return "".join(character if character.isalnum() or character in " @.-" else "�" for character in name)
