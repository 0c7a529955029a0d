import json
from dataclasses import replace

import pytest
from comparing.systems import chosen, read_system, spread

from mmseg_cen.metrics import read_per_image, write_per_image


def test_a_system_is_a_file_a_folder_of_seeds_or_a_pattern(write_run, tmp_path):
    paths = [write_run(tmp_path / f'cen/seed_{k}/per_image.npz', 0.5) for k in (0, 1)]
    write_run(tmp_path / 'cen/gamma.npz', 0.5)  # not by this name
    for text in (f'{tmp_path}/cen', f'a={tmp_path}/cen', f'a={tmp_path}/cen/*/*.npz'):
        system = read_system(text)
        assert [name for name, _ in system.files] == [*map(str, paths)]
        assert system.name == ('a' if text.startswith('a=') else text)
    stream = read_system(f'rgb={paths[0]}@rgb')
    assert (stream.name, stream.output, len(stream.files)) == ('rgb', 'rgb', 1)
    assert read_system(str(paths[0]), 'depth').output == 'depth'


def test_names_with_the_signs_of_the_syntax_are_taken_as_they_are(write_run, tmp_path):
    path = write_run(tmp_path / 'lr=0.1@night.npz', 0.5)
    system = read_system(str(path))
    assert (system.name, system.output) == (str(path), 'ensemble')


def test_a_folder_without_files_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'that hold per_image\.npz, got'):
        read_system(str(tmp_path))


def test_means_of_the_outputs_and_shares_are_those_of_each_seed(write_run, tmp_path):
    for seed in range(3):
        write_run(tmp_path / f'{seed}/per_image.npz', 0.5, seed)
    system = read_system(str(tmp_path))
    assert len(set(system.means('rgb'))) == 3
    assert max(system.means('rgb')) < min(system.means('ensemble'))
    assert system.means('thermal') == []
    assert system.shares('agreement') == [80, 80, 80]
    assert system.classes.shape == (3, 3)
    write_run(tmp_path / '3/per_image.npz', 0.5, 3, streams=('depth', 'rgb'))
    assert read_system(str(tmp_path)).shares('agreement') == [80, 80, 80, 80]
    alone = read_system(str(write_run(tmp_path / 'a.npz', 0.5, streams=('rgb',))))
    assert alone.shares('agreement') == []


def test_classes_that_are_left_out_are_known_and_not_all():
    assert chosen(('a', 'b', 'c'), ['b']).tolist() == [True, False, True]
    for wrong in (['d'], ['a', 'b', 'c']):
        with pytest.raises(ValueError, match='to leave out must be among'):
            chosen(('a', 'b', 'c'), wrong)


def test_the_spread_is_the_standard_deviation_of_several_seeds():
    assert [spread([]), spread([1.0]), spread([1.0, 3.0])] == ['', '1.0', '2.0 ± 1.4']
    assert spread([1.0, float('nan')]) == 'nan'  # as of a stream that no image has


def test_tests_of_several_subsets_are_no_seeds(write_run, tmp_path):
    write_run(tmp_path / 'rgb+depth/per_image.npz', 0.5)
    write_run(tmp_path / 'rgb/per_image.npz', 0.5, streams=('rgb',))
    with pytest.raises(ValueError, match=r'must have the same outputs, got .*rgb/per'):
        read_system(str(tmp_path))


def test_a_file_that_may_be_a_copy_is_named(write_run, tmp_path, capsys):
    paths = [
        write_run(tmp_path / f'{k}.npz', 0.5, seed) for k, seed in enumerate((0, 1, 1))
    ]
    assert len(read_system(f'{tmp_path}/*.npz').files) == 3
    assert f'{paths[2]} has all figures of {paths[1]}' in (
        text := capsys.readouterr().err
    )
    assert len(text.splitlines()) == 1


def train(folder, epochs, miou):
    """What a training of two epochs leaves behind when it is so far."""
    (folder / '20260101_100000/vis_data').mkdir(parents=True, exist_ok=True)
    lines = dict(loss=1.0, epoch=1, iter=1, step=1), dict(mIoU=miou, step=epochs)
    scalars = folder / '20260101_100000/vis_data/scalars.json'
    scalars.write_text('\n'.join(map(json.dumps, lines)))
    (folder / 'config.py').write_text('train_cfg = dict(max_epochs=2)\n')
    (folder / 'last_checkpoint').write_text(f'epoch_{epochs}.pth')


def test_a_file_of_less_than_a_finished_training_is_named(write_run, tmp_path, capsys):
    path = write_run(tmp_path / 'per_image.npz', 0.5)
    (exact,) = read_system(str(path)).means('ensemble')
    miou = round(exact, 2)
    train(tmp_path, 2, miou)
    read_system(str(tmp_path))
    assert not capsys.readouterr().err
    train(tmp_path, 1, miou)
    read_system(str(tmp_path))
    words = f'{path} is of a training that is not finished, 1 of 2 epochs: '
    assert capsys.readouterr().err.startswith(words)
    train(tmp_path, 2, miou + 1)
    read_system(str(tmp_path))
    err = capsys.readouterr().err
    assert err.startswith(f'{path} has the mIoU {miou:.2f}, and the last validation of')
    assert f' {miou + 1:.2f}: it is of another checkpoint or of other data' in err


def test_three_modalities_that_no_image_has_together_have_no_agreement(
    write_run, tmp_path
):
    path = write_run(tmp_path / 'a.npz', 0.5, streams=('rgb', 'depth', 'event'))
    measured = read_per_image(path)
    (agreeing,) = (v for k, v in measured.shares.items() if k.startswith('agreement'))
    pairs = {f'agreement/{pair}': agreeing for pair in ('rgb+depth', 'rgb+event')}
    shares = {**pairs, 'oracle': agreeing}
    write_per_image(path, replace(measured, shares=shares))
    system = read_system(str(path))
    assert (system.shares('agreement'), system.shares('oracle')) == ([], [80])


def test_a_file_in_a_folder_with_brackets_is_itself(write_run, tmp_path):
    path = write_run(tmp_path / '[a]/per_image.npz', 0.5)
    assert [name for name, _ in read_system(str(path)).files] == [str(path)]
