"""What a page contains; it is written into the file as JSON."""

from __future__ import annotations

from typing import NamedTuple


class Sprite(NamedTuple):
    """Square tiles of one size in one picture, row by row.

    Attributes:
        url: The picture, as a data URL.
        columns: Number of tiles in a row.
        side_px: Side of a tile in pixels.
    """

    url: str
    columns: int
    side_px: int


class MapSprite(NamedTuple):
    """The anomaly maps of a domain, one tile per image, in grey.

    Attributes:
        sprite: The tiles.
        brightest: The map's value where a tile is white; black is 0.
    """

    sprite: Sprite
    brightest: float


class AdaptedPart(NamedTuple):
    """A method's scores of a domain after adapting to a few of its images.

    Attributes:
        size: Number of images adapted to.
        known_normal: Whether all of them are known to be normal.
        ways: What was chosen, and why, in one sentence.
        standardised: Whether maps are standardised by position, so that scores have another unit.
        threshold: The recalibrated threshold.
        rows: Positions of the images that were not adapted to.
        scores: Their scores.
    """

    size: int
    known_normal: bool
    ways: str
    standardised: bool
    threshold: float
    rows: list[int]
    scores: list[float]


class MethodPart(NamedTuple):
    """A method on the page.

    Attributes:
        name: Its name.
        strengths: The strengths of matching, weakest first; 0 alone if it cannot match.
        thresholds: The threshold at each strength.
        scores: Domain → for each strength, one score per image.
        adapted: Domain → its scores under adaptations, if there are any.
        maps: Domain → for the weakest and the greatest strength, its maps; empty for a method without maps.
        map_scale: The maps' value at the brightest colour, from normal training images; None without maps.
        origin: Where the numbers come from, in a few words.
        command: The command that computes them anew.
    """

    name: str
    strengths: list[float]
    thresholds: list[float]
    scores: dict[str, list[list[float]]]
    adapted: dict[str, list[AdaptedPart]]
    maps: dict[str, list[MapSprite]]
    map_scale: float | None
    origin: str
    command: str


class DomainPart(NamedTuple):
    """The images of a domain.

    Attributes:
        name: The domain.
        title: Its name in a sentence.
        labels: One label per image: 0 for normal, 1 for anomalous, -1 for unlabelled.
        names: One name per image.
        pictures: The images.
    """

    name: str
    title: str
    labels: list[int]
    names: list[str]
    pictures: Sprite


class View(NamedTuple):
    """All that a page shows.

    Attributes:
        title: The data set's name.
        task: What is separated from what.
        domains: The domains, the in-distribution one first.
        methods: The methods.
        colours: The colours of a map from its lowest to its highest value, each as six hexadecimal digits.
    """

    title: str
    task: str
    domains: list[DomainPart]
    methods: list[MethodPart]
    colours: str


class InputSheet(NamedTuple):
    """Some images of a domain as a model reads them, in one lossless picture, row by row.

    Attributes:
        url: The picture, as a data URL.
        columns: Number of images in a row.
        rows: The images' positions in the domain.
    """

    url: str
    columns: int
    rows: list[int]


class Model(NamedTuple):
    """The exported detector of a method.

    Attributes:
        width: Width in pixels of the images that it reads.
        height: Their height.
        sheets: Domain → images to begin with.
        content: The ONNX file, packed; a page keeps it apart from the other fields.
    """

    width: int
    height: int
    sheets: dict[str, InputSheet]
    content: str
