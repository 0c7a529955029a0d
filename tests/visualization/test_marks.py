import numpy as np
import pytest

from mmseg_cen.visualization.marks import mark_classes


@pytest.mark.parametrize('scale', [1, 40])
def test_a_class_is_marked_in_the_middle_of_its_widest_region(scale):
    labels = np.zeros((20, 30), int)
    labels[:, 20:] = 7
    labels[4:6, 2:4] = 7
    labels[19, 29] = 255
    labels = labels.repeat(scale, 0).repeat(scale, 1)
    marks = {mark.text: mark for mark in mark_classes(labels, 8)}
    assert {*marks} == {'0', '7'}
    assert marks['7'].x == pytest.approx(25 / 30, abs=0.04)
    assert 0.2 < marks['7'].y < 0.5
    assert marks['7'].radius == pytest.approx(5 / 30, abs=0.03)
    assert marks['0'].x < 20 / 30
