"""Which addresses and names a server answers to."""

from __future__ import annotations

import pytest

from app.server.addresses import why_refused

LOOPBACK = ["127.0.0.1", "127.1.2.3", "::1", "localhost", "LOCALHOST"]
REACHABLE = [None, "", "0.0.0.0", "::", "192.168.1.5", "10.0.0.1", "example.org", "localhost.example.org", "2130706433"]


@pytest.mark.parametrize("address", LOOPBACK)
def test_a_personal_server_answers_on_a_loopback_address(address: str):
    assert why_refused("personal", address=address, host=None, can_sign_in=False) is None


@pytest.mark.parametrize("address", REACHABLE)
def test_a_personal_server_refuses_any_other_address_in_one_sentence(address: str | None):
    refusal = why_refused("personal", address=address, host=None, can_sign_in=True)
    assert refusal is not None
    assert refusal.startswith(f"GNL does not start on {address or 'all addresses'} for one person: set server.address")
    assert refusal.count(". ") == 0
    assert "GNL_MODE to public" in refusal


@pytest.mark.parametrize("host", ["localhost:8501", "127.0.0.1", "[::1]:8501"])
def test_a_personal_server_answers_to_the_names_of_its_machine(host: str):
    assert why_refused("personal", address="127.0.0.1", host=host, can_sign_in=False) is None


@pytest.mark.parametrize("host", ["evil.example", "gnl.example.org:443", "192.168.1.5:8501", "[2001:db8::1]:80", ""])
def test_a_personal_server_refuses_names_that_others_gave_it(host: str):
    refusal = why_refused("personal", address="127.0.0.1", host=host, can_sign_in=False)
    assert refusal is not None
    assert "does not answer to another name than localhost" in refusal


@pytest.mark.parametrize("address", [*LOOPBACK, *REACHABLE])
def test_a_shared_server_needs_sign_in_on_every_address(address: str | None):
    refusal = why_refused("shared", address=address, host=None, can_sign_in=False)
    assert refusal is not None
    assert "[auth]" in refusal
    assert why_refused("shared", address=address, host="gnl.example.org", can_sign_in=True) is None


@pytest.mark.parametrize("address", [*LOOPBACK, *REACHABLE])
def test_a_public_server_answers_everywhere(address: str | None):
    assert why_refused("public", address=address, host="gnl.example.org", can_sign_in=False) is None
