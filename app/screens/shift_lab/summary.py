"""What the Shift lab says in words, made from the numbers."""

from __future__ import annotations

from app.methods import DETECTOR_NAMES, WITHOUT_TEACHER
from app.screens.shift_lab.numbers import UNCHANGED, MethodCurves, ScoredCurve, severity_name
from app.words import NO_SHIFT_SCORE, name_of, signed
from gnl_core.finite import describe_scores
from gnl_core.metrics.ranking import rank_correlation

SEEN = 0.005  # a smaller difference is none with two decimals
FEWEST_CORRELATED = 3


def finding(method: MethodCurves) -> str:
    """One method's fall, what matching gives back and where it costs, and what the shift score knew of it."""
    config = method.off.request.checkpoint.config
    name = name_of(DETECTOR_NAMES, config.detector)
    diverged = next((found for line in method.lines for found in line.reports.values() if found.n_not_finite), None)
    if diverged is not None:
        images = diverged.n_normal + diverged.n_anomalous + diverged.n_unlabelled
        return f"**{name}**: {describe_scores(diverged.n_not_finite, of=images)}."
    aurocs = method.off.aurocs
    worst = max(aurocs, default=UNCHANGED)
    if UNCHANGED not in aurocs or worst == UNCHANGED:
        unlabelled = any(found.auroc is None for found in method.off.reports.values())
        told = "no AUROC: the images are not labelled both ways." if unlabelled else "not scored under this shift yet."
        return f"**{name}**: {told} {shift_words(method)}".rstrip()
    fall = aurocs[worst] - aurocs[UNCHANGED]
    return (
        f"**{name}**: AUROC {aurocs[UNCHANGED]:.2f} unchanged, {aurocs[worst]:.2f} at severity {worst} "
        f"({signed(fall)}). {matching_words(method.off, method.on, fall=fall)} {shift_words(method)}"
    )


def matching_words(off: ScoredCurve, on: ScoredCurve | None, *, fall: float) -> str:
    """What matching does at the strongest severity, and at which it costs."""
    if on is None:
        without = off.request.checkpoint.config.detector in WITHOUT_TEACHER
        return "It has no features to match." if without else "It keeps no references to match with."
    gains = {step: on.aurocs[step] - auroc for step, auroc in off.aurocs.items() if step in on.aurocs}
    if not gains:
        return "With matching it is not scored yet."
    strongest = max(gains)
    gain = gains[strongest]
    verb = "changes nothing" if abs(gain) < SEEN else f"gives {'back ' if fall < 0 < gain else ''}{signed(gain)}"
    costs = [f"{step} ({signed(found)})" for step, found in gains.items() if found <= -SEEN]
    where = f"It costs at severity {', '.join(costs)}." if costs else "It costs nothing at any severity shown."
    return f"FDM {on.request.scoring.style_weight:g} {verb} at {severity_name(strongest)}. {where}"


def shift_words(method: MethodCurves) -> str:
    """How well the shift score, which sees no label, ranks the severities by what they cost without matching."""
    if not method.off.request.checkpoint.has_references:
        return "It keeps no references to measure a shift against."
    if method.no_spread:
        return f"Shift score {NO_SHIFT_SCORE}."
    both = [step for step in method.off.aurocs if step in method.shift_scores]
    if UNCHANGED not in both or len(both) < FEWEST_CORRELATED:
        return ""
    drops = [method.off.aurocs[UNCHANGED] - method.off.aurocs[step] for step in both]
    found = rank_correlation([method.shift_scores[step] for step in both], drops)
    told = "undefined" if found is None else signed(found)
    return f"Rank correlation of shift score and drop: {told} (n = {len(both)} severities)."
