"""Explore: how a shift affects detectors, and how much matching feature distributions helps."""

from __future__ import annotations

from typing import Any, NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import load_pandas
from app import query_keys as keys
from app.adaptation import adapt_result
from app.checkpoints import Checkpoint
from app.controls.adaptation import choose_tray
from app.controls.checkpoint import choose_checkpoint
from app.controls.fdm import STRENGTHS, choose_fdm
from app.controls.links import Address, address_of
from app.controls.scoring import choose_scoring
from app.controls.selection import GALLERY_STRENGTH, forget_selection_elsewhere
from app.controls.view import View, checkpoints_of, choose_view, report_untrained
from app.display.components import read
from app.display.unreadable import reporting_errors
from app.progress import forget_cancelled
from app.scoring import ScoringRequest, ScoringResult, compute_result, has_scores, make_request, measure, scores_of
from app.screens.explore.adaptation import explain_adaptation
from app.screens.explore.captions import explain_figures, show_shift
from app.screens.explore.downloads import offer_scores
from app.screens.explore.figures import FIGURES, NAMES, THREE, describe_kind, draw_figures
from app.screens.explore.gallery import gallery
from app.screens.explore.story_line import announce_stories, draw_stories
from app.screens.explore.summary import show_provenance, summary_sentence, warn_of_equal_images
from app.screens.explore.training import choose_trained, training
from app.words import EXPLORE_STRENGTH_HELP, capitalised, plain
from gnl_core.names import DETECTOR_NAMES, domain_name, name_of
from gnl_core.runs.adapted_scores import TrayChoice


class Shown(NamedTuple):
    """What the page shows above its gallery.

    Attributes:
        requests: The methods' scoring requests.
        strength: The strength of matching.
        results: Their results, adapted if that is chosen.
        by_strength: The results at every strength on the slider.
        warning_place: The place of the warning about equal images, which are looked for after the charts are drawn.
        shift_place: The place of the shift scores, which can take a moment.
    """

    requests: list[ScoringRequest]
    strength: float
    results: list[ScoringResult]
    by_strength: dict[float, list[ScoringResult]]
    warning_place: DeltaGenerator
    shift_place: DeltaGenerator


def page() -> None:
    """Draw the page from top to bottom; the stories follow the charts, which come first."""
    choose_trained()
    st.html(f"<style>{read('explore.css')}</style>")
    top = st.container(key="top", gap="xsmall")
    view, everything = choose_view()
    announce_stories(top, everything)
    checkpoints = checkpoints_of(view, everything) if view else []
    shown: Shown | None = None
    with reporting_errors("These scores"):
        shown = show_charts(view, checkpoints) if view else None
    draw_stories(top, everything, address_of_page(view, shown) if view and shown else None)
    load_pandas()
    with reporting_errors("These scores"):
        if view and shown:
            show_images(view, shown)
    if view:
        training(view, checkpoints, everything)


def show_charts(view: View, checkpoints: list[Checkpoint]) -> Shown | None:
    """Draw the choices, the summary and the charts of the methods with a checkpoint; None if there is none."""
    forget_selection_elsewhere((view.dataset, view.normal_class, view.root, view.shifted))
    trained = {checkpoint.config.detector for checkpoint in checkpoints}
    shown = [detector for detector in view.detectors if detector in trained]
    report_untrained(
        view, [detector for detector in view.detectors if detector not in trained], remedy="Train one below."
    )
    if not shown:
        return None
    place = st.container(key="summary")
    with st.container(key="figures"):
        rows = [st.columns((NAMES, FIGURES), vertical_alignment="center") for _ in (*shown, "slider")]
    *controls, captions = st.columns(THREE, vertical_alignment="center")
    *adapting, tray = st.columns(THREE, vertical_alignment="bottom")
    reasons = st.container()
    names = [name for name, _ in rows[:-1]]
    requests, strength = choose_requests(shown, checkpoints, names, below=controls)
    results = compute_results(requests, view)
    choice = choose_tray(adapting, results[0].shifted.scores.label)
    results = adapt_results(results, view, choice) if choice else results
    with place:
        st.markdown(f"##### {plain(summary_sentence(view, results, unmatched_aurocs(results, view)))}")
        warning_place = st.container()
    explain_adaptation(results, beside=tray, below=reasons)
    places = [place for _, place in rows]
    with places[-1]:
        by_strength = results_by_strength(results, view, shown=strength)
    draw_figures(places, by_strength, shown=strength, titles=titles_of(view, results), sides=view.sides)
    with captions, st.container(gap="xsmall"):
        explain_figures(results, unlabelled=view.unlabelled or results[0].shifted.report.n_unlabelled > 0)
        return Shown(requests, strength, results, by_strength, warning_place, shift_place=st.empty())


def show_images(view: View, shown: Shown) -> None:
    """Draw a warning about equal images, the gallery, the provenance, the downloads and the shift scores."""
    results = shown.results
    with shown.warning_place:
        warn_of_equal_images(view)
    of_gallery = st.session_state.get(GALLERY_STRENGTH, shown.strength)
    gallery(
        shown.by_strength.get(of_gallery, results),
        None if results[0].adapted else shown.by_strength.get(0.0),
        domains=(view.spec.in_distribution, view.shifted),
        sides=view.sides,
        address=address_of(view, shown.requests, strength=of_gallery or shown.strength),
    )
    show_provenance(view, results)
    offer_scores(view, results, titles=titles_of(view, results))
    show_shift(shown.shift_place, results, view)


def address_of_page(view: View, shown: Shown) -> Address:
    """Return the query parameters of the view, with each method's FDM switch."""
    switches: Address = {
        f"{keys.FDM}{request.checkpoint.config.detector}": str(bool(request.scoring.style_weight)).lower()
        for request in shown.requests
    }
    return address_of(view, shown.requests, strength=shown.strength) | switches


def choose_requests(
    detectors: list[str], checkpoints: list[Checkpoint], places: list[Any], *, below: list[Any]
) -> tuple[list[ScoringRequest], float]:
    """Choose checkpoint and matching of each method, and for all of them the scoring settings and the strength."""
    chosen = []
    for detector, place in zip(detectors, places, strict=True):
        with place, st.container(gap="xsmall"):
            st.markdown(f"**{name_of(DETECTOR_NAMES, detector)}**{describe_kind(detector)}")
            above = st.container()
            checkpoint = choose_checkpoint(detector, checkpoints)
        with above:
            chosen.append((checkpoint, choose_fdm(checkpoint)))
    strength, settings = choose_scoring(below, label="Score at FDM strength α", about_strength=EXPLORE_STRENGTH_HELP)
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
