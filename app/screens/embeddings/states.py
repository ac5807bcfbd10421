"""The states of a method on the page Embeddings: as it is, with matched features, and adapted to the shifted domain."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from app.controls.view import View
from app.image_scoring import RequestPair
from app.methods import REVERSE_DISTILLATION, WITHOUT_TEACHER
from app.scoring import ScoringRequest
from app.sources import source_of
from gnl_core.adaptation.choice import Ways
from gnl_core.names import DETECTOR_NAMES, name_of
from gnl_core.runs.adapted_scores import TrayChoice
from gnl_core.runs.domains import TRAIN

if TYPE_CHECKING:
    from app.embedding import Placed
    from gnl_core.metrics.embedding import Frame, Separation

AS_IT_IS = "As it is"


class State(NamedTuple):
    """Where the images of both domains lie in one state of a method.

    Attributes:
        name: Its name.
        adapted: Whether the method is adapted.
        in_distribution: The images of the in-distribution domain.
        shifted: Those of the shifted domain, in the same order in every state.
        separation: The distances between their means.
    """

    name: str
    adapted: bool
    in_distribution: Placed
    shifted: Placed
    separation: Separation

    @property
    def sides(self) -> tuple[Placed, Placed]:
        """Both domains."""
        return self.in_distribution, self.shifted


class Embedding(NamedTuple):
    """A method's embedding with the images in it.

    Attributes:
        request: The scoring request of the method as it is.
        frame: Origin, unit and plane, from the training images.
        training: The training images.
        states: The states, at least one: the first is the method as it is.
        ways: How it is adapted; None if it is not.
    """

    request: ScoringRequest
    frame: Frame
    training: Placed
    states: list[State]
    ways: Ways | None

    @property
    def method(self) -> str:
        """The method's name."""
        return name_of(DETECTOR_NAMES, self.request.checkpoint.config.detector)


def describe_kind(detector: str) -> str:
    """Describe what a method's embedding is."""
    if detector in REVERSE_DISTILLATION:
        return "the bottleneck's embedding, averaged over its positions"
    if detector in WITHOUT_TEACHER:
        return "the output of the method's own encoder"
    return "the teacher's last stage, averaged over its positions"


def named_states(pair: RequestPair, choice: TrayChoice | None) -> Iterator[tuple[str, ScoringRequest, bool]]:
    """Yield the states of a method by name, each with its scoring request and whether it is adapted."""
    yield AS_IT_IS, pair.off, False
    if pair.on is not None:
        yield f"FDM {pair.on.scoring.style_weight:g}", pair.on, False
    if choice is not None:
        kind = "normal images" if choice.known_normal else "images"
        yield f"Adapted to {choice.size} {kind}", pair.off, True


def place_states(view: View, pair: RequestPair, choice: TrayChoice | None, *, count: int) -> Embedding:
    """Place training images and both domains in a method's embedding, in every state.

    Args:
        view: The page's view.
        pair: The method's requests.
        choice: Which images to adapt to; they are left out in every state. None not to adapt.
        count: Largest number of images of a group.

    Raises:
        ValueError: If the images cannot be placed; the message says why.
    """
    from app.embedding import Part, place_parts, ways_of  # noqa: PLC0415 (PyTorch takes seconds to import)
    from gnl_core.metrics.embedding import fit_frame, separate  # noqa: PLC0415 (as above)

    source, base = source_of(pair.off.checkpoint), view.spec.in_distribution
    named = list(named_states(pair, choice))
    training = Part(TRAIN, pair.off.scoring, count)
    sides = [
        (Part(base, request.scoring, count), Part(view.shifted, request.scoring, count, choice, adapted))
        for _, request, adapted in named
    ]
    placed = iter(place_parts(source, [training, *(part for both in sides for part in both)], title=pair.off.title))
    learnt = next(placed)
    frame = fit_frame(learnt.group.points)
    states = []
    for name, _, adapted in named:
        here, there = next(placed), next(placed)
        states.append(State(name, adapted, here, there, separate(frame, here.group, there.group)))
    ways = ways_of(source, sides[-1][1]) if choice else None
    return Embedding(pair.off, frame, learnt, states, ways)
