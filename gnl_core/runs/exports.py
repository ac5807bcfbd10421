"""Write results as files for other programs: CSV, PNG, ONNX."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from gnl_core.config import EVERYWHERE, ScoringConfig
from gnl_core.config.values import size_text
from gnl_core.datasets.shifts import split_domain
from gnl_core.export import export_onnx
from gnl_core.files.writing import write_atomically
from gnl_core.finite import check_scores
from gnl_core.metrics.threshold import choose_threshold
from gnl_core.records import Scores
from gnl_core.runs.adaptations import checkpoint_hash
from gnl_core.runs.checkpoints import teacher_fingerprint
from gnl_core.runs.domains import HELD_OUT
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.scores import find_scores
from gnl_core.runs.scoring import Run
from gnl_core.tables import csv_cell

MEMORY_BYTES = 2**28
NO_FACTS: Mapping[str, str] = MappingProxyType({})
MAP_ENDING = ".png"
LONGEST_NAME_BYTES = 255
DIGEST_DIGITS = 12


def write_csv(path: Path, scores: Scores) -> None:
    """Write one row per image, creating the file's folder if needed. A score that is not finite is an empty cell."""
    import pandas as pd  # noqa: PLC0415 (slow; not needed to start a command)

    path.parent.mkdir(parents=True, exist_ok=True)
    finite = np.where(np.isfinite(scores.score), scores.score, np.nan)
    table = pd.DataFrame(vars(scores) | {"score": finite}).map(csv_cell)
    write_atomically(path, table.to_csv(index=False, lineterminator=os.linesep).encode())


class MapPictures:
    """Anomaly maps as colour PNGs, buffered until the scores are saved: in memory, above MEMORY_BYTES in $TMPDIR.

    Args:
        upper: Map value of the brightest colour; 0 is the darkest.
    """

    def __init__(self, *, upper: float) -> None:
        self._upper = upper
        self._stream = tempfile.SpooledTemporaryFile(MEMORY_BYTES)  # noqa: SIM115 (closed with the object)
        self._sizes: dict[str, int] = {}

    def add(self, name: str, anomaly_map: NDArray[np.float32]) -> None:
        """Buffer an anomaly map of shape (H, W) under its file name."""
        from gnl_core.plots.maps import colour_map  # noqa: PLC0415 (matplotlib takes a second to import)

        picture = io.BytesIO()
        PIL.Image.fromarray(colour_map(anomaly_map, upper=self._upper)).save(picture, "PNG")
        self._sizes[name] = self._stream.write(picture.getvalue())

    def write(self, folder: Path) -> list[str]:
        """Write all pictures into a folder; return a sentence for each that could not be written."""
        self._stream.seek(0)
        pictures = ((name, self._stream.read(size)) for name, size in self._sizes.items())
        return [problem for name, picture in pictures if (problem := write_picture(folder / name, picture))]


def write_picture(path: Path, picture: bytes) -> str:
    """Write a file, creating its folder if needed; return the error message, or "" on success."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, picture)
    except OSError as error:
        return f"{path}: {error.strerror}"
    return ""


def map_name(path: str, *, domain: str) -> str:
    """Return the file name of an image's map within the folder of maps, unique within one scoring.

    Each corruption has its own folder. A name that is too long for a file is cut and ends in the hash of the full path.
    """
    folder, _, name = path.rpartition("/")
    if len(name.encode()) + len(MAP_ENDING) > LONGEST_NAME_BYTES:
        digest = hashlib.sha256(path.encode()).hexdigest()[:DIGEST_DIGITS]
        kept = LONGEST_NAME_BYTES - len(MAP_ENDING) - len(digest) - 1
        name = f"{name.encode()[:kept].decode(errors='ignore')}-{digest}"
    shift = split_domain(domain)[1].replace(":", "-")
    return "/".join(filter(None, (shift, folder, f"{name}{MAP_ENDING}")))


def write_onnx(
    path: Path, run: Run, scoring: ScoringConfig, *, threshold: float | None, facts: Mapping[str, str] = NO_FACTS
) -> None:
    """Write a run's detector as an ONNX file atomically, creating its folder if needed.

    Args:
        path: The file to write; an existing file is replaced.
        run: The run to export, loaded from its checkpoint; see `gnl_core.export`.
        scoring: Scoring settings, with nothing unset.
        threshold: The threshold for these settings; None without one.
        facts: More metadata.

    Raises:
        ValueError: If the run cannot be exported.
    """
    content = export_run(run, scoring, facts=describe_run(run, scoring, threshold=threshold) | dict(facts))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, content)


def export_run(run: Run, scoring: ScoringConfig, *, facts: Mapping[str, str]) -> bytes:
    """Return a run's detector as the content of an ONNX file; see `gnl_core.export.export_onnx`."""
    config = run.config
    if config.tile_size is not None and scoring.region_of_interest != EVERYWHERE:
        raise ValueError(
            "the graph of a run that scores tiles reads single tiles, and a region of interest is one of whole images; "
            "export it with --region-of-interest all, and leave out the other pixels of the stitched map"
        )
    return export_onnx(
        run.detector,
        scoring,
        name=config.detector,
        image_size=config.input_size,
        facts=facts,
        with_border=config.resize == "letterbox",
    )


def describe_run(run: Run, scoring: ScoringConfig, *, threshold: float | None) -> dict[str, str]:
    """Return the metadata of an exported file: the run, its scoring settings, and the threshold if there is one."""
    config = run.config
    facts: dict[str, object] = {name: getattr(config, name) for name in ("detector", "dataset", "normal_class")}
    if teacher_fingerprint(run.detector) is not None:
        facts["teacher"] = config.teacher
    facts |= {"image_size": size_text(config.image_size), "resize": config.resize}
    if config.tile_size is not None:
        facts |= {"tile_size": size_text(config.tile_size), "tile_overlap_percent": config.tile_overlap_percent}
    facts["checkpoint_sha256"] = checkpoint_hash(run)
    facts |= scoring.model_dump()
    if threshold is not None:
        facts["threshold"] = threshold
    return {name: str(value) for name, value in facts.items()}


def held_out_threshold(run: Run, folder: RunFolder, scoring: ScoringConfig) -> float | None:
    """Return a run's threshold: its `threshold_quantile` of its held-out images' scores.

    Returns:
        None if `gnl score` has not saved such scores for these scoring settings.

    Raises:
        DivergedError: If a held-out score is not finite.
    """
    held_out = find_scores(folder, domain=HELD_OUT, scoring=scoring)
    if held_out is None:
        return None
    check_scores(held_out.score, source=str(folder.path))
    return choose_threshold(held_out, quantile=run.config.threshold_quantile).value
