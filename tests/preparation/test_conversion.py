import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmseg_cen.preparation import (
    Folder,
    Plan,
    Sample,
    check,
    check_folder,
    decode_complete,
    find_stems,
    prepare,
    read_groups,
    write_atomically,
)
from mmseg_cen.preparation.files import encode_png
from mmseg_cen.preparation.guards import only_writer as _only_writer

FOLDERS = dict(
    rgb=Folder(channels=3),
    depth=Folder(kind='depth', dtype='uint16', scale=0.001, unit='1 mm'),
    label=Folder(kind='label', num_classes=4, ignore_index=255),
)
ALL = ['contact_sheet.png', 'meta.json', 'report.txt', 'train.txt', 'val.txt']


def draw(sample):
    rng = np.random.default_rng(int(sample.stem))
    return dict(
        rgb=rng.integers(0, 256, (12, 16, 3), np.uint8),
        depth=rng.integers(0, 3000, (12, 16), np.uint16),
        label=rng.choice(np.array([0, 1, 3, 255], np.uint8), (12, 16)),
    )


def plan_of(convert=draw, count=6, **kwargs):
    samples = [
        Sample(
            str(i), 'val' if i % 3 == 2 else 'train', groups=dict(camera=f'c{i % 2}')
        )
        for i in range(count)
    ]
    options = dict(splits=dict(train=None, val=None), classes=list('abcd'))
    return Plan('toys', FOLDERS, samples, convert, **{**options, **kwargs})


def contents(root):
    files = (path for path in Path(root).rglob('*') if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def refuse(stem, change):
    """Draw, but with something wrong in one sample."""

    def convert(sample):
        arrays = draw(sample)
        if sample.stem == stem:
            change(arrays)
        return arrays

    return convert


@pytest.mark.parametrize('jobs', [1, 2])
def test_every_pixel_arrives_and_the_lists_are_in_order(tmp_path, jobs):
    assert prepare(plan_of(), tmp_path, jobs=jobs) == 0
    for i in range(6):
        for name, expected in draw(Sample(str(i), '')).items():
            image = cv2.imread(str(tmp_path / name / f'{i}.png'), cv2.IMREAD_UNCHANGED)
            assert image.dtype == expected.dtype
            np.testing.assert_array_equal(image, expected)
    assert (tmp_path / 'train.txt').read_text() == '0\n1\n3\n4\n'
    assert (tmp_path / 'val.txt').read_text() == '2\n5\n'
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ALL
    assert read_groups(tmp_path)['3'] == {'camera': 'c1'}


def test_the_bytes_do_not_depend_on_the_number_of_processes(tmp_path):
    prepare(plan_of(), tmp_path / 'a', jobs=1)
    prepare(plan_of(), tmp_path / 'b', jobs=3)
    assert contents(tmp_path / 'a') == contents(tmp_path / 'b')


def test_the_report_tells_counts_ranges_and_absent_classes(tmp_path, capsys):
    prepare(plan_of(splits=dict(train=5, val=None)), tmp_path)
    report = capsys.readouterr().out
    depth = np.stack([draw(Sample(str(i), ''))['depth'] for i in range(6)])
    low, high = depth[depth > 0].min() / 1000, depth.max() / 1000
    assert f'{low:.3f} to {high:.3f}' in report
    assert '3 of 4 classes occur' in report
    assert 'absent: c' in report
    assert 'camera: c0 3, c1 3' in report
    assert 'WARNING: train has 4 samples, the official list 5' in report


def test_a_strict_run_takes_another_count_than_the_official_one_as_error(tmp_path):
    plan = plan_of(splits=dict(train=5, val=None))
    assert prepare(plan, tmp_path, strict=True) == 1
    assert not (tmp_path / 'meta.json').exists()
    assert prepare(plan, tmp_path) == 0


CORRUPT = {
    r'label must hold 0\.\.3 or 255, got \[7\]': lambda a: a['label'].fill(7),
    'disagree in size': lambda a: a.update(depth=a['depth'][1:]),
    'depth must be uint16': lambda a: a.update(depth=a['depth'].astype(np.uint8)),
    'rgb is truncated': lambda a: a.update(rgb=encode_png(a['rgb'])[:-20]),
    'is missing': lambda a: Path('/no/such/file').read_bytes(),
    'no label here': lambda a: (_ for _ in ()).throw(KeyError('no label here')),
}


@pytest.mark.parametrize('message', CORRUPT)
def test_a_bad_sample_is_named_and_the_folder_stays_unfinished(
    tmp_path, capsys, message
):
    plan = plan_of(refuse('3', CORRUPT[message]))
    assert prepare(plan, tmp_path) == 1
    assert re.search(f'PROBLEM: 3: .*{message}', capsys.readouterr().out)
    for name in ('meta.json', 'train.txt', 'val.txt', 'rgb/3.png', 'label/3.png'):
        assert not (tmp_path / name).exists()
    with pytest.raises(FileNotFoundError, match='not finished'):
        check(tmp_path)


def test_a_repaired_download_ends_as_if_it_had_been_sound(tmp_path):
    prepare(plan_of(refuse('3', CORRUPT['is missing'])), tmp_path / 'a')
    assert prepare(plan_of(), tmp_path / 'a') == 0
    prepare(plan_of(), tmp_path / 'b')
    assert contents(tmp_path / 'a') == contents(tmp_path / 'b')


def test_bad_samples_can_be_left_out(tmp_path, capsys):
    plan = plan_of(refuse('3', CORRUPT['is missing']))
    assert prepare(plan, tmp_path, skip_bad=True) == 0
    assert (tmp_path / 'train.txt').read_text() == '0\n1\n4\n'
    assert 'without 1 sample' in capsys.readouterr().out
    assert check_folder(tmp_path) == []


def test_leaving_bad_samples_out_is_proposed_if_others_are_left(tmp_path, capsys):
    prepare(plan_of(refuse('3', CORRUPT['is missing'])), tmp_path / 'a')
    assert '--skip-bad' in capsys.readouterr().out
    missing = plan_of(refuse('0', CORRUPT['is missing']), count=1)
    for skip_bad in (False, True):
        assert prepare(missing, tmp_path / 'b', skip_bad=skip_bad) == 1
        assert '--skip-bad' not in capsys.readouterr().out


@pytest.mark.parametrize('copied', [True, False])
def test_of_what_is_copied_the_damaged_file_is_named(tmp_path, capsys, copied):
    path = tmp_path / 'official.png'
    path.write_bytes(encode_png(draw(Sample('0', ''))['rgb'])[:-20])
    plan = plan_of(refuse('0', lambda a: a.update(rgb=path.read_bytes())), count=1)
    inputs = (str(path),) if copied else ()
    plan = replace(plan, samples=[Sample('0', 'train', inputs=inputs)])
    prepare(plan, tmp_path / 'out')
    named = str(path) if copied else 'rgb'
    assert f'PROBLEM: 0: {named} is truncated' in capsys.readouterr().out


def test_problems_of_the_whole_download_cannot_be_left_out(tmp_path):
    assert prepare(plan_of(problems=['no']), tmp_path, skip_bad=True) == 1


def test_finished_samples_are_not_converted_again(tmp_path):
    prepare(plan_of(refuse('5', CORRUPT['is missing'])), tmp_path)
    converted = []

    def count(sample):
        converted.append(sample.stem)
        return draw(sample)

    prepare(plan_of(count), tmp_path)
    assert converted == ['5']
    prepare(plan_of(count), tmp_path)  # a finished folder: nothing to do
    assert converted == ['5']


@pytest.mark.parametrize('damage', ['truncated', 'changed', 'missing'])
def test_a_damaged_file_is_found_by_check_and_repaired_by_another_run(
    tmp_path, capsys, damage
):
    prepare(plan_of(), tmp_path)
    before = contents(tmp_path)
    path = tmp_path / 'depth' / '4.png'
    if damage == 'truncated':
        path.write_bytes(path.read_bytes()[:-30])
    elif damage == 'changed':
        path.write_bytes(encode_png(draw(Sample('0', ''))['depth']))
    else:
        path.unlink()
    assert check(tmp_path) == 1
    assert 'PROBLEM: depth/4.png' in capsys.readouterr().out
    assert prepare(plan_of(), tmp_path) == 0
    assert contents(tmp_path) == before
    assert check(tmp_path, jobs=2) == 0


def test_what_was_made_of_a_sample_that_is_bad_now_is_removed(tmp_path):
    source = tmp_path / 'source'

    def draw_sound(sample):
        if sample.stem == '3' and source.read_text() != 'sound':
            raise ValueError('3 is damaged')
        return draw(sample)

    samples = [Sample(str(i), 'train', inputs=(str(source),)) for i in range(5)]
    plan = Plan('toys', FOLDERS, samples, draw_sound, dict(train=None))
    source.write_text('sound')
    assert prepare(plan, tmp_path / 'a') == 0
    source.write_text('damaged')
    for name in 'ab':
        assert prepare(plan, tmp_path / name, skip_bad=True) == 0
        assert check_folder(tmp_path / name) == []
    assert contents(tmp_path / 'a') == contents(tmp_path / 'b')


@pytest.mark.parametrize('name', ['train.txt', 'depth/4.png', 'meta.json'])
def test_a_byte_that_was_changed_is_named(tmp_path, capsys, name):
    prepare(plan_of(), tmp_path)
    content = bytearray((tmp_path / name).read_bytes())
    content[len(content) // 2] ^= 0xFF
    (tmp_path / name).write_bytes(content)
    capsys.readouterr()
    try:
        status, said = check(tmp_path), capsys.readouterr().out
    except ValueError as error:  # of meta.json, which tells what to check
        status, said = 1, str(error)
    assert status == 1
    assert name in said


@pytest.mark.parametrize('key', ['folders', 'splits', 'samples'])
def test_a_meta_json_that_lacks_something_is_damaged(tmp_path, key):
    prepare(plan_of(), tmp_path)
    meta = json.loads((tmp_path / 'meta.json').read_text())
    del meta[key]
    (tmp_path / 'meta.json').write_text(json.dumps(meta))
    with pytest.raises(ValueError, match=r'meta\.json is damaged'):
        check(tmp_path)


def test_check_looks_at_labels_lists_and_strays(tmp_path):
    prepare(plan_of(), tmp_path)
    write_atomically(
        tmp_path / 'label/0.png', encode_png(np.full((12, 16), 9, np.uint8))
    )
    write_atomically(tmp_path / 'label/1.png', encode_png(np.zeros((6, 8), np.uint8)))
    (tmp_path / 'val.txt').write_text('5\n2\n')
    (tmp_path / 'train.txt').unlink()
    (tmp_path / 'rgb' / 'other.png').write_bytes(b'')
    assert check_folder(tmp_path) == [
        'label/0.png must hold 0..3 or 255, got [9]',
        'label/1.png has size (6, 8), the sample (12, 16)',
        'train.txt is missing',
        'val.txt does not list the samples of meta.json',
        'rgb/other.png belongs to no sample',
    ]


def test_half_written_files_of_a_killed_run_are_not_taken_for_good(tmp_path):
    prepare(plan_of(refuse('2', CORRUPT['is missing'])), tmp_path / 'a')
    (tmp_path / 'a/rgb/2.png').write_bytes(
        encode_png(draw(Sample('2', ''))['rgb'])[:50]
    )
    (tmp_path / 'a/rgb/.2.png.99.part').write_bytes(b'half')
    prepare(plan_of(), tmp_path / 'a')
    prepare(plan_of(), tmp_path / 'b')
    assert contents(tmp_path / 'a') == contents(tmp_path / 'b')


def test_other_options_or_sources_convert_everything_again(tmp_path):
    source = tmp_path / 'download.mat'
    source.write_bytes(b'1')
    out = tmp_path / 'out'
    plan = dict(sources=[str(source)], options=dict(crop=False))
    prepare(plan_of(**plan), out)
    converted = []

    def count(sample):
        converted.append(sample.stem)
        return draw(sample)

    prepare(plan_of(count, **{**plan, 'options': dict(crop=True)}), out)
    assert len(converted) == 6
    source.write_bytes(b'2')
    prepare(plan_of(count, **{**plan, 'options': dict(crop=True)}), out)
    assert len(converted) == 12


def test_a_changed_input_of_one_sample_converts_that_one_again(tmp_path):
    (tmp_path / 'in').write_bytes(b'1')
    converted = []

    def count(sample):
        converted.append(sample.stem)
        return draw(sample)

    def plan():
        samples = plan_of(count, count=2).samples
        inputs = [(str(tmp_path / 'in'),), ()]
        samples = [
            Sample(s.stem, 'train', inputs=i)
            for s, i in zip(samples, inputs, strict=True)
        ]
        return Plan('toys', FOLDERS, samples, count, dict(train=None))

    prepare(plan(), tmp_path / 'out')
    (tmp_path / 'in').write_bytes(b'2')
    prepare(plan(), tmp_path / 'out')
    assert converted == ['0', '1', '0']


def test_samples_that_are_no_longer_there_leave_no_files(tmp_path):
    prepare(plan_of(count=6), tmp_path)
    prepare(plan_of(count=5), tmp_path)
    assert not (tmp_path / 'rgb/5.png').exists()
    assert check_folder(tmp_path) == []


def test_a_folder_of_another_data_set_is_refused(tmp_path):
    prepare(plan_of(), tmp_path)
    plan = plan_of()
    other = Plan('others', FOLDERS, plan.samples, draw, plan.splits)
    with pytest.raises(ValueError, match='holds toys, not others'):
        prepare(other, tmp_path)


def test_a_second_run_into_one_folder_is_refused(tmp_path):
    with (
        _only_writer(tmp_path),
        pytest.raises(ValueError, match='another run is writing'),
        _only_writer(tmp_path, patience=0),
    ):
        pass
    assert prepare(plan_of(), tmp_path) == 0  # the lock ends with its owner


def test_what_is_to_be_read_is_not_overwritten(tmp_path):
    path = tmp_path / 'rgb' / 'mine.png'
    write_atomically(path, b'precious')
    plan = Plan(
        'toys',
        FOLDERS,
        [Sample('0', 'train', inputs=(str(path),))],
        draw,
        dict(train=1),
    )
    with pytest.raises(ValueError, match='would be overwritten'):
        prepare(plan, tmp_path)
    assert contents(tmp_path) == {'rgb/mine.png': b'precious'}


FOREIGN = ['train.txt', 'meta.json', 'contact_sheet.png', 'report.txt', 'statistics']


@pytest.mark.parametrize('name', [*FOREIGN, 'label/mine.png'])
def test_files_that_no_run_wrote_stay_as_they_are(tmp_path, name):
    write_atomically(tmp_path / name, b'precious')
    shown = 'label/' if '/' in name else name
    with pytest.raises(ValueError, match=rf'no tool wrote.*: {shown}; choose an empty'):
        prepare(plan_of(extras={'statistics': None}), tmp_path)
    assert contents(tmp_path) == {name: b'precious'}


def test_files_that_are_not_in_the_way_stay_beside_the_data(tmp_path):
    for name in ('notes.md', '.mine.part'):
        (tmp_path / name).write_bytes(b'precious')
    (tmp_path / 'rgb').mkdir()
    assert prepare(plan_of(), tmp_path) == 0
    assert prepare(plan_of(count=3), tmp_path) == 0
    assert {path.name for path in tmp_path.glob('*') if path.is_file()} == {
        *ALL, 'notes.md', '.mine.part',
    }  # fmt: skip
    assert check_folder(tmp_path) == []


def test_another_run_removes_what_the_tool_adds_until_it_is_added_again(tmp_path):
    plan = plan_of(extras={'statistics': None})
    assert prepare(plan, tmp_path) == 0
    (tmp_path / 'statistics').touch()
    assert prepare(plan, tmp_path) == 0
    assert not (tmp_path / 'statistics').exists()


@pytest.mark.parametrize('stem', [' 1', '1 ', 'a\t1', 'a\n1', 'a\u20281', ''])
def test_names_that_no_line_of_a_list_can_hold_are_refused(tmp_path, stem):
    plan = Plan('toys', FOLDERS, [Sample(stem, 'train')], draw, dict(train=None))
    with pytest.raises(ValueError, match='must be a line of a list'):
        prepare(plan, tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


def test_lists_are_read_as_they_are_written(tmp_path):
    stems = ['img 1', 'b/IMG (4)', 'Grün\u202f3']
    samples = [Sample(stem, 'train') for stem in stems]
    plan = Plan('toys', FOLDERS, samples, lambda _: draw(Sample('0', '')), {'train': 3})
    assert prepare(plan, tmp_path) == 0
    assert find_stems(tmp_path, 'rgb', '.png') == [('train', stems)]
    text = (tmp_path / 'train.txt').read_bytes()
    (tmp_path / 'train.txt').write_bytes(b'\xef\xbb\xbf' + text + b'\n')
    assert find_stems(tmp_path, 'rgb', '.png') == [('train', stems)]


def test_a_file_is_no_folder_to_write_to(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(ValueError, match='must be a folder'):
        prepare(plan_of(), tmp_path / 'file')


def test_two_samples_of_one_name_are_refused(tmp_path):
    samples = [Sample('1', 'train'), Sample('1', 'val')]
    plan = Plan('toys', FOLDERS, samples, draw, dict(train=None))
    with pytest.raises(ValueError, match=r"twice: \['1'\]"):
        prepare(plan, tmp_path)


@pytest.mark.parametrize('suffix', ['.png', '.jpg'])
def test_an_image_must_be_complete_to_be_decoded(suffix):
    image = draw(Sample('0', ''))['rgb']
    content = cv2.imencode(suffix, image)[1].tobytes()
    assert decode_complete(content).shape == image.shape
    for length in (0, 5, 40, len(content) // 2, len(content) - 3):
        with pytest.raises(ValueError, match=r'truncated|no complete image'):
            decode_complete(content[:length])


def test_what_is_no_image_is_said_in_the_same_words_each_time():
    for content, what in [(b'', 'it is empty'), (b'<html>', 'of an unknown format')]:
        with pytest.raises(ValueError, match=f'is no complete image: {what}$'):
            decode_complete(content)


def test_a_flipped_bit_of_a_png_is_noticed():
    content = bytearray(encode_png(draw(Sample('0', ''))['rgb']))
    content[len(content) // 2] ^= 1
    with pytest.raises(ValueError, match='wrong check sum'):
        decode_complete(bytes(content))


SLOW = """
import sys, time
sys.path.insert(0, {folder!r})
import test_preparation as toys
from mmseg_cen.preparation import prepare
def slow(sample):
    time.sleep(0.05)
    return toys.draw(sample)
if __name__ == '__main__':
    prepare(toys.plan_of(slow, count=60), toys.Path(sys.argv[1]), jobs=2)
"""


@pytest.mark.slow
def test_killed_and_started_again_gives_the_same_bytes(tmp_path):
    script = tmp_path / 'slow.py'
    script.write_text(SLOW.format(folder=str(Path(__file__).parent)))
    out = tmp_path / 'out'
    env = {**os.environ, 'PYTHONPATH': str(Path(__file__).parents[2])}
    done = 0
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, script, out], env=env, stdout=subprocess.PIPE
        )
        while process.poll() is None and len([*out.glob('label/*.png')]) < done + 8:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=5)  # its children end, too, and close the pipe
        done = len([*out.glob('label/*.png')])
        assert not (out / 'meta.json').exists()
    assert 0 < done < 60
    assert prepare(plan_of(count=60), out) == 0
    prepare(plan_of(count=60), tmp_path / 'other')
    assert contents(out) == contents(tmp_path / 'other')
    assert json.loads((out / 'meta.json').read_text())['splits'] == dict(
        train=40, val=20
    )
