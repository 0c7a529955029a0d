import pytest
from benchmarking.first_iteration import train_one
from benchmarking.start import _process


def test_a_training_ends_after_its_first_iteration(narrow_config, tmp_path):
    work_dir = str(tmp_path / 'work')
    runner = train_one(str(narrow_config), work_dir, {'log_level': 'ERROR'})
    assert runner.iter == 0
    assert runner.max_iters == 4


def test_a_process_that_fails_is_an_error_with_its_last_line():
    run = _process(['-c', 'raise SystemExit("error: no data")'])
    with pytest.raises(ValueError, match='python -c: error: no data: correct it'):
        run()
