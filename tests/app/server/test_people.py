"""Who is signed in, and the folder of their runs."""

from __future__ import annotations

import re

import pytest

from app.server import people

HOSTILE = ["../../etc", "/etc/passwd", "a\0b", "..", ".", "\ud800", "x" * 10_000, "a/b\\c", "con", " ", "用户"]


@pytest.mark.parametrize("subject", HOSTILE)
def test_a_folder_name_is_hexadecimal_for_any_subject(subject: str):
    assert re.fullmatch("[0-9a-f]{32}", people.folder_name("https://id.example", subject))


def test_each_subject_of_each_provider_has_its_own_folder_which_stays():
    pairs = [("a", "bc"), ("ab", "c"), ("", "abc"), ("a", "b"), *(("a", subject) for subject in HOSTILE)]
    assert len({people.folder_name(*pair) for pair in pairs}) == len(pairs)
    assert (
        people.folder_name("https://id.example", "42") == "16589ec6678be648016b4d2d881efd47"
    )  # sha256sum of 18:https://id.example42


@pytest.mark.parametrize("identity", [{}, {"is_logged_in": False, "sub": "42"}])
def test_nobody_has_a_folder_without_signing_in(monkeypatch: pytest.MonkeyPatch, identity: dict[str, object]):
    monkeypatch.setattr(people.st, "user", identity)
    with pytest.raises(ValueError, match="nobody is signed in"):
        people.person()


@pytest.mark.parametrize("subject", [None, "", 42])
def test_an_identity_without_a_subject_has_no_folder(monkeypatch: pytest.MonkeyPatch, subject: object):
    monkeypatch.setattr(people.st, "user", {"is_logged_in": True, "sub": subject})
    with pytest.raises(ValueError, match="names no subject"):
        people.person()


def test_a_name_is_shown_as_plain_text(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(people.st, "user", {"name": "Ann [in](https://x) :red[B]"})
    assert not set("[](:") & set(people.shown_name())
