"""tools/infer.py predicts one sample from its files, as the test of a data set does."""

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


@pytest.mark.parametrize('names', [('rgb', 'depth'), ('depth',)])
def test_a_sample_is_predicted_as_in_a_test(
    network, load_tool, tmp_path, capsys, names
):
    config, checkpoint, model = network
    settings = Config.fromfile(config).test_dataloader.dataset
    settings.pipeline = [settings.pipeline[0], settings.pipeline[2]]
    data = pseudo_collate([DATASETS.build(settings)[0]])
    absent = tuple({'rgb', 'depth'} - {*names})
    data['data_samples'][0].set_metainfo(dict(absent=absent))
    with torch.no_grad():
        expected = model.test_step(data)[0].pred_sem_seg.data[0]
    files = [part for n in names for part in (f'--{n}', str(tmp_path / n / 'a.png'))]
    out, picture = tmp_path / 'new/labels.png', tmp_path / 'picture.png'
    arguments = [str(config), str(checkpoint), '--out', str(out), *files]
    assert load_tool('infer.py').main([*arguments, '--picture', str(picture)]) == 0
    labels = cv2.imread(str(out), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(labels, expected.numpy())
    assert cv2.imread(str(picture)) is not None
    assert ('Predicted without rgb' in capsys.readouterr().out) == bool(absent)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ([], 'must be given as --rgb FILE, --depth FILE, got none'),
        (['--rgb'], 'options must be pairs'),
        (['--thermal', 'x.png'], 'got --thermal x.png'),
        (['--rgb', 'nowhere.png'], "file of rgb must be a file, got 'nowhere.png'"),
    ],
)
def test_wrong_files_are_refused(load_tool, options, message):
    tool = load_tool('infer.py')
    with pytest.raises((ValueError, OSError), match=message):
        tool.parse_files(options, ('rgb', 'depth'))


def test_data_without_files_are_refused(config, load_tool):
    tool = load_tool('infer.py')
    with pytest.raises(ValueError, match='must be a MultimodalSegDataset'):
        tool.dataset_of(Config.fromfile(config))


def test_predictions_are_png_files(network, load_tool, tmp_path):
    config, checkpoint, _ = network
    rgb = str(tmp_path / 'rgb/a.png')
    arguments = [str(config), str(checkpoint), '--out', 'labels.jpg', '--rgb', rgb]
    with pytest.raises(SystemExit, match=r"must end with .png, got 'labels.jpg'"):
        load_tool('infer.py').main(arguments)


def test_depth_in_another_unit_is_said(network, load_tool, tmp_path, warned):
    tool = load_tool('infer.py')
    path = tmp_path / 'depth/a.png'
    tenths = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) * 10
    dataset = tool.dataset_of(Config.fromfile(network[0]))
    for depth, count in ((tenths // 10, 0), (tenths, 1)):
        assert cv2.imwrite(str(path), depth)
        tool.load_sample(dataset, ('depth',), dict(depth=str(path)))
        assert len(warned) == count
    assert 'by its unit of 0.001 m' in warned[0]


def test_files_of_another_type_are_refused_with_those_that_are_read(
    network, load_tool, tmp_path
):
    tool = load_tool('infer.py')
    path = tmp_path / 'depth/a.png'
    assert cv2.imwrite(str(path), np.ones(SIZE, np.uint8))
    dataset = tool.dataset_of(Config.fromfile(network[0]))
    with pytest.raises(ValueError, match=f'must hold uint16.* as those in {tmp_path}'):
        tool.load_sample(dataset, ('depth',), dict(depth=str(path)))


def test_a_sample_is_predicted_in_mixed_precision_and_another_layout(
    network, load_tool, tmp_path, capsys
):
    config, checkpoint, _ = network
    files = ['--depth', str(tmp_path / 'depth/a.png')]
    arguments = [str(config), str(checkpoint), '--out', str(tmp_path / 'b.png'), *files]
    assert load_tool('infer.py').main([*arguments, '--amp', '--channels-last']) == 0
    assert cv2.imread(str(tmp_path / 'b.png'), cv2.IMREAD_UNCHANGED).shape == SIZE
    with pytest.raises(SystemExit, match='`--amp` must be bf16 on a CPU'):
        load_tool('infer.py').main([*arguments, '--amp', 'fp16'])


def test_a_frozen_exchange_predicts_the_same(network, load_tool, tmp_path):
    config, checkpoint, _ = network
    arguments = [str(config), str(checkpoint), '--rgb', str(tmp_path / 'rgb/a.png')]
    arguments += ['--depth', str(tmp_path / 'depth/a.png')]
    labels = []
    for name, options in (('plain', []), ('frozen', ['--freeze'])):
        out = tmp_path / f'{name}.png'
        assert (
            load_tool('infer.py').main([*arguments, *options, '--out', str(out)]) == 0
        )
        labels.append(cv2.imread(str(out), cv2.IMREAD_UNCHANGED))
    assert (labels[0] == labels[1]).mean() > 0.99
