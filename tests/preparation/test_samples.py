import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmseg_cen.preparation import Sample, check_folder, prepare
from mmseg_cen.preparation.files import encode_png

CORRUPT = {
    r'label must hold 0\.\.3 or 255, got \[7\]': lambda a: a['label'].fill(7),
    'must agree in size': lambda a: a.update(depth=a['depth'][1:]),
    'depth must be uint16': lambda a: a.update(depth=a['depth'].astype(np.uint8)),
    'rgb must be a complete': lambda a: a.update(rgb=encode_png(a['rgb'])[:-20]),
    '/no/such/file is missing': lambda a: Path('/no/such/file').read_bytes(),
    'no label here': lambda a: (_ for _ in ()).throw(KeyError('no label here')),
}


@pytest.mark.parametrize('message', CORRUPT)
def test_a_bad_sample_is_named_and_the_folder_stays_unfinished(
    tmp_path, toys, capsys, message
):
    plan = toys.plan(toys.change('3', CORRUPT[message]))
    assert prepare(plan, tmp_path) == 1
    assert re.search(f'PROBLEM: 3: .*{message}', capsys.readouterr().out)
    for name in ('meta.json', 'train.txt', 'val.txt', 'rgb/3.png', 'label/3.png'):
        assert not (tmp_path / name).exists()


@pytest.mark.parametrize('copied', [True, False])
def test_a_damaged_file_that_would_be_copied_is_named(tmp_path, toys, capsys, copied):
    path = tmp_path / 'official.png'
    path.write_bytes(encode_png(toys.draw(Sample('0', ''))['rgb'])[:-20])
    plan = toys.plan(toys.change('0', lambda a: a.update(rgb=path.read_bytes())))
    inputs = (str(path),) if copied else ()
    plan = replace(plan, samples=[Sample('0', 'train', inputs=inputs)])
    prepare(plan, tmp_path / 'out')
    named = str(path) if copied else 'rgb'
    assert f'PROBLEM: 0: {named} must be a complete' in capsys.readouterr().out


def test_what_was_made_of_a_sample_that_is_bad_now_is_removed(tmp_path, toys):
    source = tmp_path / 'source'

    def draw_sound(sample):
        if sample.stem == '3' and source.read_text() != 'sound':
            raise ValueError('3 is damaged')
        return toys.draw(sample)

    samples = [Sample(str(i), 'train', inputs=(str(source),)) for i in range(5)]
    plan = toys.plan(draw_sound, samples=samples)
    source.write_text('sound')
    assert prepare(plan, tmp_path / 'a') == 0
    source.write_text('damaged')
    for name in 'ab':
        assert prepare(plan, tmp_path / name, skip_bad=True) == 0
        assert check_folder(tmp_path / name) == []
    assert toys.tree(tmp_path / 'a') == toys.tree(tmp_path / 'b')


@pytest.mark.parametrize('turns', [False, True])
def test_orientation_tags_of_official_files_are_told(tmp_path, toys, capsys, turns):
    samples = []
    for i in range(3):
        exif = Image.Exif()
        exif[0x0112] = 6 if i else 1
        path = tmp_path / f'{i}.jpg'
        Image.fromarray(np.zeros((4, 6, 3), np.uint8)).save(path, exif=exif)
        samples.append(Sample(str(i), 'train', inputs=(str(path),)))
    plan = replace(toys.plan(), samples=samples, turns=turns)
    for _ in range(2):  # samples that are kept are told of, too
        assert prepare(plan, tmp_path / 'out') == 0
        report = capsys.readouterr().out
        told = 'WARNING: 2 files have an orientation tag (EXIF), by which' in report
        assert told is not turns


def test_a_disk_that_is_full_stops_and_leaves_no_sample_out(
    tmp_path, toys, monkeypatch
):
    def write(path, content):
        if path.name == '3.png':
            raise OSError(28, 'No space left on device', str(path))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    monkeypatch.setattr('mmseg_cen.preparation.samples.write_atomically', write)
    with pytest.raises(OSError, match=r'No space left on device: .*3\.png'):
        prepare(toys.plan(), tmp_path, skip_bad=True)
    assert not (tmp_path / 'meta.json').exists()
    monkeypatch.undo()
    assert prepare(toys.plan(), tmp_path) == 0


def test_a_file_that_may_not_be_read_is_named(tmp_path, toys, capsys):
    samples = [Sample('0', 'train', inputs=(str(tmp_path),))]
    assert prepare(replace(toys.plan(), samples=samples), tmp_path / 'out') == 1
    assert f"PROBLEM: 0: [Errno 21] Is a directory: '{tmp_path}'" in (
        capsys.readouterr().out
    )
