from __future__ import annotations

from collections.abc import Callable

import pytest

from gnl_core.comparison.trays import parse_uses, reason_against, uses_of
from gnl_core.config import RunConfig
from gnl_core.runs.trays import TrayUse

UNLABELLED, NORMAL, BANK = (
    TrayUse("adapted", "unlabelled", 16),
    TrayUse("adapted", "normal", 8),
    TrayUse("bank", "normal", 8),
)
ALL = ("rd4ad", "deep_svdd", "knn")


def test_requests_are_parsed_in_their_order():
    requests = ("normal:8", "unlabelled:16", "bank:8")
    assert parse_uses(requests, detectors=ALL) == (NORMAL, UNLABELLED, BANK)
    assert tuple(use.request for use in parse_uses(requests, detectors=ALL)) == requests
    assert parse_uses((), detectors=ALL) == ()


@pytest.mark.parametrize(
    ("requests", "words"),
    [
        (("labelled:8",), "unknown kind 'labelled' in --adapt labelled:8; choose one of: unlabelled, normal, bank"),
        (("normal",), "a whole number of images of at least 1, got ''"),
        (("normal:0",), "of at least 1, got '0'"),
        (("normal:-1",), "of at least 1, got '-1'"),
        (("normal:2.5",), "of at least 1, got '2.5'"),
        (("normal:8:8",), "of at least 1, got '8:8'"),
        (("normal:8", "unlabelled:16", "normal:08"), "--adapt names normal:8 twice"),
    ],
)
def test_a_wrong_request_is_refused(requests: tuple[str, ...], words: str):
    with pytest.raises(ValueError, match=words):
        parse_uses(requests, detectors=ALL)


def test_a_bank_needs_a_method_that_has_one():
    with pytest.raises(ValueError, match="add one of: knn, patchcore"):
        parse_uses(("bank:8",), detectors=("rd4ad", "deep_svdd"))


def test_each_use_follows_the_method_as_it_is_on_the_same_images():
    uses = (UNLABELLED, NORMAL, BANK)
    plain = [use._replace(way="none") for use in (UNLABELLED, NORMAL)]
    assert list(uses_of("knn", uses)) == [plain[0], UNLABELLED, plain[1], NORMAL, BANK]
    assert list(uses_of("rd4ad", uses)) == [plain[0], UNLABELLED, plain[1], NORMAL]
    assert list(uses_of("rd4ad", (BANK,))) == [plain[1]]  # kNN is compared with it


def test_a_method_without_matching_or_references_cannot_be_adapted(tiny_config: Callable[..., RunConfig]):
    assert "no feature matching" in str(reason_against(tiny_config(detector="deep_svdd"), NORMAL))
    assert reason_against(tiny_config(detector="deep_svdd"), NORMAL._replace(way="none")) is None
    assert "--stored-references 0" in str(reason_against(tiny_config(stored_references=0), NORMAL))
    assert reason_against(tiny_config(detector="knn", stored_references=0), BANK) is None
    assert reason_against(tiny_config(), NORMAL) is None
