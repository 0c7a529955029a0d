"""tools/infer.py predicts files, as the test of a data set does."""

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmseg.registry import DATASETS, MODELS

SIZE = (24, 32)


@pytest.fixture
def network(tmp_path, config):
    """A config of files, and a checkpoint of random weights."""
    rng = np.random.default_rng(0)
    images = dict(
        rgb=rng.integers(0, 256, (*SIZE, 3), np.uint8),
        depth=rng.integers(500, 4000, SIZE, np.uint16),
    )
    for name, image in images.items():
        (tmp_path / name).mkdir()
        assert cv2.imwrite(str(tmp_path / name / 'a.png'), image)
    path = tmp_path / 'own.py'
    path.write_text(f"""
_base_ = {str(config)!r}
test_dataloader = dict(dataset=dict(
    _delete_=True, type='MultimodalSegDataset', data_root={str(tmp_path)!r},
    modalities=dict(
        rgb=dict(), depth=dict(dtype='uint16', scale=0.001, fill='nearest')),
    metainfo=dict(classes=[str(k) for k in range(13)]),
    pipeline=[
        dict(type='LoadModalities'), dict(type='LoadAnnotations'),
        dict(type='PackMultimodalInputs')]))
model = dict(backbone=dict(base_channels=8, stem_channels=8),
    decode_head=dict(head=dict(in_channels=64)))
""")
    model = MODELS.build(Config.fromfile(path).model)
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'weights.pth')
    return path, tmp_path / 'weights.pth', model.eval()


@pytest.fixture
def infer(network, load_tool, tmp_path):
    """Call the tool with the files of some modalities, and further arguments."""

    def infer(*arguments, names=('rgb', 'depth')):
        files = [p for n in names for p in (f'--{n}', str(tmp_path / n / 'a.png'))]
        given = [*map(str, network[:2]), *files, *map(str, arguments)]
        return load_tool('infer.py').main(given)

    return infer


@pytest.mark.parametrize('names', [('rgb', 'depth'), ('depth',)])
def test_a_sample_is_predicted_as_in_a_test(network, infer, tmp_path, capsys, names):
    config, _, model = network
    settings = Config.fromfile(config).test_dataloader.dataset
    settings.pipeline = [settings.pipeline[0], settings.pipeline[2]]
    data = pseudo_collate([DATASETS.build(settings)[0]])
    absent = tuple({'rgb', 'depth'} - {*names})
    data['data_samples'][0].set_metainfo(dict(absent=absent))
    with torch.no_grad():
        expected = model.test_step(data)[0].pred_sem_seg.data[0]
    out, picture = tmp_path / 'new/labels.png', tmp_path / 'picture.png'
    assert infer('--out', out, '--picture', picture, names=names) == 0
    labels = cv2.imread(str(out), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(labels, expected.numpy())
    assert cv2.imread(str(picture)) is not None
    assert ('Predicted without rgb' in capsys.readouterr().out) == bool(absent)


def test_classes_are_said_as_the_file_has_them(infer, tmp_path, capsys):
    key, out = 'test_dataloader.dataset.reduce_zero_label', tmp_path / 'labels.png'
    said = []
    for reduces in (False, True):
        assert infer('--out', out, '--cfg-options', f'{key}={reduces}') == 0
        found = np.unique(cv2.imread(str(out), cv2.IMREAD_UNCHANGED)).tolist()
        assert f'{out}: classes {found}\n' in capsys.readouterr().out
        said.append(found)
    assert said[1] == [k + 1 for k in said[0]]


def test_folders_are_predicted_and_finished_later(network, load_tool, tmp_path, capsys):
    for name in ('rgb', 'depth'):
        image = cv2.imread(str(tmp_path / name / 'a.png'), cv2.IMREAD_UNCHANGED)
        (tmp_path / name / 'more').mkdir()
        assert cv2.imwrite(str(tmp_path / name / 'more/a.png'), image)
    out = tmp_path / 'out'
    arguments = [*map(str, network[:2]), '--out-dir', str(out), '--batch-size', '2']
    arguments += ['--save', 'labels', 'streams', '--skip-existing']
    for name in ('rgb', 'depth'):
        arguments += [f'--{name}', str(tmp_path / name)]
    assert load_tool('infer.py').main(arguments) == 0
    said = capsys.readouterr()
    assert f'{out}: 2 samples, each as labels, streams' in said.out
    assert 'images/s' in said.out
    assert len([*out.rglob('*.png')]) == 6
    (out / 'labels/more/a.png').unlink()
    assert load_tool('infer.py').main(arguments) == 0
    assert '1 samples, 1 were there already' in capsys.readouterr().out
    one = [*arguments, '--out', str(tmp_path / 'labels.png')]
    for name in ('rgb', 'depth'):
        one[one.index(f'--{name}') + 1] = str(tmp_path / name / 'a.png')
    assert load_tool('infer.py').main(one) == 0
    assert f'{tmp_path / "labels.png"}: classes' not in capsys.readouterr().out
    with pytest.raises(SystemExit, match='must be of one sample, got 2'):
        load_tool('infer.py').main([*arguments, '--out', 'labels.png'])


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ([], 'must be given as --rgb PATH, --depth PATH, got none'),
        (['--rgb'], 'options must have values'),
        (['--rgb-orientation', 'turn', '--rgb', 'a.png'], "invalid choice: 'turn'"),
        (['--thermal', 'x.png'], 'got --thermal x.png'),
        (['--depth-unit', 'mm', '--rgb', 'a.png'], 'options must have values'),
    ],
)
def test_wrong_files_are_refused(load_tool, options, message):
    tool = load_tool('infer.py')
    with pytest.raises(ValueError, match=message):
        tool.parse_files(options, ('rgb', 'depth'))


def test_options_of_modalities_say_how_files_are_stored(load_tool):
    given = ['--rgb', 'a.png', 'b.png', '--depth=c', '--depth-unit', '0.001']
    given += ['--depth-invalid', '65535', '60000..61000', '--resize-depth']
    given += ['--rgb-orientation', 'apply']
    files, changes = load_tool('infer.py').parse_files(given, ('rgb', 'depth'))
    assert files == dict(rgb=['a.png', 'b.png'], depth=['c'])
    assert changes == dict(
        rgb=dict(orientation='apply'),
        depth=dict(scale=0.001, invalid=['65535', '60000..61000'], resize=True),
    )


def test_options_of_modalities_stand_among_others(load_tool):
    tool = load_tool('infer.py')
    given = ['net.onnx', '--rgb', 'a.png', 'b.png', '--out-dir', 'd', '--amp']
    args, rest = tool.parse_args([*given, '--depth', 'c.png'])
    assert (args.config, args.checkpoint, args.amp) == ('net.onnx', None, 'auto')
    assert rest == ['--rgb', 'a.png', 'b.png', '--depth', 'c.png']


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ([], 'are required: --out-dir'),
        (['--out', 'a.png', '--skip-existing'], 'must be with --out-dir'),
        (['--out', 'a.png', '--batch-size', '0'], 'must be at least 1, got 0'),
    ],
)
def test_options_that_do_not_fit_are_refused(load_tool, capsys, arguments, message):
    with pytest.raises(SystemExit):
        load_tool('infer.py').parse_args(['config.py', *arguments])
    assert message in capsys.readouterr().err


def test_predictions_are_png_files(infer):
    with pytest.raises(SystemExit, match=r"must end with .png, got 'labels.jpg'"):
        infer('--out', 'labels.jpg')


def test_a_sample_is_predicted_in_mixed_precision_and_another_layout(infer, tmp_path):
    arguments = ['--out', tmp_path / 'b.png', '--amp', '--channels-last']
    assert infer(*arguments, names=('depth',)) == 0
    assert cv2.imread(str(tmp_path / 'b.png'), cv2.IMREAD_UNCHANGED).shape == SIZE
    with pytest.raises(SystemExit, match='`--amp` must be bf16 on a CPU'):
        infer(*arguments[:2], '--amp', 'fp16', '--device', 'cpu', names=('depth',))


def test_a_frozen_exchange_predicts_the_same(infer, tmp_path):
    labels = []
    for name, options in (('plain', []), ('frozen', ['--freeze'])):
        out = tmp_path / f'{name}.png'
        assert infer(*options, '--out', out) == 0
        labels.append(cv2.imread(str(out), cv2.IMREAD_UNCHANGED))
    assert (labels[0] == labels[1]).mean() > 0.99
