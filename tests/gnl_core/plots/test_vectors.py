from __future__ import annotations

import numpy as np

from gnl_core.plots.vectors import VectorPair, vector_pairs


def test_each_stage_has_its_two_vectors_and_its_distance_and_one_channel_is_marked():
    pairs = [VectorPair(np.array([0.6, 0.8]), np.array([1.0, 0.0]), 0.4), VectorPair(np.eye(3)[0], np.eye(3)[1], 1.0)]
    figure = vector_pairs(pairs, marked=(1, 2))
    assert [(trace.name, list(trace.y)) for trace in figure.data] == [
        ("teacher", [0.6, 0.8]),
        ("student", [1.0, 0.0]),
        ("teacher", [1.0, 0.0, 0.0]),
        ("student", [0.0, 1.0, 0.0]),
    ]
    assert [list(trace.x) for trace in figure.data[::2]] == [[1, 2], [1, 2, 3]]
    assert [note.text for note in figure.layout.annotations] == ["Stage 1: distance 0.400", "Stage 2: distance 1.000"]
    (line,) = figure.layout.shapes
    assert (line.x0, line.xref) == (3, "x2")
    assert [trace.showlegend for trace in figure.data] == [True, True, False, False]
