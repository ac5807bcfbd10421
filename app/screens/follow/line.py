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
from app.words import capitalised, counted, exact_percent, plain
from gnl_core.datasets.base import Item

if TYPE_CHECKING:
    from app.followed_line import Line, ScoredLine
    from gnl_core.plots.timeline import Timeline
    from gnl_core.runs.following import FollowedLine

SMALLEST_WINDOW, LARGEST_WINDOW, FIRST_WINDOW = 20, 500, 100
LARGEST_LIMIT, FIRST_LIMIT, LIMIT_STEP = 3.0, 1.0, 0.25
MINIMUM = 20  # images before which the fixed threshold stays in force
SHOWN_IMAGES = 6
WINDOW_HELP = "The threshold keeps its margin above the median of the last images that raised no alarm (`--window`)."
LIMIT_HELP = (
    "How far the following threshold may rise (`--at-most`), in margins: distances of the fixed threshold above the "
    "median of the held-out images. Beyond it, the line counts as drifted."
)
RISK = (
    "A threshold that follows accepts what changes slowly: light and dirt, but damage as well, if it grows as slowly. "
    "It raises no alarm for such damage, so look at images from time to time."
)
ACCEPTED_HELP = "Images that raise an alarm under the fixed threshold alone, from the first to the last."


def show_line(scored: ScoredLine, checkpoint: Checkpoint, items: Sequence[Item], line: Line) -> None:
    """Draw a scored line from top to bottom; the finding first, although it depends on the choices below it."""
    from app.followed_line import BLOCK, let_follow  # noqa: PLC0415 (PyTorch takes seconds to import)
    from gnl_core.plots.timeline_chart import timeline_chart  # noqa: PLC0415 (Plotly takes a second to import)
    from gnl_core.runs.following import FollowSettings  # noqa: PLC0415 (as above)
    from gnl_core.runs.following_text import warnings_of  # noqa: PLC0415 (as above)

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
    settings = FollowSettings(window=window, minimum=MINIMUM, at_most=limit, order=line.order, block=BLOCK)
    followed = let_follow(scored, settings)
    sentence.markdown(f"##### {summary_sentence(followed)}")
    with chart:
        st.plotly_chart(
            timeline_chart(timeline_of(followed), followed.names),
            key="timeline",
            config=chart_config(f"gnl-{line.folder.name}"),
            alt=f"Scores, thresholds and shift score over time. {summary_sentence(followed)}",
        )
    for warning in warnings_of(followed):
        kind, _, words = warning.partition(": ")
        (st.error if kind == "alarm" else st.warning)(f"{capitalised(words)}.")
    show_accepted(followed, items)
    st.caption(RISK)
    fixed = scored.fixed
    st.caption(
        f"n = {len(scored.names):,} images · fixed threshold {fixed.value:.3f}: {exact_percent(fixed.quantile)} of "
        f"{fixed.n_held_out} held-out normal images score below it · {describe_origin(checkpoint)}"
    )
    if scored.no_shift_score:
        st.caption(capitalised(scored.no_shift_score))
    offer_line(followed, checkpoint, line)


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


def timeline_of(line: FollowedLine) -> Timeline:
    """Collect what is drawn."""
    from gnl_core.plots.timeline import Timeline  # noqa: PLC0415 (matplotlib takes a second to import)

    following = line.following
    return Timeline(
        score=following.score,
        following_threshold=following.threshold,
        fixed_threshold=following.fixed.value,
        edges=[*(block.start for block in line.blocks), len(line.names)],
        shift_scores=line.shift_scores,
    )


def show_accepted(line: FollowedLine, items: Sequence[Item]) -> None:
    """Show some images that only the fixed threshold calls anomalous; nothing if there are none."""
    accepted = np.flatnonzero(line.following.accepted)
    if not len(accepted):
        return
    st.markdown(f"**{counted(len(accepted), 'image')} that only the fixed threshold reports**", help=ACCEPTED_HELP)
    places = np.linspace(0, len(accepted) - 1, min(len(accepted), SHOWN_IMAGES)).round().astype(int)
    for column, position in zip(st.columns(SHOWN_IMAGES), accepted[places], strict=False):
        name = line.names[position]
        column.image(picture_url(enlarge(items[position].read())), width="stretch", alt=f"Image {name}")
        column.caption(f"{position + 1}: {plain(name)}, {line.following.score[position]:.3f}")


def offer_line(line: FollowedLine, checkpoint: Checkpoint, source: Line) -> None:
    """Draw the downloads, and the command that follows the line again."""
    with st.container(horizontal=True, gap="small"):
        offer_file("CSV", f"{source.folder.name}.csv", partial(csv_of, line))
        offer_file("SVG", f"{source.folder.name}.svg", partial(line_picture, line))
    words = ["--images", str(source.folder), "--order", source.order, "--window", str(line.settings.window)]
    words += ["--at-most", f"{line.settings.at_most:g}"]
    offer_command(shlex.join(["gnl", "follow", shown_path(checkpoint.folder), *words]))


def csv_of(line: FollowedLine) -> str:
    """Format the line as CSV."""
    from gnl_core.runs.following import line_csv  # noqa: PLC0415 (PyTorch takes seconds to import)

    return line_csv(line)


def line_picture(line: FollowedLine) -> bytes:
    """Render the chart as a static SVG picture."""
    from gnl_core.plots.score_panels import render  # noqa: PLC0415 (matplotlib takes a second to import)
    from gnl_core.plots.timeline import draw_timeline  # noqa: PLC0415 (as above)

    return render(draw_timeline(timeline_of(line)), ending="svg")
