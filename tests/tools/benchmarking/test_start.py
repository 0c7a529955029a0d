import pytest
from benchmarking import first_iteration
from benchmarking.start import _process


def test_a_training_ends_after_its_first_iteration(narrow_config, tmp_path, capsys):
    first_iteration.main(
        str(narrow_config), str(tmp_path / 'work'), {'log_level': 'ERROR'}
    )
    assert 'reached' in capsys.readouterr().out


def test_a_process_that_fails_is_an_error_with_its_last_line():
    run = _process(['-c', 'raise SystemExit("error: no data")'])
    with pytest.raises(ValueError, match='error of -c: error: no data: correct it'):
        run()
