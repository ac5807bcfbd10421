from __future__ import annotations

import re

import pytest

from gnl_core.adaptation.choice import Evidence, Ways, choose_ways, warn_of_evidence

SHIFTED = Evidence(n=16, displacement=(0.9, 0.8, 0.7), excess=(0.1, 0.1, 0.1), agreement=0.3, familiarity=0.2)


@pytest.mark.parametrize(
    ("seen", "ways"),
    [
        ({}, Ways(match_domain=True)),
        ({"displacement": (0.5, 0.9, 0.9)}, Ways()),
        ({"excess": (0.4, 0.0, 0.0)}, Ways(match_domain=True, match_images=True)),
        ({"agreement": 0.9}, Ways(standardise=True)),
        ({"agreement": 0.9, "excess": (0.9, 0.9, 0.9)}, Ways(standardise=True)),
        ({"agreement": 0.9, "familiarity": None}, Ways(standardise=True)),
        ({"agreement": 0.9, "familiarity": 0.8}, Ways(match_domain=True)),
        ({"agreement": 0.9, "displacement": (0.5, 0.9, 0.9)}, Ways()),
        ({"agreement": None, "familiarity": None}, Ways(match_domain=True)),
        ({"displacement": ()}, Ways()),
    ],
)
def test_the_evidence_decides(seen: dict[str, object], ways: Ways):
    chosen = choose_ways(SHIFTED._replace(**seen))
    assert chosen[:3] == ways[:3]


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        ({"displacement": (0.25, 0.9, 0.9)}, "sampling noise explains 75%"),
        ({"agreement": 0.91}, r"correlates with the maps of the others \(0.91\)"),
        ({"excess": (0.43, 0.0, 0.0)}, r"differ more among themselves .* \(excess 0.43\)"),
        ({}, r"displaced beyond sampling noise \(stage 1: 90%\)"),
        ({"displacement": ()}, "no teacher"),
    ],
)
def test_the_reason_names_the_number_that_decides(seen: dict[str, object], reason: str):
    assert re.search(reason, choose_ways(SHIFTED._replace(**seen)).reason)


def test_remote_images_raise_a_warning_and_near_ones_none():
    assert "1.8 standard deviations" in (warn_of_evidence(SHIFTED._replace(remoteness=1.8)) or "")
    assert warn_of_evidence(SHIFTED._replace(remoteness=1.0)) is None
    assert warn_of_evidence(SHIFTED) is None
