"""A scored line: the sentence, the chart, what the following threshold has accepted, and the downloads."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from app.checkpoints import Checkpoint
from app.display.downloads import chart_config, offer_command, offer_file
from app.display.pictures import enlarge, picture_url
from app.display.provenance import describe_origin, shown_path
from app.engines import engines_here
from app.lines import Line
from app.screens.follow.truth import judge, show_truth, truth_sentence
from app.words import capitalised, counted, exact_percent, plain
from gnl_core.datasets.base import Item
from gnl_core.datasets.parts.line import LAMP_MOVES, TOOL_WEARS, Shot, list_shots
from gnl_core.runs.followed import FollowedLine, FollowSettings, ScoredLine, let_follow, line_csv
from gnl_core.runs.following_text import warnings_of

if TYPE_CHECKING:
    from gnl_core.plots.timeline import Timeline

SMALLEST_WINDOW, LARGEST_WINDOW, FIRST_WINDOW = 20, 500, 100
LARGEST_LIMIT, FIRST_LIMIT, LIMIT_STEP = 3.0, 1.0, 0.25
MINIMUM = 20  # images before which the fixed threshold stays in force
SHOWN_IMAGES = 6
NARROWEST_PX = 130  # of such an image: two in a row on a phone
WINDOW_HELP = "The threshold keeps its margin above the median of the last images that raised no alarm (`--window`)."
LIMIT_HELP = (
    "How far the following threshold may rise (`--at-most`), in margins: distances of the fixed threshold above the "
    "median of the held-out images. Beyond it, the line counts as drifted."
)
RISK = (
    "A threshold that follows accepts what changes slowly: light and dirt, but damage as well, if it grows as slowly. "
    "It raises no alarm for such damage, so look at images from time to time."
)
MARKS = ((LAMP_MOVES[0], "lamp moves"), (TOOL_WEARS[0], "tool wears"))  # of the example
ACCEPTED_HELP = "Images that raise an alarm under the fixed threshold alone, from the first to the last."


def show_line(scored: ScoredLine, checkpoint: Checkpoint, items: Sequence[Item], line: Line) -> None:
    """Draw a scored line from top to bottom; the finding first, although it depends on the choices below it."""
    from gnl_core.plots.timeline_chart import timeline_chart  # noqa: PLC0415 (Plotly takes a second to import)

    sentence, chart = st.container(), st.container()
    left, middle, _ = st.columns((2, 2, 3))
    window = left.slider(
        "Images that the threshold follows",
        SMALLEST_WINDOW,
        LARGEST_WINDOW,
        FIRST_WINDOW,
        key="window",
        bind="query-params",
        help=WINDOW_HELP,
    )
    limit = middle.slider(
        "Largest rise, margins",
        0.0,
        LARGEST_LIMIT,
        FIRST_LIMIT,
        LIMIT_STEP,
        key="at_most",
        bind="query-params",
        help=LIMIT_HELP,
    )
    settings = FollowSettings(window=window, minimum=MINIMUM, at_most=limit, order=line.order, block=scored.block)
    followed, shots = let_follow(scored, settings), shots_of(line)
    both = judge(followed, shots) if shots else None
    summary = truth_sentence(both) if both else summary_sentence(followed)
    sentence.markdown(f"##### {summary}")
    with chart:
        st.plotly_chart(
            timeline_chart(timeline_of(followed, shots), followed.names),
            key="timeline",
            config=chart_config(f"gnl-{line.name}"),
            alt=f"Scores, thresholds and shift score over time. {summary}",
        )
    if both:
        show_truth(both)
    for warning in warnings_of(followed):
        kind, _, words = warning.partition(": ")
        (st.error if kind == "alarm" else st.warning)(f"{capitalised(words)}.")
    show_accepted(followed, items)
    st.caption(RISK)
    fixed, origin = scored.fixed, describe_origin(checkpoint, engines_here(checkpoint))
    st.caption(
        f"n = {len(scored.names):,} images · fixed threshold {fixed.value:.3f}: {exact_percent(fixed.quantile)} of "
        f"{fixed.n_held_out} held-out normal images score below it · {plain(origin)}"
    )
    if scored.no_shift_score:
        st.caption(capitalised(scored.no_shift_score))
    offer_line(followed, checkpoint, line)


def shots_of(line: Line) -> list[Shot]:
    """Return the truth about each image of the example; empty for a folder, of which nothing is known."""
    return list_shots() if line.folder is None else []


def summary_sentence(line: FollowedLine) -> str:
    """Compare the alarms under both thresholds, and say how far the line has drifted."""
    following, count = line.following, len(line.names)
    fixed, followed = int(following.fixed_alarm.sum()), int(following.following_alarm.sum())
    rise = following.rise[-1]
    side = "above" if rise > 0 else "below"
    end = "ends where it started" if abs(rise) < 0.005 else f"ends {abs(rise):.2f} margins {side} its start"
    return (
        f"The fixed threshold raises {counted(fixed, 'alarm')} in {count:,} images, the one that follows {followed:,}; "
        f"the latter {end}."
    )


def timeline_of(line: FollowedLine, shots: Sequence[Shot]) -> Timeline:
    """Collect what is drawn."""
    from gnl_core.plots.timeline import Timeline  # noqa: PLC0415 (matplotlib takes a second to import)

    following = line.following
    return Timeline(
        score=following.score,
        following_threshold=following.threshold,
        fixed_threshold=following.fixed.value,
        edges=[*(block.start for block in line.blocks), len(line.names)],
        shift_scores=line.shift_scores,
        labels=np.array([shot.label for shot in shots]) if shots else None,
        marks=MARKS if shots else (),
    )


def show_accepted(line: FollowedLine, items: Sequence[Item]) -> None:
    """Show some images that only the fixed threshold calls anomalous; nothing if there are none."""
    accepted = np.flatnonzero(line.following.accepted)
    if not len(accepted):
        return
    st.markdown(f"**{counted(len(accepted), 'image')} that only the fixed threshold reports**", help=ACCEPTED_HELP)
    places = np.linspace(0, len(accepted) - 1, min(len(accepted), SHOWN_IMAGES)).round().astype(int)
    grid = st.grid(SHOWN_IMAGES, min_column_width=NARROWEST_PX, gap="small")
    for position in accepted[places]:
        name = line.names[position]
        with grid.cell(), st.container(gap="xxsmall"):
            st.image(picture_url(enlarge(items[position].read())), width="stretch", alt=f"Image {name}")
            st.caption(f"{position + 1}: {plain(name)}, {line.following.score[position]:.3f}")


def offer_line(line: FollowedLine, checkpoint: Checkpoint, source: Line) -> None:
    """Draw the downloads, and the commands that follow the line again."""
    with st.container(horizontal=True, gap="small"):
        offer_file("CSV", f"{source.name}.csv", partial(line_csv, line))
        offer_file("SVG", f"{source.name}.svg", partial(line_picture, line, shots_of(source)))
    offer_command("\n".join(shlex.join(["gnl", *words]) for words in commands_of(line, checkpoint, source)))


def commands_of(line: FollowedLine, checkpoint: Checkpoint, source: Line) -> list[list[str]]:
    """Return the words of the commands that follow a line, after writing it if it is the example."""
    images = source.name if source.folder is None else str(source.folder)
    words = ["--images", images, "--order", source.order, "--window", str(line.settings.window)]
    words += ["--at-most", f"{line.settings.at_most:g}"]
    writing = [["data", "build-line", "--output", images]] if source.folder is None else []
    return [*writing, ["follow", shown_path(checkpoint.folder), *words]]


def line_picture(line: FollowedLine, shots: Sequence[Shot]) -> bytes:
    """Render the chart as a static SVG picture."""
    from gnl_core.plots.score_panels import render  # noqa: PLC0415 (matplotlib takes a second to import)
    from gnl_core.plots.timeline import draw_timeline  # noqa: PLC0415 (as above)

    return render(draw_timeline(timeline_of(line, shots)), ending="svg")
