"""Learn, step 3: why a student behind a bottleneck cannot reconstruct what it has not seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.scoring import map_scale, scores_of
from app.screens.learn.lessons import subject_in, unmatched
from app.screens.learn.step import LessonStep, Pair, Picture, choose_pair, draw, draw_row, show_origin
from app.sources import source_of
from app.words import LABEL_WORDS, capitalised
from gnl_core.runs.domains import TRAIN

if TYPE_CHECKING:
    from app.screens.learn.encoding import Encoded

EMBEDDING = "Embedding"
TEXT = """\
If the student saw the teacher's features, it could copy them, anomalies included. A **bottleneck** between the two
prevents this: it compresses three **stages** of features, from fine edges (stage 1) to whole shapes (stage 3), into one
**embedding** of far fewer numbers. From it alone, the student reconstructs all three stages.

What normal images have in common passes through. What is new does not: the student reconstructs something more normal.
Compare the stages: which of them separates the two images?"""


def show(pair: Pair, large: bool) -> None:
    """Draw how many numbers each part of the network holds, and the distances of each stage for both images."""
    from app.inspection import reasons  # noqa: PLC0415 (PyTorch takes seconds to import)
    from app.screens.learn.encoding import encoded  # noqa: PLC0415 (as above)
    from gnl_core.plots.lessons import count_widths  # noqa: PLC0415 (Plotly takes a second to import)
    from gnl_core.plots.maps import colour_map  # noqa: PLC0415 (matplotlib takes a second to import)

    request, source = unmatched(pair.task.plain), source_of(pair.task.plain)
    domain = pair.task.spec.in_distribution
    subjects = [subject_in(pair.task, domain, row) for row in (pair.normal, pair.anomalous)]
    counts = count_numbers(encoded(source, subjects[0], request.scoring))
    sizes = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    draw(
        count_widths(counts, narrowest=EMBEDDING),
        key="widths",
        alt=f"How many numbers represent an image: {sizes}",
        large=large,
    )
    explanations = [reasons(source, subject, request.scoring) for subject in subjects]
    share = map_scale(request, scores_of(request, TRAIN)) / len(explanations[0].stages)
    for subject, why in zip(subjects, explanations, strict=True):
        total = sum(stage.at_peak for stage in why.stages)
        st.markdown(
            f"**{capitalised(subject.shown)}**, {LABEL_WORDS[subject.label]}: score **{total:.2f}** is the sum of"
        )
        stages = [
            Picture(
                colour_map(stage.distances, upper=share),
                f"Stage {number}: {stage.at_peak:.2f}",
                f"Distances of stage {number}, {stage.at_peak:.2f} at the maximum",
            )
            for number, stage in enumerate(why.stages, start=1)
        ]
        draw_row([Picture(subject.image, "Image", f"Image of {subject.shown}"), *stages])
    st.caption(
        f"Each stage's contribution to the map, black 0 to pale yellow {share:.2f}, and its value at the maximum."
    )
    show_origin(pair.task.plain, about="two images, without matching")


def count_numbers(encoding: Encoded) -> dict[str, int]:
    """Count the numbers that represent an image, from the teacher's input to the student's last map."""
    stages = range(len(encoding.teacher))
    return {
        "Image": encoding.image.size,
        **{f"Teacher, stage {stage + 1}": encoding.teacher[stage].size for stage in stages},
        EMBEDDING: encoding.embedding.size,
        **{f"Student, stage {stage + 1}": encoding.student[stage].size for stage in reversed(stages)},
    }


BOTTLENECK = LessonStep("The student and its bottleneck", TEXT, choose_pair, show)
