"""The page that Explore offers as a file."""

from __future__ import annotations

import json
import re

import pytest

from app import page_file
from app.checkpoints import list_checkpoints
from app.page_file import page_of
from gnl_core.page import collect
from gnl_core.runs.images import list_domain


def test_the_file_has_the_methods_and_the_shifted_domain(monkeypatch):
    for module in (collect, page_file):
        monkeypatch.setattr(module, "list_domain", lambda config, domain: list_domain(config, domain)[::60])
    monkeypatch.setattr(collect, "map_scale", lambda run, scoring: 1.0)
    shown = [one for one in list_checkpoints()[0] if one.folder.path.name.startswith("digits-4")]
    content = re.search(r'id="view">(.*?)</script>', page_of(shown, shifted="digits_m"), re.DOTALL)
    assert content is not None
    view = json.loads(content[1])
    assert {method["name"] for method in view["methods"]} == {"RD4AD", "GNL"}
    assert [domain["name"] for domain in view["domains"]] == ["digits", "digits_m"]


def test_it_counts_as_a_computation(monkeypatch):
    monkeypatch.setenv("GNL_IMAGES_PER_REQUEST", "10")
    with pytest.raises(ValueError, match="719 images, and this server computes at most 10"):
        page_of([one for one in list_checkpoints()[0] if one.folder.path.name == "digits-4-rd4ad"], shifted="digits_m")
