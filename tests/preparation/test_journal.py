import json

import pytest

from mmseg_cen.preparation import Sample, check_folder, prepare


@pytest.fixture
def counted(toys):
    """A function that draws, and the stems that it has drawn."""
    stems = []

    def count(sample):
        stems.append(sample.stem)
        return toys.draw(sample)

    return count, stems


def test_finished_samples_are_not_converted_again(tmp_path, toys, counted, capsys):
    count, stems = counted
    prepare(toys.plan(toys.refuse('5')), tmp_path)
    prepare(toys.plan(count), tmp_path)
    assert stems == ['5']
    assert '5 samples were finished before' in capsys.readouterr().out
    prepare(toys.plan(count), tmp_path)  # a finished folder: nothing to do
    assert stems == ['5']


def test_a_line_that_was_being_written_is_forgotten(tmp_path, toys, counted):
    count, stems = counted
    prepare(toys.plan(toys.refuse('5')), tmp_path)
    journal = tmp_path / '.journal.jsonl'
    journal.write_bytes(journal.read_bytes()[:-9])
    assert prepare(toys.plan(count), tmp_path) == 0
    assert stems == ['4', '5']


def test_other_options_or_sources_convert_everything_again(tmp_path, toys, counted):
    count, stems = counted
    source = tmp_path / 'download.mat'
    source.write_bytes(b'1')
    out = tmp_path / 'out'
    plan = dict(sources=[str(source)], options=dict(crop=False))
    prepare(toys.plan(**plan), out)
    plan['options'] = dict(crop=True)
    prepare(toys.plan(count, **plan), out)
    assert len(stems) == 6
    source.write_bytes(b'2')
    prepare(toys.plan(count, **plan), out)
    assert len(stems) == 12


def test_an_option_that_is_no_number_is_the_same_again(tmp_path, toys, counted):
    count, stems = counted
    plan = dict(options=dict(invalid=[float('nan')]))
    prepare(toys.plan(toys.refuse('5'), **plan), tmp_path)
    prepare(toys.plan(count, **plan), tmp_path)
    prepare(toys.plan(count, **plan), tmp_path)
    assert stems == ['5']


def test_sources_of_one_name_are_told_apart(tmp_path, toys, counted):
    count, stems = counted
    sources = [tmp_path / folder / 'a.tif' for folder in ('top', 'labels')]
    for source in sources:
        source.parent.mkdir()
        source.touch()
    plan = dict(sources=[*map(str, sources)])
    prepare(toys.plan(**plan), tmp_path / 'out')
    sources[0].write_bytes(b'2')
    prepare(toys.plan(count, **plan), tmp_path / 'out')
    assert len(stems) == 6


def test_a_changed_input_of_one_sample_converts_only_that_one(tmp_path, toys, counted):
    count, stems = counted
    path = tmp_path / 'in'
    samples = [Sample('0', 'train', inputs=(str(path),)), Sample('1', 'train')]
    for content in (b'1', b'2'):
        path.write_bytes(content)
        prepare(toys.plan(count, samples=samples), tmp_path / 'out')
    assert stems == ['0', '1', '0']


@pytest.mark.parametrize('change', [dict(split='val'), dict(groups=dict(camera='c'))])
def test_a_sample_of_another_list_or_group_is_entered_anew(tmp_path, toys, change):
    out = tmp_path / 'out'
    prepare(toys.plan(samples=[Sample('0', 'train'), Sample('1', 'train')]), out)
    plan = toys.plan(samples=[Sample('0', **{'split': 'train', **change})])
    prepare(plan, out)
    prepare(plan, tmp_path / 'other')
    assert toys.tree(out) == toys.tree(tmp_path / 'other')


def test_samples_that_are_no_longer_there_leave_no_files(tmp_path, toys):
    prepare(toys.plan(count=6), tmp_path)
    prepare(toys.plan(count=5), tmp_path)
    assert not (tmp_path / 'rgb/5.png').exists()
    assert check_folder(tmp_path) == []


@pytest.mark.parametrize('finished', [True, False])
def test_a_folder_of_another_data_set_is_refused(tmp_path, toys, finished):
    prepare(toys.plan() if finished else toys.plan(toys.refuse('0')), tmp_path)
    before = toys.tree(tmp_path)
    name = 'meta.json' if finished else '.journal.jsonl'
    before[name] = before[name].replace(b'"toys"', b'"others"')
    (tmp_path / name).write_bytes(before[name])
    with pytest.raises(ValueError, match=r'must be a folder of toys.*holds others'):
        prepare(toys.plan(), tmp_path)
    assert toys.tree(tmp_path) == before


def test_the_journal_of_a_finished_folder_is_meta_json(tmp_path, toys):
    prepare(toys.plan(), tmp_path)
    assert not (tmp_path / '.journal.jsonl').exists()
    meta = json.loads((tmp_path / 'meta.json').read_text())
    assert [sample['stem'] for sample in meta['samples']] == list('012345')
    assert meta['splits'] == dict(train=4, val=2)
