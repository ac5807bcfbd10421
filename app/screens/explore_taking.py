"""What Explore lets one take away: all scores as CSV, and the figure as SVG and PNG."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from app.answers import Answer, DomainAnswer
from app.screens.downloads import offer_file
from app.screens.explore_view import View
from app.words import interval
from gnl_core.plots.histograms import Panel


def offer_scores(view: View, answers: list[Answer]) -> None:
    """Buttons for the files; each is made when its button is pressed."""
    stem = f"{view.dataset} {view.normal_class} {view.shifted}".replace(":", " ").replace("/", " ")
    with st.container(horizontal=True, gap="small"):
        offer_file("CSV", f"{stem}.csv", partial(scores_csv, answers))
        offer_file("SVG", f"{stem}.svg", partial(picture, answers, view.titles, ending="svg"))
        offer_file("PNG", f"{stem}.png", partial(picture, answers, view.titles, ending="png"))


def scores_csv(answers: list[Answer]) -> str:
    """One row an image, domain and method: its score, its label, and whether the method's threshold is exceeded."""
    rows = [
        pd.DataFrame(vars(domain.scores)).assign(
            method=found.question.checkpoint.config.detector,
            style_weight=found.question.scoring.style_weight,
            checkpoint=found.question.checkpoint.sha256,
            above_threshold=domain.scores.score > found.threshold,
        )
        for found in answers
        for domain in (found.in_distribution, found.shifted)
    ]
    return pd.concat(rows).to_csv(index=False)


def picture(answers: list[Answer], titles: tuple[str, str], *, ending: str) -> bytes:
    """The histograms as a still, "svg" or "png"."""
    from gnl_core.plots.score_panels import render, score_panels  # noqa: PLC0415 (matplotlib takes a second to import)

    return render(score_panels([still_row(found, titles) for found in answers]), ending=ending)


def note(domain: DomainAnswer) -> str:
    """AUROC and its interval, if there is one."""
    found = domain.report
    return "" if found.auroc is None else f"AUROC {found.auroc:.3f} ({interval(found.auroc_interval)})"


def still_row(found: Answer, titles: tuple[str, str]) -> list[Panel]:
    """One method's two histograms, with its name, AUROC and interval."""
    both = zip((found.in_distribution, found.shifted), titles, strict=True)
    return [
        Panel(
            scores=domain.scores,
            shifted=bool(shifted),
            title=title,
            note=note(domain),
            footnote=found.question.title,
        )
        for shifted, (domain, title) in enumerate(both)
    ]
