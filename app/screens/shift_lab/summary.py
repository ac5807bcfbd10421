"""The sentences of the Shift lab."""

from __future__ import annotations

from app.methods import WITHOUT_TEACHER
from app.screens.shift_lab.numbers import UNCHANGED, MethodCurves, ScoredCurve, severity_name
from app.words import NO_SHIFT_SCORE, signed
from gnl_core.finite import describe_scores
from gnl_core.metrics.ranking import rank_correlation
from gnl_core.names import DETECTOR_NAMES, name_of

VISIBLE = 0.005  # smaller differences vanish with two decimals
FEWEST_CORRELATED = 3


def summary_sentence(method: MethodCurves) -> str:
    """Summarise a method's drop, what matching or adapting gains or costs, and how well the shift score predicts it."""
    config = method.off.request.checkpoint.config
    name = name_of(DETECTOR_NAMES, config.detector)
    diverged = next((report for line in method.lines for report in line.reports.values() if report.n_not_finite), None)
    if diverged is not None:
        images = diverged.n_normal + diverged.n_anomalous + diverged.n_unlabelled
        return f"**{name}**: {describe_scores(diverged.n_not_finite, of=images)}."
    aurocs = method.off.aurocs
    worst = max(aurocs, default=UNCHANGED)
    if UNCHANGED not in aurocs or worst == UNCHANGED:
        unlabelled = any(report.auroc is None for report in method.off.reports.values())
        reason = (
            "no AUROC: the labels do not include both normal and anomalous images."
            if unlabelled
            else "not scored under this shift yet."
        )
        return f"**{name}**: {reason} {shift_words(method)}".rstrip()
    fall = aurocs[worst] - aurocs[UNCHANGED]
    return (
        f"**{name}**: AUROC {aurocs[UNCHANGED]:.2f} unchanged, {aurocs[worst]:.2f} at severity {worst} "
        f"({signed(fall)}). {matching_words(method.off, method.on)} {shift_words(method)}"
    )


def matching_words(off: ScoredCurve, on: ScoredCurve | None) -> str:
    """State what matching or adapting does at the strongest severity, and where it lowers the AUROC."""
    if on is None:
        without = off.request.checkpoint.config.detector in WITHOUT_TEACHER
        return "It has no features to match." if without else "It stores no references to match with."
    gains = {step: on.aurocs[step] - auroc for step, auroc in off.aurocs.items() if step in on.aurocs}
    if not gains:
        return f"It has not been {'adapted' if on.choice else 'scored with matching'} yet."
    strongest = max(gains)
    gain = gains[strongest]
    effect = "changes nothing" if abs(gain) < VISIBLE else f"changes it by {signed(gain)}"
    losses = [f"{step} ({signed(change)})" for step, change in gains.items() if change <= -VISIBLE]
    where = f"It lowers AUROC at severity {', '.join(losses)}." if losses else "It lowers AUROC at no severity shown."
    way = f"Adapting to {on.choice.size} images" if on.choice else f"FDM {on.request.scoring.style_weight:g}"
    return f"{way} {effect} at {severity_name(strongest)}. {where}"


def shift_words(method: MethodCurves) -> str:
    """State how well the shift score, which uses no labels, ranks the severities by the drop without matching."""
    if not method.off.request.checkpoint.has_references:
        return "It stores no references to measure a shift against."
    if method.no_spread:
        return f"Shift score {NO_SHIFT_SCORE}."
    both = [step for step in method.off.aurocs if step in method.shift_scores]
    if UNCHANGED not in both or len(both) < FEWEST_CORRELATED:
        return ""
    drops = [method.off.aurocs[UNCHANGED] - method.off.aurocs[step] for step in both]
    correlation = rank_correlation([method.shift_scores[step] for step in both], drops)
    shown = "undefined" if correlation is None else signed(correlation)
    return f"Rank correlation of shift score and drop: {shown} (n = {len(both)} severities)."
