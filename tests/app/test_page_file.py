"""The page that Explore offers as a file."""

from __future__ import annotations

import json
import re

import pytest

from app import page_file
from app.checkpoints import list_checkpoints
from app.display.downloads import page_or_reason
from app.page_file import page_of
from app.server import people, rules
from gnl_core.config import ScoringConfig
from gnl_core.page import collect
from gnl_core.runs.images import list_domain
from gnl_core.runs.scores import read_saved_scores, select_scores


def test_the_file_has_the_methods_and_the_shifted_domain(monkeypatch):
    monkeypatch.setattr(collect, "list_domain", lambda config, domain: list_domain(config, domain)[::60])
    monkeypatch.setattr(collect, "map_scale", lambda run, scoring: 1.0)
    shown = [one for one in list_checkpoints()[0] if one.folder.path.name.startswith("digits-4")]
    content = re.search(r'id="view">(.*?)</script>', page_of(shown, domains=["digits_m"], visitor="ann"), re.DOTALL)
    assert content is not None
    view = json.loads(content[1])
    assert {method["name"] for method in view["methods"]} == {"RD4AD", "GNL"}
    assert [domain["name"] for domain in view["domains"]] == ["digits", "digits_m"]


def test_it_counts_as_a_computation(monkeypatch):
    monkeypatch.setenv("GNL_IMAGES_PER_REQUEST", "10")
    with pytest.raises(ValueError, match="719 images, and this server computes at most 10"):
        page_of(
            [one for one in list_checkpoints()[0] if one.folder.path.name == "digits-4-rd4ad"],
            domains=["digits_m"],
            visitor="ann",
        )


def test_it_counts_for_the_visitor_who_asked_although_no_page_is_drawn(monkeypatch):
    def is_not_drawn(*, signed_in):
        raise AssertionError("there is no visitor without a page")

    monkeypatch.setenv("GNL_COMPUTATIONS_PER_MINUTE", "1")
    monkeypatch.setattr(rules, "COMPUTATIONS", rules.RateLimit(seconds=60))
    monkeypatch.setattr(people, "visitor", is_not_drawn)
    monkeypatch.setattr(page_file, "collect_view", lambda loaded, **_: None)
    monkeypatch.setattr(page_file, "build_page", lambda view: "page")
    shown = [one for one in list_checkpoints()[0] if one.folder.path.name == "digits-4-rd4ad"]
    assert page_of(shown, domains=["digits_m"], visitor="ann") == "page"
    with pytest.raises(ValueError, match="more than 1 computations"):
        page_of(shown, domains=["digits_m"], visitor="ann")


def test_a_corruption_s_severities_share_a_file_of_a_few_images_of_each_label(monkeypatch):
    monkeypatch.setattr(collect, "map_scale", lambda run, scoring: 1.0)
    shown = [one for one in list_checkpoints()[0] if one.folder.path.name == "digits-4-rd4ad"]
    domains = [f"digits+gaussian_noise:{severity}" for severity in (1, 5)]
    page = page_of(shown, domains=domains, visitor="ann", strengths=(0.0, 1.0), most=3)
    content = re.search(r'id="view">(.*?)</script>', page, re.DOTALL)
    assert content is not None
    view = json.loads(content[1])
    assert [domain["name"] for domain in view["domains"]] == ["digits", *domains]
    assert all(sorted(domain["labels"]) == [0, 0, 0, 1, 1, 1] for domain in view["domains"])
    (method,) = view["methods"]
    assert method["strengths"] == [0.0, 1.0]
    assert "up to 3 images of each label" in method["origin"]
    rows = read_saved_scores(shown[0].folder)
    assert rows is not None
    for domain in view["domains"][1:]:
        saved = select_scores(rows, domain=domain["name"], scoring=ScoringConfig(style_weight=1.0))
        assert saved is not None
        by_path = dict(zip(saved.path, saved.score, strict=True))
        assert method["scores"][domain["name"]][1] == pytest.approx(
            [by_path[name] for name in domain["names"]], abs=1e-5
        )
    assert all(len(part["rows"]) == len(part["scores"]) <= 6 for part in method["adapted"][domains[0]])
    assert method["adapted"][domains[0]]


def test_a_file_that_cannot_be_made_says_why_as_text():
    def refuse():
        raise ValueError("these are <b>10</b> images")

    assert "This file could not be made: these are &lt;b&gt;10&lt;/b&gt; images." in page_or_reason(refuse)
    assert page_or_reason(lambda: "page") == "page"
