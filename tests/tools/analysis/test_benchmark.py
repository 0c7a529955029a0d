import json

import pytest
import torch


@pytest.fixture
def run(load_tool, narrow_config, capsys):
    tool = load_tool('analysis/benchmark.py')

    def run(*options):
        tool.main([str(narrow_config), *map(str, options)])
        return capsys.readouterr().out

    return run


def test_networks_modes_and_loading_are_measured_in_one_call(run, tmp_path):
    printed = run(
        *('--what', 'train', 'infer', 'copies', 'load'),
        *('--size', 32, 32, '--rounds', 2, '--warmup', 0),
        *('--modes', 'eager', 'channels_last', '--out', tmp_path / 'out'),
    )
    page = (tmp_path / 'out/benchmark.md').read_text()
    assert page == printed
    record = json.loads((tmp_path / 'out/benchmark.json').read_text())
    assert f'torch {torch.__version__}' in record['machine']
    for what in ('train', 'infer'):
        rows = [(row['network'], row['mode']) for row in record[what]]
        modes = ('eager', 'channels_last')
        assert rows == [
            (network, mode) for mode in modes for network in ('ours', 'plain', 'lists')
        ]
        assert all(len(row['seconds']) == 2 for row in record[what])
        assert all('of lists, eager' in row['ratios'] for row in record[what])
    asked = {
        row['name']: (row['aten::nonzero'], row['aten::_local_scalar_dense'])
        for row in record['copies']
    }
    assert asked['ours'] == asked['plain'] == (0, 0)
    # Eight boolean indexings in each of the 16 exchanging layers.
    assert asked['lists'] == (128, 0)
    assert {'1. LoadSyntheticRoom', 'all transforms'} <= record['load'].keys()
    assert 'a batch of 4 with 0 workers' in record['load']


def test_modalities_and_sizes_are_measured_side_by_side(run):
    printed = run(
        *('--what', 'infer', '--against', '--rounds', 1, '--warmup', 0),
        *('--num-modalities', 1, 3, '--size', 32, 32, '--size', 32, 64),
    )
    rows = [line for line in printed.splitlines() if line.startswith('| **ours**')]
    assert [tuple(row.split(' | ')[2:4]) for row in rows] == [
        ('1', '32x32'), ('1', '32x64'), ('3', '32x32'), ('3', '32x64'),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--rounds', '0'], r'`--rounds` must be positive, got \[0\]'),
        (['--warmup', '-1'], '`--warmup` must not be negative, got -1'),
        (['--size', '0', '4'], r'`--size` must be positive, got \[0, 4\]'),
        (['--exchanged', '2'], '`--exchanged` must be a share'),
        (['--against', 'none'], r"`--against` must be of .* got \['none'\]"),
        (['--modes', 'quick'], '`--modes` must be of'),
    ],
)
def test_what_measures_nothing_is_refused(run, options, message):
    with pytest.raises(SystemExit, match=message):
        run(*options)
