"""Drawing a few images of each label."""

import numpy as np

from gnl_core.datasets.drawing import draw_per_label


def test_as_many_images_of_each_label_are_drawn_as_there_are_up_to_the_limit():
    labels = np.array([0] * 10 + [1] * 3)
    drawn = draw_per_label(labels, count=5, seed=0)
    assert labels[drawn].tolist() == [0] * 5 + [1] * 3
    assert len(set(drawn.tolist())) == 8
    assert drawn.tolist() == sorted(drawn.tolist()) == draw_per_label(labels, count=5, seed=0).tolist()
    assert drawn.tolist() != draw_per_label(labels, count=5, seed=1).tolist()
    assert draw_per_label(labels[:0], count=5, seed=0).tolist() == []
