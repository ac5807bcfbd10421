"""The worksheet docs/teaching.md: addresses open the views that they name, and numbers are of the bundled runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import torch
from streamlit.testing.v1 import AppTest

from app.query_keys import SEVERAL
from gnl_core.adaptation.line_errors import count_errors
from gnl_core.config import scoring_settings
from gnl_core.datasets.parts.line import list_shots
from gnl_core.distribution_matching import match_distribution
from gnl_core.files import hash_file
from gnl_core.metrics.image import report_domain
from gnl_core.metrics.threshold import threshold_at
from gnl_core.names import domain_name
from gnl_core.records import DomainReport
from gnl_core.runs.adapted_scores import TrayChoice, read_adapted, without_tray
from gnl_core.runs.folder import RunFolder, read_config
from gnl_core.runs.followed import FollowSettings, let_follow
from gnl_core.runs.line_scores import read_line
from gnl_core.runs.scores import find_scores

ROOT = Path(__file__).parents[2]
WORKSHEET = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")
LESSON = (ROOT / "gnl_core" / "page" / "lesson.html").read_text(encoding="utf-8")
SCRIPT = (ROOT / "gnl_core" / "page" / "lesson.js").read_text(encoding="utf-8")
APP = "http://localhost:8501/"
ADDRESSES = sorted(set(re.findall(rf"\({APP}([^)]*)\)", WORKSHEET)))
SHIFTS = {
    "parts-nut": ("parts_lighting", "parts_bright", "parts_background", "parts_blur", "parts_noise"),
    "digits-4": ("digits_m",),
}


def one_line(text: str) -> str:
    return " ".join(text.split())


SOLUTIONS = one_line(" ".join(re.findall(r"</summary>(.*?)</details>", WORKSHEET, flags=re.DOTALL)))


def folder(task: str, detector: str = "rd4ad") -> RunFolder:
    return RunFolder(ROOT / "assets" / "checkpoints" / f"{task}-{detector}")


def report(
    task: str, domain: str, *, detector: str = "rd4ad", alpha: float = 0.0, rows: Any = slice(None)
) -> DomainReport:
    """Metrics of a bundled run at its own threshold, of all images of a domain or of some rows."""
    run = folder(task, detector)
    config = read_config(run)
    scoring = scoring_settings(config, style_weight=alpha)
    scores, held_out = (find_scores(run, domain=name, scoring=scoring) for name in (domain, "held_out"))
    assert scores is not None
    assert held_out is not None
    threshold = threshold_at(held_out.score, quantile=config.threshold_quantile)
    return report_domain(scores.label[rows], scores.score[rows], threshold=threshold)


def adapted_reports(task: str, domain: str, size: int) -> tuple[DomainReport, DomainReport]:
    """Metrics of RD4AD as it is and adapted to normal images, on the images that it was not adapted to."""
    run = folder(task)
    wanted = (domain, TrayChoice(size, known_normal=True))
    (found,) = [entry.adapted for entry in read_adapted(run) if (entry.domain, entry.choice) == wanted]
    scores = find_scores(run, domain=domain, scoring=scoring_settings(read_config(run), style_weight=0.0))
    assert scores is not None
    rows = without_tray(scores, found)
    after = report_domain(scores.label[rows], found.score, threshold=found.threshold.value)
    return report(task, domain, rows=rows), after


def counts(measured: DomainReport) -> tuple[int, int]:
    """Number of false alarms and of misses."""
    return round(measured.false_alarm_rate * measured.n_normal), round(measured.miss_rate * measured.n_anomalous)


def lowered(detector: str) -> str:
    """For how many shifts matching lowers the AUROC, and which."""
    found = [
        domain_name(domain)
        for task, domains in SHIFTS.items()
        for domain in domains
        if report(task, domain, detector=detector, alpha=1.0).auroc
        < report(task, domain, detector=detector).auroc - 0.01
    ]
    return f"for {len(found)} of 6, {' and '.join(found)}."


def of_usual_light() -> list[str]:
    measured = report("parts-nut", "parts")
    alarms, misses = counts(measured)
    return [
        f"{alarms} of {measured.n_normal} good nuts raises a false alarm, and {misses} of {measured.n_anomalous} "
        "defects are missed",
        f"AUROC, here {measured.auroc:.2f}, does not",
    ]


def of_new_light() -> list[str]:
    usual, lit, background = (report("parts-nut", name) for name in ("parts", "parts_lighting", "parts_background"))
    assert counts(lit)[0] == lit.n_normal
    return [
        f"AUROC falls from {usual.auroc:.2f} to {lit.auroc:.2f}.",
        f"All {lit.n_normal} of them; in the usual light, {counts(usual)[0]} of {usual.n_normal}.",
        f"partly: AUROC is {lit.auroc:.2f},",
        f"On another background, AUROC is {background.auroc:.2f}, near chance",
    ]


def of_adapting() -> list[str]:
    sizes = (4, 8, 16)
    after = [adapted_reports("parts-nut", "parts_lighting", size)[1] for size in sizes]
    aurocs, misses = ([f"{one.auroc:.2f}" for one in after], [str(counts(one)[1]) for one in after])
    assert [counts(one)[0] for one in after] == [0, 0, 0]
    return [
        f"With 4, 8 and 16 normal images, AUROC is {aurocs[0]}, {aurocs[1]} and {aurocs[2]}, no good nut raises a "
        f"false alarm, and {misses[0]}, {misses[1]} and {misses[2]} of the {after[0].n_anomalous} defects are missed."
    ]


def of_digits() -> list[str]:
    before, after = adapted_reports("digits-4", "digits_m", 16)
    alarms, misses = ((100 * one.false_alarm_rate, 100 * one.miss_rate) for one in (before, after))
    return [
        f"False alarms fall from {alarms[0]:.0f} % to {misses[0]:.0f} %, and misses rise from {alarms[1]:.0f} % to "
        f"{misses[1]:.0f} %."
    ]


def of_matching() -> list[str]:
    own, reference = (
        [float(value) for value in re.search(rf"{name}: \[([^]]*)\]", SCRIPT)[1].split(",")]
        for name in ("own", "reference")
    )
    asked = ", ".join(f"{value:.1f}" for value in own)
    assert f"the values {asked};" in one_line(WORKSHEET)
    assert f"sorted, are {', '.join(f'{value:.1f}' for value in reference)}." in one_line(WORKSHEET)
    full, half = (
        match_distribution(torch.tensor(own).view(1, 1, 2, 3), torch.tensor([reference]), style_weight=weight).flatten()
        for weight in (1.0, 0.5)
    )
    assert full.argmax() == torch.tensor(own).argmax() == 3
    return [
        f"At α = 1: {', '.join(f'{value:.1f}' for value in full)}.",
        f"At α = 0.5: {', '.join(f'{value:.2f}' for value in half)}.",
    ]


def of_following() -> list[str]:
    run = folder("parts-nut")
    scored = read_line(run, read_config(run), hash_file(run.weights))
    assert scored is not None
    usual, larger = (let_follow(scored, FollowSettings(at_most=limit)).following for limit in (1.0, 2.0))
    alarms = (usual.fixed_alarm, usual.following_alarm, larger.following_alarm)
    fixed, following, risen = (count_errors(alarm, list_shots()) for alarm in alarms)
    assert following.all_reported_from
    assert risen.all_reported_from is None
    return [
        f"{following.false_alarms} instead of {fixed.false_alarms} among {fixed.n_good} good nuts.",
        f"Of {fixed.n_worn} scratched nuts, the fixed threshold reports {fixed.reported}, the one that follows "
        f"{following.reported}:",
        f"With a larger rise, it reports {risen.reported}.",
    ]


def test_every_number_in_a_solution_is_computed():
    rest = SOLUTIONS
    parts = (of_usual_light, of_new_light, of_matching, of_adapting, of_digits, of_following)
    for sentence in [
        *(one for part in parts for one in part()),
        f"RD4AD: {lowered('rd4ad')}",
        f"GNL: {lowered('gnl')}",
    ]:
        assert one_line(sentence) in rest
        rest = rest.replace(one_line(sentence), "")
    assert re.findall(r"\d+\.\d+|\d+ %|\d+ of", rest) == []


def test_matching_helps_and_hurts_most_where_the_solution_says():
    for detector in ("rd4ad", "gnl"):
        gains = {
            domain: report(task, domain, detector=detector, alpha=1.0).auroc
            - report(task, domain, detector=detector).auroc
            for task, domains in SHIFTS.items()
            for domain in domains
        }
        assert sorted(gains, key=gains.__getitem__)[-2:] == ["digits_m", "parts_background"]
        assert min(gains, key=gains.__getitem__) == "parts_lighting"


def test_every_question_names_a_view_of_the_app_and_a_place_in_the_lesson():
    questions = re.split(r"^\*\*(?=\d+\. )", WORKSHEET, flags=re.MULTILINE)[1:]
    assert [int(question.split(".")[0]) for question in questions] == list(range(1, len(questions) + 1))
    sections = {int(number) for number in re.findall(r"<h2>(\d+)\. ", LESSON)}
    for question in questions:
        assert APP in question.split("- App: ")[1].splitlines()[0]
        named = re.findall(r"^- Lesson: section (\d+)", question, flags=re.MULTILINE)
        assert {int(number) for number in named} <= sections
        assert named or "- Lesson: not there" in question or "- Lesson: the answers" in question
        assert question.count("<details>") == question.count("</details>") == 1


def shown(page: AppTest, key: str) -> list[str]:
    """The choice of a widget, as an address writes it."""
    if key == "step":
        return [page.header[0].value.split(".")[0]]
    (widget,) = [element for element in page._tree if getattr(element, "key", None) == key]
    value = widget.value if isinstance(widget.value, list) else [widget.value]
    if hasattr(widget, "format_func"):
        value = [widget.format_func(one) for one in value]
    return [str(one) for one in value]


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_opens_the_view_that_it_names(open_screen, address):
    path, _, query = address.partition("?")
    choices = parse_qs(query, strict_parsing=True)
    page = open_screen(
        path.replace("-", "_") or "explore",
        **{key: value if key in SEVERAL else value[0] for key, value in choices.items()},
    )
    assert not page.exception
    assert all("the line has drifted" in error.value for error in page.error)  # a finding of Follow
    assert {key: shown(page, key) for key in choices} == choices
