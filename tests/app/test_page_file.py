"""The page that Explore offers as a file."""

from __future__ import annotations

import json
import re

import pytest

from app import page_file
from app.checkpoints import list_checkpoints
from app.page_file import page_of
from app.server import people, rules
from gnl_core.page import collect
from gnl_core.runs.images import list_domain


def test_the_file_has_the_methods_and_the_shifted_domain(monkeypatch):
    for module in (collect, page_file):
        monkeypatch.setattr(module, "list_domain", lambda config, domain: list_domain(config, domain)[::60])
    monkeypatch.setattr(collect, "map_scale", lambda run, scoring: 1.0)
    shown = [one for one in list_checkpoints()[0] if one.folder.path.name.startswith("digits-4")]
    content = re.search(r'id="view">(.*?)</script>', page_of(shown, shifted="digits_m", visitor="ann"), re.DOTALL)
    assert content is not None
    view = json.loads(content[1])
    assert {method["name"] for method in view["methods"]} == {"RD4AD", "GNL"}
    assert [domain["name"] for domain in view["domains"]] == ["digits", "digits_m"]


def test_it_counts_as_a_computation(monkeypatch):
    monkeypatch.setenv("GNL_IMAGES_PER_REQUEST", "10")
    with pytest.raises(ValueError, match="719 images, and this server computes at most 10"):
        page_of(
            [one for one in list_checkpoints()[0] if one.folder.path.name == "digits-4-rd4ad"],
            shifted="digits_m",
            visitor="ann",
        )


def test_it_counts_for_the_visitor_who_asked_although_no_page_is_drawn(monkeypatch):
    def is_not_drawn(*, signed_in):
        raise AssertionError("there is no visitor without a page")

    monkeypatch.setenv("GNL_COMPUTATIONS_PER_MINUTE", "1")
    monkeypatch.setattr(rules, "COMPUTATIONS", rules.RateLimit(seconds=60))
    monkeypatch.setattr(people, "visitor", is_not_drawn)
    monkeypatch.setattr(page_file, "collect_view", lambda loaded, domains: None)
    monkeypatch.setattr(page_file, "build_page", lambda view: "page")
    shown = [one for one in list_checkpoints()[0] if one.folder.path.name == "digits-4-rd4ad"]
    assert page_of(shown, shifted="digits_m", visitor="ann") == "page"
    with pytest.raises(ValueError, match="more than 1 computations"):
        page_of(shown, shifted="digits_m", visitor="ann")
