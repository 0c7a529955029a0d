"""Files and arrays are predicted as the test of a config predicts its data set."""

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmseg.apis import MMSegInferencer, inference_model, init_model
from mmseg.registry import DATASETS

from mmseg_cen.inference import MultimodalInferencer


@pytest.fixture
def open_inferencer(network):
    def open_inferencer(**options):
        options = dict(device='cpu', show_progress=False) | options
        return MultimodalInferencer(network.config, network.checkpoint, **options)

    return open_inferencer


def expected_of(network, tmp_path):
    """Labels of the samples as a test of the data set predicts them."""
    settings = Config.fromfile(network.config).test_dataloader.dataset
    del settings.pipeline[2]
    dataset = DATASETS.build({**settings, 'data_root': str(tmp_path)})
    with torch.no_grad():
        samples = network.model.test_step(pseudo_collate([*dataset]))
    return [sample.pred_sem_seg.data[0].numpy() for sample in samples]


def test_predictions_are_those_of_a_test_at_the_size_of_the_image(
    network, files, tmp_path, open_inferencer
):
    inferencer = open_inferencer()
    found = inferencer(files, batch_size=2)
    assert found['names'] == ['a/1', 'b/1']
    for labels, expected in zip(
        found['predictions'], expected_of(network, tmp_path), strict=True
    ):
        np.testing.assert_array_equal(labels, expected)
    arrays = [
        dict(
            rgb=cv2.imread(f'{files["rgb"]}/{k}/1.png'),
            depth=cv2.imread(f'{files["depth"]}/{k}/1.png', cv2.IMREAD_UNCHANGED),
        )
        for k in 'ab'
    ]
    again = inferencer(arrays, return_datasamples=True, return_vis=True)
    for sample, labels in zip(again['predictions'], found['predictions'], strict=True):
        np.testing.assert_array_equal(sample.pred_sem_seg.data[0], labels)
        assert {*sample.pred_streams.keys()} == {'rgb', 'depth'}
    assert again['visualization'][0].ndim == 3


def test_images_of_several_sizes_are_no_batch(open_inferencer):
    rgb = np.zeros((2, 24, 32, 3), np.uint8)
    samples = [dict(rgb=one, depth=one[..., 0].astype(np.uint16)) for one in rgb]
    small = {name: one[:8] for name, one in samples[0].items()}
    inferencer = open_inferencer(size=(100, 100))
    found = inferencer([*samples, small], batch_size=3)['predictions']
    assert [one.shape for one in found] == [(24, 32), (24, 32), (8, 32)]
    with pytest.raises(ValueError, match='`batch_size` must be at least 1, got 0'):
        inferencer(samples, batch_size=0)


@pytest.mark.parametrize('options', [dict(tta=True), dict(amp='bf16')])
def test_a_network_runs_in_all_modes(open_inferencer, files, options):
    (prediction, _) = [
        *(inferencer := open_inferencer(**options)).stream(inferencer.collect(files))
    ]
    assert prediction.probabilities.sum(0) == pytest.approx(np.ones((24, 32)), abs=1e-2)
    np.testing.assert_array_equal(
        prediction.confidence, prediction.probabilities.max(0)
    )


def test_an_augmentation_that_the_config_has_not_is_refused(open_inferencer):
    with pytest.raises(ValueError, match='must have tta_model and tta_pipeline'):
        open_inferencer(tta=True, cfg_options=dict(tta_model=None))


def test_a_modality_may_be_absent_if_that_was_said(open_inferencer, files):
    rgb = dict(rgb=files['rgb'])
    with pytest.raises(ValueError, match=r"got none of \['depth'\]"):
        open_inferencer()(rgb)
    found = open_inferencer(absent=['depth'])(rgb, return_datasamples=True)
    assert 'depth' not in found['predictions'][0].pred_streams
    with pytest.raises(ValueError, match=r"out of \['rgb', 'depth'\], got \['dpth'\]"):
        open_inferencer(absent=['dpth'])


def test_options_of_modalities_replace_those_of_the_config(open_inferencer, files):
    meters = {'depth': cv2.imread(f'{files["depth"]}/a/1.png', -1) / 1000}
    meters['rgb'] = cv2.imread(f'{files["rgb"]}/a/1.png')
    stated = open_inferencer(modalities=dict(depth=dict(scale=1)))(meters)
    found = open_inferencer()(files)
    np.testing.assert_array_equal(stated['predictions'][0], found['predictions'][0])
    with pytest.raises(ValueError, match=r"modality 'depth': .*scal"):
        open_inferencer(modalities=dict(depth=dict(scal=1)))


def test_a_work_directory_is_a_config_and_its_checkpoint(network, files):
    inferencer = MultimodalInferencer(str(network.folder), show_progress=False)
    assert len(inferencer(files)['predictions']) == 2


@pytest.mark.parametrize(
    ('model', 'weights', 'message'),
    [
        ('{config}', None, 'the checkpoint must be named, got none'),
        ('{config}', 'no.pth', "the checkpoint must be a file, got 'no.pth'"),
        ('nowhere.py', 'no.pth', "the config must be a file, got 'nowhere.py'"),
        ('nowhere.onnx', None, "exported network must be a file, got 'nowhere.onnx'"),
        (
            dict(model=dict(type='EncoderDecoder')),
            'no.pth',
            'a multimodal segmentor',
        ),
    ],
)
def test_other_models_are_refused(network, model, weights, message):
    if isinstance(model, str):
        model = model.format(config=network.config)
    with pytest.raises((ValueError, OSError), match=message):
        MultimodalInferencer(model, weights)


def test_a_device_that_is_not_there_is_refused(open_inferencer):
    with pytest.raises(ValueError, match=r"this computer has, .* got 'cuda:99'"):
        open_inferencer(device='cuda:99')


def test_the_functions_of_mmseg_predict_a_dict_or_say_what_to_call(
    network, files, open_inferencer
):
    model = init_model(network.config, network.checkpoint, device='cpu')
    sample = {name: f'{path}/a/1.png' for name, path in files.items()}
    expected = open_inferencer()(files)['predictions'][0]
    image = cv2.imread(sample['rgb'])
    for refused in (sample['rgb'], image):
        with pytest.raises(ValueError, match=r'write dict\(rgb=…, depth=…\)'):
            inference_model(model, refused)
    (found,) = inference_model(model, [sample])
    np.testing.assert_array_equal(found.pred_sem_seg.data[0], expected)
    with pytest.raises(ValueError, match=r'MultimodalInferencer\(config, checkpoint\)'):
        MMSegInferencer(network.config, network.checkpoint, device='cpu')
