"""Whether a server may answer: the address it listens on, and the name under which a browser reached it."""

from __future__ import annotations

import ipaddress

from app.server.settings import Mode

LOCAL_NAMES = ("localhost", "localhost.localdomain")


def why_refused(mode: Mode, *, address: str | None, host: str | None, can_sign_in: bool) -> str | None:
    """Return why a server does not answer, in one sentence that says what to set; None if it may.

    Args:
        mode: The server's mode.
        address: The address it listens on; None for all addresses of the machine.
        host: The name and port in the browser's address bar; None before a browser has asked.
        can_sign_in: Whether an identity provider is configured.
    """
    if mode == "shared" and not can_sign_in:
        return (
            "GNL does not start in mode shared without sign-in: install the extra server and add the section [auth] "
            "to .streamlit/secrets.toml, as docs/server.md describes."
        )
    if mode != "personal":
        return None
    if not is_loopback(address):
        return (
            f"GNL does not start on {address or 'all addresses'} for one person: set server.address to 127.0.0.1, or "
            "GNL_MODE to public (read only) or to shared (people sign in), as docs/server.md describes."
        )
    if host is not None and not is_loopback(host_name(host)):
        return (
            "GNL runs for one person on their own machine and does not answer to another name than localhost: open "
            "it as localhost, or set GNL_MODE to public or shared, as docs/server.md describes."
        )
    return None


def is_loopback(address: str | None) -> bool:
    """Return whether only this machine can reach an address."""
    if address is None:
        return False
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address.lower().rstrip(".") in LOCAL_NAMES


def host_name(host: str) -> str:
    """Return the name in a Host header, without its port and the brackets of an IPv6 address."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
