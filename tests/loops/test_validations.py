from types import SimpleNamespace

import pytest

from mmseg_cen.loops.validations import (
    RECORD,
    forget_validations,
    is_validated,
    make_up_validation,
    note_validation,
)


@pytest.fixture
def runner(tmp_path):
    runs = []
    loop = SimpleNamespace(run=lambda: runs.append(1))
    return SimpleNamespace(work_dir=str(tmp_path), iter=6, val_loop=loop, runs=runs)


def test_a_validation_that_was_made_is_not_made_again(runner):
    make_up_validation(runner)
    make_up_validation(runner)
    assert runner.runs == [1]
    runner.iter = 9
    make_up_validation(runner)
    assert runner.runs == [1, 1]


def test_an_earlier_checkpoint_was_validated_before_a_later_one(runner):
    note_validation(runner)
    runner.iter = 3
    assert is_validated(runner)


def test_a_training_that_resumes_earlier_makes_later_validations_anew(runner):
    note_validation(runner)
    runner.iter = 3
    forget_validations(runner)
    assert is_validated(runner)
    runner.iter = 4
    assert not is_validated(runner)


@pytest.mark.parametrize('text', ['', 'no number'])
def test_a_record_that_is_lost_counts_as_none(runner, text, tmp_path):
    note_validation(runner)
    (tmp_path / RECORD).write_text(text)
    assert not is_validated(runner)
    forget_validations(runner)
    forget_validations(runner)
    assert not is_validated(runner)
