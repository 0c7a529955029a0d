import json

from benchmarking.measuring import Case
from benchmarking.report import (
    results,
    table,
    table_of_cache,
    table_of_times,
    write,
)


def case(name, mode='eager'):
    return Case(name, mode, 'infer', 2, (24, 32))


def test_ratios_are_to_each_rival_in_the_same_mode_and_to_the_last_one_at_all(tmp_path):
    seconds = {
        case('ours'): [1.0, 1.0],
        case('plain'): [2.0, 2.0],
        case('lists'): [4.0, 4.0],
        case('ours', 'amp'): [0.5, 0.5],
        case('plain', 'amp'): [0.25, 0.25],
    }
    memory = {case('ours'): 3 * 2**20}
    rows = results(seconds, memory, ['plain', 'lists'], batch_size=3)
    assert rows[0]['ratios'] == {
        'of plain': 0.5,
        'of lists': 0.25,
        'of lists, eager': 0.25,
    }
    assert rows[3]['ratios'] == {'of plain': 2.0, 'of lists, eager': 0.125}
    assert rows[0]['images_per_s'] == 3
    lines = table(rows).splitlines()
    assert lines[2] == (
        '| **ours** | eager | 2 | 24x32 | 1000 | 1000 to 1000 | 3 | 0.50 | 0.25 | 0.25 '
        '| 3 |'
    )
    assert lines[5].endswith('| 2.00 |  | 0.12 |  |')
    write(tmp_path / 'new', table(rows), dict(infer=rows))
    assert (tmp_path / 'new/benchmark.md').read_text() == table(rows) + '\n'
    record = json.loads((tmp_path / 'new/benchmark.json').read_text())
    assert record['infer'][0]['median_s'] == 1


def test_times_by_name_are_a_table():
    text = table_of_times({'read': [0.001, 0.003], 'crop': [0.5]})
    assert text.splitlines()[2:] == [
        '| read | 2 | 1.5 to 2.5 |',
        '| crop | 500 | 500 to 500 |',
    ]


def test_decoded_and_cached_files_are_a_table():
    row = dict(name='rgb', ratio=0.25, decoded=[0.004, 0.008], cached=[0.001, 0.002])
    assert table_of_cache([row]).splitlines()[2] == '| rgb | 6 | 1.5 | 0.25 |'
