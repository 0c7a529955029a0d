"""The command that trains, collects and prints tables."""

import csv
import re
import shutil
import sys

import pytest
from paper import tables


def paper_table(monkeypatch, *args):
    monkeypatch.setattr(sys, 'argv', ['paper_tables.py', *map(str, args)])
    tables.main()


def test_a_run_that_was_not_written_to_its_end_is_left_out(
    tmp_path, monkeypatch, capsys, finished_run
):
    runs = [finished_run(tmp_path / f'runs/{name}') for name in 'abcd']
    config = runs[1] / 'exchange_half.py'
    config.write_text(config.read_text()[:3000])
    scalars = runs[2] / '20200101/vis_data/scalars.json'
    scalars.write_text(scalars.read_text()[:-20])
    scalars = runs[3] / '20200101/vis_data/scalars.json'
    scalars.write_text('{"loss\n' + scalars.read_text())
    out = tmp_path / 'out'
    paper_table(
        monkeypatch, '--table', '1', '--work-dir', out, '--collect', tmp_path / 'runs'
    )
    text = capsys.readouterr().out
    reasons = ('it has no config', 'it is not finished', 'it is not finished')
    for run, reason in zip(runs[1:], reasons, strict=True):
        assert f'{run} is left out: {reason}' in text
    with (out / 'table_1_collected.csv').open() as file:
        header, *lines = csv.reader(file)
    assert len(set(header)) == len(header)
    line = dict(zip(header, lines[4], strict=True))
    assert (line['Ensemble: measured'], line['runs']) == ('12.5', '1')


def test_runs_of_different_lengths_or_data_are_not_averaged(
    tmp_path, monkeypatch, capsys, finished_run
):
    finished_run(tmp_path / 'short', epochs=1)
    finished_run(tmp_path / 'long', 'no_exchange', epochs=2)
    command = ('--table', '1', '--collect', tmp_path, '--work-dir', tmp_path / 'out')
    with pytest.raises(SystemExit, match=r'1 epochs on .* and 2 epochs on .*Synth'):
        paper_table(monkeypatch, *command)
    paper_table(monkeypatch, *command, '--epochs', '2')
    assert [path.name for path in sorted((tmp_path / 'out').iterdir())] == [
        'table_1_collected_2_epochs.csv', 'table_1_collected_2_epochs.md'
    ]  # fmt: skip
    config = finished_run(tmp_path / 'few', epochs=2) / 'exchange_half.py'
    config.write_text(config.read_text().replace('num_samples=800', 'num_samples=8'))
    with pytest.raises(SystemExit, match=r'num_samples=8, .*num_samples=800'):
        paper_table(monkeypatch, *command, '--epochs', '2')


def test_no_or_few_rows_do_not_replace_the_table(
    tmp_path, monkeypatch, capsys, finished_run
):
    (tmp_path / 'empty').mkdir()
    command = ('--table', '1', '--work-dir', tmp_path / 'out', '--collect')
    with pytest.raises(SystemExit, match=r'must hold a finished run .*, got none: '):
        paper_table(monkeypatch, *command, tmp_path / 'empty')
    assert not (tmp_path / 'out').exists()
    finished_run(tmp_path / 'run')
    paper_table(monkeypatch, *command, tmp_path / 'run', '--rows', 'exchange_half')
    assert len((tmp_path / 'out/table_1_collected_part.csv').read_text().split()) > 2
    assert not (tmp_path / 'out/table_1_collected.csv').exists()


def test_a_run_of_other_options_is_not_taken_for_the_wanted_one(
    tmp_path, monkeypatch, finished_run
):
    run_folder = tmp_path / 'synthetic/2_epochs/exchange_half/seed_0'
    finished_run(run_folder)
    command = (
        '--table', '1', '--train', '--rows', 'exchange_half', '--epochs', '2',
        '--seeds', '0', '0', '--work-dir', tmp_path,
    )  # fmt: skip
    paper_table(monkeypatch, *command)  # which is finished
    table = (tmp_path / 'table_1_synthetic_2_epochs_part.csv').read_text()
    assert table.strip().endswith(',0.500,1')
    wanted = rf'training in {run_folder}, got other settings of train_dataloader:'
    option = 'train_dataloader.dataset.num_samples=8'
    with pytest.raises(SystemExit, match=wanted):
        paper_table(monkeypatch, *command, '--cfg-options', option)


@pytest.mark.parametrize('option', ['--jobs 0', '--epochs 0', '--epochs -1'])
def test_numbers_below_one_are_refused(option, tmp_path, monkeypatch):
    name, value = option.split()
    with pytest.raises(SystemExit, match=f'`{name}` must be at least 1, got {value}'):
        paper_table(
            monkeypatch, '--table', '1', '--train', '--work-dir', tmp_path, name, value
        )


def test_rows_that_a_table_lacks_are_refused(tmp_path, monkeypatch):
    with pytest.raises(SystemExit, match=r"`--rows` must be among .*, got \['drop'\]"):
        paper_table(monkeypatch, '--table', '1', '--rows', 'drop', 'unshared')


def test_a_page_names_the_data_of_what_is_collected(tmp_path, monkeypatch, capsys):
    command = ('--table', '1', '--collect', tmp_path, '--page', tmp_path / 'page.md')
    with pytest.raises(SystemExit):
        paper_table(monkeypatch, *command)
    assert '--data beside --collect, got none: ' in capsys.readouterr().err


def test_a_page_whose_command_trains_other_runs_is_told(
    tmp_path, monkeypatch, capsys, finished_run
):
    finished_run(tmp_path / 'run', epochs=2)
    page = tmp_path / 'page.md'
    command = (
        '--table', '1', '--collect', tmp_path / 'run', '--work-dir', tmp_path,
        '--page', page, '--data',
    )  # fmt: skip
    paper_table(monkeypatch, *command, 'synthetic', '--epochs', '2', '--seeds', '0')
    assert 'the runs are others' not in capsys.readouterr().out
    paper_table(monkeypatch, *command, 'synthetic')
    words = 'trains, of epochs 2 and not 8; seeds 0 and not 0, 1, 2: give --data'
    assert words in capsys.readouterr().out
    assert '--train --data synthetic' in page.read_text()
    with pytest.raises(SystemExit, match=r"`--data` must be one of .*, got 'nyu': the"):
        paper_table(monkeypatch, *command, 'nyu')


def test_a_page_that_is_a_folder_is_refused_before_a_training(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(tables, 'train', lambda *_: pytest.fail('it trains'))
    command = ('--table', '1', '--train', '--work-dir', tmp_path / 'work')
    with pytest.raises(SystemExit):
        paper_table(monkeypatch, *command, '--page', tmp_path)
    assert f"must be a file of Markdown, got the folder '{tmp_path}'" in (
        capsys.readouterr().err
    )
    assert not (tmp_path / 'work').exists()


@pytest.mark.slow
def test_rows_are_trained_once_and_a_failure_is_the_exit_code(tool, tmp_path):
    def train(rows, *options):
        return tool(
            'analysis/paper_tables.py', '--table', '1', '--train', '--rows', *rows,
            '--seeds', '0', '--epochs', '1', '--jobs', '2', '--work-dir', tmp_path,
            '--cfg-options', 'train_dataloader.dataset.num_samples=16',
            'test_dataloader.dataset.num_samples=2',
            'val_dataloader.dataset.num_samples=2', *options,
        )  # fmt: skip

    code, output = train(['no_exchange'], 'train_dataloader.dataset.seed=-1')
    assert code == 1
    assert 'no_exchange, seed 0: FAILED, see ' in output
    assert 'error: all trainings must finish, got 1 that did not: ' in output
    shutil.rmtree(tmp_path / 'synthetic')  # of other options
    rows = ['exchange_half']
    code, output = train(rows)
    assert code == 0, output
    assert 'exchange_half, seed 0: done' in output
    path = tmp_path / 'table_1_synthetic_1_epochs_part.md'
    table = path.read_text()
    assert re.search(r'\| own part \| yes .*\| 51\.1 +\| +\d+\.\d ', table)
    assert len(path.with_suffix('.csv').read_text().splitlines()) == 2
    code, output = train(rows)
    assert 'exchange_half, seed 0: finished before' in output
    assert path.read_text() == table
