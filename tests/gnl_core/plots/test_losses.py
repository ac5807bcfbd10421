from __future__ import annotations

from gnl_core.plots.losses import loss_curves
from gnl_core.records import EpochRecord


def test_a_term_is_drawn_over_the_epochs_that_have_it():
    records = [
        EpochRecord(1, {"critic": -3.0}, 1.0),
        EpochRecord(2, {"critic": -2.0, "image_residual": 0.5}, 2.0),
        EpochRecord(3, {"image_residual": 0.25}, 3.0),
    ]
    critic, residual = loss_curves(records, epochs=3).data
    assert (critic.x, critic.y) == ((1, 2), (-3.0, -2.0))
    assert (residual.x, residual.y) == ((2, 3), (0.5, 0.25))
