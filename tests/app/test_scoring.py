"""Values that the app and the command line share."""

import pytest

from app.checkpoints import list_checkpoints
from app.scoring import make_request, map_scale, scores_of
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
