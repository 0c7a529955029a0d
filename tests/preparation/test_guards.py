import multiprocessing
import time
from dataclasses import replace

import pytest

from mmseg_cen.disk import write_atomically
from mmseg_cen.preparation import Sample, check_folder, prepare
from mmseg_cen.preparation.guards import only_writer


@pytest.mark.parametrize('kwargs', [{}, dict(patience=0)])
def test_a_second_run_into_one_folder_is_refused_at_once(tmp_path, toys, kwargs):
    start = time.monotonic()
    with (
        only_writer(tmp_path),
        pytest.raises(ValueError, match='no other run is writing to'),
        only_writer(tmp_path, **kwargs),
    ):
        pass
    assert time.monotonic() - start < 10
    assert prepare(toys.plan(), tmp_path) == 0  # the lock ends with its owner
    assert not (tmp_path / '.lock').exists()


@pytest.mark.skipif(
    'fork' not in multiprocessing.get_all_start_methods(), reason='needs fork'
)
def test_the_lock_of_a_killed_process_is_free(tmp_path):
    def hold(ready):
        with only_writer(tmp_path):
            ready.set()
            time.sleep(60)

    context = multiprocessing.get_context('fork')
    ready = context.Event()
    process = context.Process(target=hold, args=(ready,))
    process.start()
    assert ready.wait(30)
    with (
        pytest.raises(ValueError, match='wait until the other run has ended'),
        only_writer(tmp_path, patience=0),
    ):
        pass
    process.kill()
    process.join()
    with only_writer(tmp_path):
        pass


def test_a_folder_that_is_to_be_read_is_not_overwritten(tmp_path, toys):
    path = tmp_path / 'rgb' / 'below' / 'mine.png'
    write_atomically(path, b'precious')
    plan = toys.plan(samples=[Sample('0', 'train', inputs=(str(path),))])
    with pytest.raises(ValueError, match='would be overwritten'):
        prepare(plan, tmp_path)
    assert toys.tree(tmp_path) == {'rgb/below/mine.png': b'precious'}


FOREIGN = ['train.txt', 'meta.json', 'contact_sheet.png', 'report.txt', 'statistics']


@pytest.mark.parametrize('name', [*FOREIGN, 'label/mine.png', 'label'])
def test_files_that_no_run_wrote_stay_as_they_are(tmp_path, toys, name):
    write_atomically(tmp_path / name, b'precious')
    shown = 'label/' if 'label' in name else name
    with pytest.raises(ValueError, match=rf'no tool wrote \({shown}\): choose an emp'):
        prepare(toys.plan(extras={'statistics': b''}), tmp_path)
    assert toys.tree(tmp_path) == {name: b'precious'}


@pytest.mark.parametrize('stem', [' 1', '1 ', 'a\t1', 'a\n1', 'a\u20281', ''])
def test_names_that_no_line_of_a_list_can_hold_are_refused(tmp_path, toys, stem):
    with pytest.raises(ValueError, match='must be a line of a list'):
        prepare(toys.plan(samples=[Sample(stem, 'train')]), tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


def test_a_file_is_no_folder_to_write_to(tmp_path, toys):
    (tmp_path / 'file').touch()
    with pytest.raises(ValueError, match='`out` must be a folder'):
        prepare(toys.plan(), tmp_path / 'file')


def test_two_samples_of_one_name_are_refused(tmp_path, toys):
    samples = [Sample('1', 'train'), Sample('2', 'val'), Sample('1', 'val')]
    with pytest.raises(ValueError, match=r"got \['1'\] twice"):
        prepare(toys.plan(samples=samples), tmp_path)


def test_a_download_without_samples_is_refused(tmp_path, toys):
    with pytest.raises(ValueError, match='must hold samples of toys, got none'):
        prepare(toys.plan(count=0), tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize('stem', ['../1', 'a/../../1', '/etc/1', '..', r'..\1', 'C:/1'])
def test_no_name_leaves_the_folder(tmp_path, toys, stem):
    with pytest.raises(ValueError, match='must stay within the folder to write'):
        prepare(toys.plan(samples=[Sample(stem, 'train')]), tmp_path / 'out')
    assert not any(tmp_path.iterdir())


def test_what_a_person_edited_is_kept_when_data_are_prepared_again(tmp_path, toys):
    plan = toys.plan(extras={'statistics.json': b'{}'})
    assert prepare(plan, tmp_path) == 0
    before = toys.tree(tmp_path)
    edited = {'train': 'txt', 'report': 'txt', 'statistics': 'json'}
    for stem, suffix in edited.items():
        (tmp_path / f'{stem}.{suffix}').write_text(f'my {stem}')
    assert prepare(plan, tmp_path) == 0
    kept = {f'{stem}.old.{end}': f'my {stem}'.encode() for stem, end in edited.items()}
    assert toys.tree(tmp_path) == before | kept
    assert prepare(plan, tmp_path) == 0
    assert toys.tree(tmp_path) == before | kept


def test_hidden_files_are_nobodys(tmp_path, toys):
    write_atomically(tmp_path / 'rgb' / '.DS_Store', b'')
    assert prepare(toys.plan(), tmp_path) == 0
    assert not check_folder(tmp_path)


def test_lists_of_an_earlier_preparation_do_not_stay(tmp_path, toys):
    plan = toys.plan()
    assert prepare(plan, tmp_path) == 0
    samples = [replace(sample, split='test') for sample in plan.samples]
    (tmp_path / 'val.txt').write_text('edited')
    assert prepare(replace(plan, samples=samples, splits={'test': None}), tmp_path) == 0
    lists = {path.name for path in tmp_path.glob('*.txt')} - {'report.txt'}
    assert lists == {'test.txt', 'val.old.txt'}
