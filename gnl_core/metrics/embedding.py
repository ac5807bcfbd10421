"""Where images lie in an embedding: planes to draw them on, and how far a shift moves them and anomalies lie apart."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA

Points = NDArray[np.float64]
PLANE = 2  # dimensions
FEWEST_IMAGES = 3  # that span a plane
SHORTEST = 1e-9  # of a direction that is not rounding, relative to the spread


class Frame(NamedTuple):
    """Origin, unit and plane of an embedding, all of them from training images alone.

    Attributes:
        origin: The training images' mean, shape (D,).
        spread: Root of their mean squared distance from it: the unit of all distances; above 0.
        axes: Their first two principal components, as rows of length 1, shape (2, D).
        explained: Share of their variance along each of the two, each in [0, 1].
    """

    origin: Points
    spread: float
    axes: Points
    explained: tuple[float, float]


class Group(NamedTuple):
    """Images of one domain in an embedding.

    Attributes:
        points: Shape (n, D).
        labels: 0 for normal, 1 for anomalous, -1 for unlabelled, shape (n,).
    """

    points: Points
    labels: NDArray[np.int64]

    @property
    def normal(self) -> Points:
        """The normal images; if none is labelled, all of them."""
        unlabelled = self.labels < 0
        return self.points[unlabelled if unlabelled.all() else self.labels == 0]

    @property
    def anomalous(self) -> Points:
        """The anomalous images."""
        return self.points[self.labels == 1]


class Separation(NamedTuple):
    """Squared distances between the means of groups of images, in the unit of a frame; None without two images of both.

    Attributes:
        shift: From the in-distribution normal images to the shifted normal ones.
        anomaly: From the shifted normal images to the shifted anomalous ones.
        base_anomaly: The same in-distribution.
    """

    shift: float | None
    anomaly: float | None
    base_anomaly: float | None

    @property
    def shift_share(self) -> float | None:
        """Share of the shift in the sum of both squared distances under shift; None if one is missing or both are 0."""
        if self.shift is None or self.anomaly is None or not self.shift + self.anomaly:
            return None
        return self.shift / (self.shift + self.anomaly)


def fit_frame(training: Points) -> Frame:
    """Fit origin, unit and plane of an embedding to training images.

    Args:
        training: Their points, shape (n, D).

    Raises:
        ValueError: If there are fewer than three images, they are all equal, or a value is not finite.
    """
    if len(training) < FEWEST_IMAGES or training.shape[1] < PLANE:
        raise ValueError(
            f"a map of embeddings needs at least {FEWEST_IMAGES} training images and {PLANE} dimensions, got "
            f"{len(training)} and {training.shape[1]}; train on more images"
        )
    if not np.isfinite(training).all():
        raise ValueError("the training images' embeddings are not finite, because the run diverged; train it again")
    spread = float(np.sqrt(training.var(axis=0, ddof=1).sum()))
    if not spread:
        raise ValueError("the training images have equal embeddings, so distances have no unit; train on other images")
    fitted = PCA(n_components=PLANE, svd_solver="full").fit(training)
    first, second = (float(share) for share in fitted.explained_variance_ratio_)
    return Frame(fitted.mean_, spread, fitted.components_, (first, second))


def project(frame: Frame, points: Points, axes: Points) -> Points:
    """Project points (n, D) on the plane of two axes (2, D), from the frame's origin and in its unit, shape (n, 2)."""
    return (points - frame.origin) @ axes.T / frame.spread


def distances(frame: Frame, points: Points) -> Points:
    """Compute the distance of points (n, D) from the training images' mean, in the frame's unit, shape (n,).

    The root mean square over the training images is nearly 1.
    """
    return np.linalg.norm(points - frame.origin, axis=1) / frame.spread


def separate(frame: Frame, in_distribution: Group, shifted: Group) -> Separation:
    """Measure how far a shift moves normal images, and how far anomalies lie from normal images, in an embedding."""
    return Separation(
        shift=squared_distance(frame, in_distribution.normal, shifted.normal),
        anomaly=squared_distance(frame, shifted.normal, shifted.anomalous),
        base_anomaly=squared_distance(frame, in_distribution.normal, in_distribution.anomalous),
    )


def squared_distance(frame: Frame, first: Points, second: Points) -> float | None:
    """Estimate the squared distance between the means of two groups, in the frame's unit.

    The means of a few images are apart by chance: by the groups' variance over their number of images. This is
    subtracted, so that the estimate is right on average, and what remains is at least 0.

    Args:
        frame: The frame, which gives the unit.
        first: Points of one group, shape (n, D).
        second: Points of the other, shape (m, D).

    Returns:
        0 or more; None if a group has fewer than two images.
    """
    if min(len(first), len(second)) < 2:
        return None
    apart = np.square(first.mean(axis=0) - second.mean(axis=0)).sum()
    by_chance = sum(group.var(axis=0, ddof=1).sum() / len(group) for group in (first, second))
    return float(max(0.0, apart - by_chance) / frame.spread**2)


def contrast_axes(frame: Frame, in_distribution: Group, shifted: Group) -> Points | None:
    """Find the direction of the shift, and the direction of anomalies at right angles to it.

    Args:
        frame: The frame.
        in_distribution: Images of one domain.
        shifted: Images of the other.

    Returns:
        From the mean of in-distribution normal images to that of shifted normal ones, and from there to that of shifted
        anomalies; without anomalies, the first principal component in their place. Rows of length 1 at right angles,
        shape (2, D); None if a domain has no normal images, or a direction has no length.
    """
    if not len(in_distribution.normal) or not len(shifted.normal):
        return None
    middle = shifted.normal.mean(axis=0)
    shift = middle - in_distribution.normal.mean(axis=0)
    other = shifted.anomalous.mean(axis=0) - middle if len(shifted.anomalous) else frame.axes[0]
    first, second = np.linalg.norm(shift), np.linalg.norm(other)
    if min(first, second) <= SHORTEST * frame.spread:
        return None
    along = shift / first
    across = other / second - (other / second @ along) * along
    width = np.linalg.norm(across)
    return np.stack([along, across / width]) if width > SHORTEST else None


def shown_share(first: Points, second: Points, squared: float) -> float:
    """Compute the share of a squared distance that a plane shows.

    Args:
        first: Places of one group's images on the plane, shape (n, 2).
        second: Places of the other's, shape (m, 2).
        squared: The squared distance of their means in the embedding, above 0.

    Returns:
        At most 1; an estimate may come out larger for a few images.
    """
    return float(min(1.0, np.square(second.mean(axis=0) - first.mean(axis=0)).sum() / squared))


def alternate(labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Split images into two halves, every other image of each label, shape (n,): True for the second half."""
    second = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        second[np.flatnonzero(labels == label)[1::2]] = True
    return second


def project_unseen(frame: Frame, group: Group, axes: tuple[Points, Points]) -> Points:
    """Project each image on axes that were fitted without it.

    A direction between the means of two small groups separates these images even if their populations are equal; it
    does not separate others.

    Args:
        frame: The frame, for origin and unit.
        group: The images.
        axes: Those fitted to the first and to the second half of the images, as `alternate` splits them.

    Returns:
        Shape (n, 2).
    """
    first, second = (project(frame, group.points, own) for own in axes)
    return np.where(alternate(group.labels)[:, None], first, second)


def half_of(group: Group, *, second: bool) -> Group:
    """Return one half of a group, as `alternate` splits it."""
    chosen = alternate(group.labels) == second
    return Group(group.points[chosen], group.labels[chosen])
