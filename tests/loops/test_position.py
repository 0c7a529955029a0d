from dataclasses import replace

import pytest
from mmengine.logging import MessageHub

from mmseg_cen.loops.position import DataPosition, save_position, saved_position

THEN = DataPosition(batches=7, batch_size=2, processes=3, num_samples=60, length=10)


def now(batch_size=2, processes=3, num_samples=60):
    length = num_samples // (batch_size * processes)
    return DataPosition(0, batch_size, processes, num_samples, length)


@pytest.mark.parametrize(
    ('other', 'batches'),
    [
        (now(), 7),
        (now(batch_size=1), 14),
        (now(batch_size=4), 3),  # 36 of the 42 samples; 6 are trained on again
        (now(processes=1), 21),
        (now(batch_size=6, processes=1), 7),
        (now(num_samples=600), 0),  # in another order
    ],
)
def test_as_many_samples_are_skipped_as_were_trained_on(other, batches):
    assert THEN.moved_to(other, endless=False) == batches
    if other.num_samples == THEN.num_samples:
        assert THEN.moved_to(other, endless=True) == batches


def test_passes_over_the_data_are_skipped_as_passes():
    later = replace(THEN, batches=27)  # two passes and 7 batches
    other = replace(now(batch_size=4), length=6)  # the last batch is a smaller one
    assert later.moved_to(other, endless=False) == 2 * 6 + 3
    assert later.moved_to(other, endless=True) == 27 * 6 // 12


def test_a_position_travels_with_the_message_hub():
    hub = MessageHub.get_instance('test_position')
    assert saved_position(hub) is None
    save_position(hub, THEN)
    assert saved_position(hub) == THEN


def test_changes_are_told():
    assert THEN.changes(now()) == ''
    assert THEN.changes(now(4, 1)) == (
        '4 samples of a batch instead of 2, 1 processes instead of 3'
    )
