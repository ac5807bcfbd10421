"""Explore: how a shift affects detectors, and how much matching feature distributions helps."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.adaptation import adapt_result
from app.checkpoints import Checkpoint
from app.controls.adaptation import choose_tray
from app.controls.checkpoint import choose_checkpoint
from app.controls.fdm import STRENGTHS, choose_fdm
from app.controls.links import address_of
from app.controls.scoring import choose_scoring
from app.controls.selection import GALLERY_STRENGTH
from app.controls.view import View, checkpoints_of, choose_view, report_untrained
from app.progress import forget_cancelled
from app.scoring import ScoringRequest, ScoringResult, compute_result, has_scores, make_request, measure, scores_of
from app.screens.explore.adaptation import explain_adaptation
from app.screens.explore.captions import explain_figures, show_shift
from app.screens.explore.downloads import offer_scores
from app.screens.explore.figures import FIGURES, NAMES, THREE, describe_kind, draw_figures
from app.screens.explore.gallery import gallery
from app.screens.explore.summary import show_provenance, summary_sentence, warn_of_equal_images
from app.screens.explore.training import choose_trained, training
from app.words import capitalised, plain
from gnl_core.names import DETECTOR_NAMES, domain_name, name_of
from gnl_core.plots.scrubber import ROW_PX
from gnl_core.runs.adapted_scores import TrayChoice


def page() -> None:
    """Draw the page from top to bottom."""
    choose_trained()
    view, everything = choose_view()
    if view is None:
        return
    checkpoints = checkpoints_of(view, everything)
    try:
        explore(view, checkpoints)
    except (ValueError, OSError) as error:
        st.error(f"These scores cannot be shown: {plain(error)}")
    training(view, checkpoints, everything)


def explore(view: View, checkpoints: list[Checkpoint]) -> None:
    """Draw summary, charts, gallery and provenance of the methods with a checkpoint."""
    trained = {checkpoint.config.detector for checkpoint in checkpoints}
    shown = [detector for detector in view.detectors if detector in trained]
    report_untrained(
        view, [detector for detector in view.detectors if detector not in trained], remedy="Train one below."
    )
    if not shown:
        return
    place = st.container()
    names, figures = st.columns((NAMES, FIGURES))
    *controls, captions = st.columns(THREE, vertical_alignment="center")
    *adapting, tray = st.columns(THREE, vertical_alignment="bottom")
    reasons = st.container()
    with names, st.container(gap=None):
        rows = [st.container(height=ROW_PX, border=False, vertical_alignment="center") for _ in shown]
    requests, strength = choose_requests(shown, checkpoints, rows, below=controls)
    results = compute_results(requests, view)
    choice = choose_tray(adapting, results[0].shifted.scores.label)
    results = adapt_results(results, view, choice) if choice else results
    with place:
        st.markdown(f"##### {plain(summary_sentence(view, results, unmatched_aurocs(results, view)))}")
        warn_of_equal_images(view)
    explain_adaptation(results, beside=tray, below=reasons)
    titles = titles_of(view, results)
    with figures:
        strengths = results_by_strength(results, view, shown=strength)
        draw_figures(strengths, shown=strength, titles=titles, sides=view.sides)
    with captions, st.container(gap="xsmall"):
        explain_figures(results, unlabelled=view.unlabelled)
        shift_place = st.empty()
    of_gallery = st.session_state.get(GALLERY_STRENGTH, strength)
    gallery(
        strengths.get(of_gallery, results),
        None if results[0].adapted else strengths.get(0.0),
        domains=(view.spec.in_distribution, view.shifted),
        sides=view.sides,
        address=address_of(view, requests, strength=of_gallery or strength),
    )
    show_provenance(view, results)
    offer_scores(view, results, titles=titles)
    show_shift(shift_place, results, view)


def choose_requests(
    detectors: list[str], checkpoints: list[Checkpoint], places: list[Any], *, below: list[Any]
) -> tuple[list[ScoringRequest], float]:
    """Choose checkpoint and matching of each method, and for all of them the scoring settings and the strength."""
    chosen = []
    for detector, place in zip(detectors, places, strict=True):
        with place:
            st.markdown(f"**{name_of(DETECTOR_NAMES, detector)}**{describe_kind(detector)}")
            above = st.container()
            checkpoint = choose_checkpoint(detector, checkpoints)
        with above:
            chosen.append((checkpoint, choose_fdm(checkpoint)))
    strength, settings = choose_scoring(below)
    return [
        make_request(checkpoint, style_weight=strength * matched, **settings) for checkpoint, matched in chosen
    ], strength


def compute_results(requests: list[ScoringRequest], view: View) -> list[ScoringResult]:
    """Compute the methods' scores, with a spinner."""
    place = st.empty()
    with place.container(), st.spinner("Scoring images", show_time=True):
        results = [compute_result(request, spec=view.spec, shifted=view.shifted) for request in requests]
    place.empty()
    return results


def unmatched_aurocs(results: list[ScoringResult], view: View) -> list[float | None]:
    """Collect each method's AUROC under shift without matching or adapting, on the same images; None if not scored."""
    return [unmatched_auroc(result, view) for result in results]


def unmatched_auroc(result: ScoringResult, view: View) -> float | None:
    """Return a method's AUROC as `unmatched_aurocs` does."""
    request = result.request.at(0.0)
    if not has_scores(request, result, spec=view.spec, shifted=view.shifted):
        return None
    scores = scores_of(request, view.shifted)
    rows = result.adapted.rows if result.adapted else slice(None)
    return measure(scores.label[rows], scores.score[rows]).auroc


def titles_of(view: View, results: list[ScoringResult]) -> tuple[str, str]:
    """Return the headings of the two domains; that of the shifted one says whether the methods are adapted."""
    base, shifted = view.titles
    return base, f"{capitalised(domain_name(view.shifted))} (adapted)" if results[0].adapted else shifted


def adapt_results(results: list[ScoringResult], view: View, choice: TrayChoice) -> list[ScoringResult]:
    """Adapt all methods to the shifted domain, with a spinner; if one fails, say why and leave all as they are."""
    place = st.empty()
    with place.container(), st.spinner(f"Adapting to {choice.size} images", show_time=True):
        try:
            adapted = [adapt_result(result, choice, shifted=view.shifted) for result in results]
        except (ValueError, OSError) as error:
            st.error(f"Nothing is adapted: {plain(error)}")
            return results
    place.empty()
    return adapted


def results_by_strength(results: list[ScoringResult], view: View, *, shown: float) -> dict[float, list[ScoringResult]]:
    """Collect the methods' results at every strength of matching that is already scored, weakest first.

    A method whose matching is off has the same result at every strength. A button computes missing scores. Adapted
    methods do not match.
    """
    by_strength, missing = {shown: results}, []
    if any(result.adapted for result in results):
        return by_strength
    for strength in (0.0, *STRENGTHS) if any(result.request.scoring.style_weight for result in results) else ():
        requests = [result.request.at(strength if result.request.scoring.style_weight else 0.0) for result in results]
        if all(
            has_scores(request, like, spec=view.spec, shifted=view.shifted)
            for request, like in zip(requests, results, strict=True)
        ):
            by_strength[strength] = [
                compute_result(request, spec=view.spec, shifted=view.shifted) for request in requests
            ]
        else:
            missing += [(strength, requests)]
    label = f"Score {len(missing)} more strengths for the slider"
    if missing and st.button(label, key="score_strengths", on_click=forget_cancelled):
        by_strength |= {strength: compute_results(requests, view) for strength, requests in missing}
    return dict(sorted(by_strength.items()))
