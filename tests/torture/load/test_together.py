"""Two people who score at once get the scores that each would get alone, and what both want is computed once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from app import compute
from app.checkpoints import kept_scores
from app.compute import computed_scores
from app.sources import Source
from gnl_core.config import ScoringConfig
from gnl_core.files import hash_file
from gnl_core.records import Scores
from gnl_core.runs.folder import RunFolder

STRENGTHS = (0.0, 0.5, 1.0)


@pytest.fixture
def source(trained_run: RunFolder) -> Source:
    kept_scores().clear()
    compute.shared_run.clear()
    return Source(trained_run.weights, hash_file(trained_run.weights), data_root=None, version="")


def score_domain(source: Source, domain: str, strengths: Sequence[float]) -> list[Scores]:
    scorings = [ScoringConfig(style_weight=strength, reference_count=2) for strength in strengths]
    return computed_scores(source, domain=domain, scorings=scorings, title="scores")


@pytest.mark.parametrize("domains", [("digits_m", "digits_m"), ("digits", "digits_m")], ids=["one domain", "two"])
def test_scores_are_those_of_each_alone(domains, source):
    alone = [score_domain(source, domain, [strength])[0] for domain, strength in zip(domains, (0.5, 1.0), strict=True)]
    kept_scores().clear()
    with ThreadPoolExecutor() as people:
        asked = [
            people.submit(score_domain, source, domain, [strength])
            for domain, strength in zip(domains, (0.5, 1.0), strict=True)
        ]
        together = [result.result(timeout=60)[0] for result in asked]
    for scores, expected in zip(together, alone, strict=True):
        assert np.array_equal(scores.path, expected.path)
        assert np.array_equal(scores.score, expected.score)


def test_what_several_want_is_computed_once(source, monkeypatch):
    computed: list[float] = []

    def count(detector, batches, scorings):
        computed.extend(scoring.style_weight for scoring in scorings)
        return score_each(detector, batches, scorings)

    score_each = compute.score_each
    monkeypatch.setattr(compute, "score_each", count)
    wishes = [STRENGTHS[:2], STRENGTHS[1:], STRENGTHS, STRENGTHS[:1]]
    with ThreadPoolExecutor() as people:
        results = list(people.map(lambda strengths: score_domain(source, "digits_m", strengths), wishes))
    assert sorted(computed) == list(STRENGTHS)
    for strengths, scores in zip(wishes, results, strict=True):
        expected = score_domain(source, "digits_m", strengths)
        assert all(one is other for one, other in zip(scores, expected, strict=True))


def test_one_copy_of_a_model_serves_all(source):
    with ThreadPoolExecutor() as people:
        runs = list(people.map(lambda _: compute.run_of(source).detector, range(8)))
    assert len({id(detector) for detector in runs}) == 1
