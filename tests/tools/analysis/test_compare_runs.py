import pytest
from analysis import compare_runs

from mmseg_cen.metrics import iou, read_per_image, write_per_image


@pytest.fixture
def runs(write_run, tmp_path):
    for seed in range(2):
        write_run(tmp_path / f'none/{seed}/per_image.npz', 0.5, seed)
        write_run(tmp_path / f'cen/{seed}/per_image.npz', 0.7, seed + 5)
    return [f'{name}={tmp_path}/{name}' for name in ('none', 'cen')]


def cells(text):
    lines = text.split('\n')
    return [[cell.strip() for cell in line.split('|')[1:-1]] for line in lines]


def test_systems_are_compared_with_the_first_one(runs, tmp_path, capsys):
    out = tmp_path / 'comparison.md'
    options = ['--resamples', '200', '--leave-out', 'wall', '--out', str(out)]
    compare_runs.main([*runs, *options])
    text = capsys.readouterr().out
    assert out.read_text() == text
    assert text.startswith(
        '20 images, 3 classes, the second mean without wall; 95 % intervals of 200 '
        'resamples of the images, seed 0.\n'
    )
    means, differences, classes = map(cells, text.strip().split('\n\n')[1:])
    assert means[0][:5] == ['system', 'rgb', 'depth', 'ensemble', 'mIoU of 2']
    assert [row[0] for row in means[2:]] == ['none', 'cen']
    assert means[2][5:] == ['80.0 ± 0.0', '80.0 ± 0.0', '2']
    value = differences[2][1]
    assert value.startswith('**+')
    assert differences[2][3] == '100.0% of the resamples'
    names = [row[0] for row in classes[2:]]
    assert sorted(names) == ['floor', 'lamp', 'wall']
    assert names[-1] == 'lamp', 'which does not occur'
    assert classes[-1][1:] == ['0.0%', '', '', '']


def test_a_stream_may_be_compared_with_the_ensemble(runs, capsys):
    compare_runs.main([f'{runs[0]}@rgb', runs[0], '--resamples', '100'])
    assert '| **+' in capsys.readouterr().out
    with pytest.raises(SystemExit, match=r"got 'thermal', which .* does not have"):
        compare_runs.main([*runs, '--output', 'thermal'])


def test_one_image_tells_nothing_of_others(write_run, tmp_path, capsys):
    paths = [
        str(write_run(tmp_path / f'{share}.npz', share, num_images=1))
        for share in (0.5, 0.7)
    ]
    compare_runs.main([*paths, '--resamples', '50'])
    differences = cells(capsys.readouterr().out.strip().split('\n\n')[2])
    _, value, above = differences[2]
    assert float(value) > 0, 'neither bold nor with an interval'
    assert above == ''


def test_images_that_lack_a_modality_are_left_out_of_its_differences(
    write_run, tmp_path, capsys
):
    path = write_run(tmp_path / 'a.npz', 0.5)
    measured = read_per_image(path)
    for areas in measured.areas.values():
        areas[:5, 0] = 0  # hard ones
    measured.areas['rgb'][:5] = 0
    write_per_image(path, measured)
    compare_runs.main([f'{path}@rgb', str(path), '--resamples', '50'])
    text = capsys.readouterr().out
    others = {k: v[5:] for k, v in measured.areas.items()}
    both, rgb = (iou(others[k].sum(0))[:2].mean() for k in ('ensemble', 'rgb'))
    assert f'**{both - rgb:+.1f}**' in text
    assert f'{path} - {path}@rgb is over the 15 of 20 images' in text
    compare_runs.main([f'a={path}@rgb', f'b={path}@rgb', '--resamples', '50'])
    assert 'b - a is over the 15 of 20 images' in capsys.readouterr().out
    measured.areas['rgb'][:] = 0
    write_per_image(path, measured)
    with pytest.raises(SystemExit, match='must have the modalities of both outputs'):
        compare_runs.main([f'{path}@rgb', str(path)])


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        ([], '`systems` must be two at least'),
        (['b', '--resamples', '0'], '`--resamples` must be positive'),
        (['b', '--level', '95'], '`--level` in (0, 1)'),
        (['b', '--seed', '-1'], '`--seed` at least 0'),
    ],
)
def test_what_cannot_be_compared_is_refused_at_once(options, words, capsys):
    with pytest.raises(SystemExit):
        compare_runs.main(['a', *options])
    assert words in capsys.readouterr().err
