"""Values that the app and the command line share."""

import numpy as np
import pytest

from app.checkpoints import list_checkpoints
from app.scoring import make_request, map_scale, measure, scores_of
from gnl_core.runs.domains import TRAIN
from gnl_core.runs.scoring import load_run, resolve_scoring
from gnl_core.runs.scoring import map_scale as scale_of_command_line


@pytest.mark.parametrize(
    ("detector", "settings"),
    [("rd4ad", {}), ("rd4ad", {"reduction": "mean"}), ("patchcore", {}), ("rd4ad", {"holdout_percent": 0})],
)
def test_maps_have_the_colour_scale_of_the_command_line(train, detector, settings):
    folder = train(normal_class="7", detector=detector, style_weight=0, **settings)
    (checkpoint,) = [known for known in list_checkpoints()[0] if known.folder.path == folder.path]
    request = make_request(checkpoint, style_weight=0.0)
    run = load_run(folder)
    expected = scale_of_command_line(run, resolve_scoring(run))
    assert map_scale(request, scores_of(request, TRAIN)) == pytest.approx(expected, rel=1e-5)


def test_metrics_of_a_million_images_are_those_of_their_own_labels():
    scores = np.linspace(0, 1, 1_000_000)  # of arrays this long, Streamlit hashes a sample
    labels = np.zeros(len(scores), np.int64)
    labels[0] = 1
    assert measure(labels, scores).auroc == 0
    labels[0], labels[-1] = 0, 1
    assert measure(labels, scores).auroc == 1
