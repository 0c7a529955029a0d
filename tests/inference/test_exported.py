"""Exported networks are predicted by as the checkpoints that they were made of."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmseg.registry import MODELS

from mmseg_cen.deployment import describe, prepare, write
from mmseg_cen.deployment.formats import FORMATS, Format
from mmseg_cen.inference import MultimodalInferencer


@pytest.fixture(scope='module')
def exported(network):
    """Path of the network as a TorchScript file."""
    path = network.folder / 'net.ts'
    cfg = Config.fromfile(network.config)
    cfg.test_dataloader.dataset.pipeline.pop(1)  # at least 64 pixels a side
    traced = prepare(network.model, streams=True)
    write(traced, path, 'torchscript')
    described = describe(network.model, traced, cfg, 'torchscript')
    path.with_name('net.ts.json').write_text(json.dumps(described))
    return str(path)


@pytest.fixture
def copied(exported, tmp_path):
    """Path of a copy of the file whose description was changed."""

    def copied(change):
        described = json.loads(Path(f'{exported}.json').read_text())
        change(described)
        path = tmp_path / 'copied.ts'
        path.write_bytes(Path(exported).read_bytes())
        Path(f'{path}.json').write_text(json.dumps(described))
        return str(path)

    return copied


def test_an_exported_network_predicts_the_same(network, exported, files):
    size = dict(size=(88, 66), show_progress=False)
    whole = MultimodalInferencer(network.config, network.checkpoint, **size)
    expected = whole(files, return_datasamples=True)['predictions']
    inferencer = MultimodalInferencer(exported, **size)
    found = inferencer(files, return_datasamples=True, batch_size=2)['predictions']
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(
            one.seg_logits.data, other.seg_logits.data, rtol=1e-3, atol=1e-3
        )
        assert {*one.pred_streams.keys()} == {'rgb', 'depth'}
    assert inferencer.classes == ('wall', 'floor', 'chair')


def test_an_exported_network_runs_where_it_was_exported(exported, copied, files):
    """'meta' stands for a GPU: a device of this computer, and not the file's."""
    size = dict(size=(88, 66), show_progress=False)
    expected = MultimodalInferencer(exported, device='cpu', **size)(files)
    found = MultimodalInferencer(exported, device='meta', **size)(files)
    pairs = zip(found['predictions'], expected['predictions'], strict=True)
    for one, other in pairs:
        np.testing.assert_array_equal(one, other)
    path = copied(lambda described: described.update(device='cuda:99'))
    with pytest.raises(ValueError, match=r"exported on, got 'cuda:99', .* --device c"):
        MultimodalInferencer(path)


def test_options_of_a_config_are_refused(exported):
    options = {'model.test_cfg.mode': 'slide'}
    with pytest.raises(
        ValueError, match=r"options of a config, \['model\.test_cfg\.mo"
    ):
        MultimodalInferencer(exported, cfg_options=options)


def test_preprocessing_outside_is_done_here(network, copied, files):
    """By a preprocessor that is made of the description."""
    path = copied(lambda described: described.update(preprocessing='outside'))
    inferencer = MultimodalInferencer(path, size=(88, 66), show_progress=False)
    (batch,) = inferencer.preprocess(inferencer.collect(files), batch_size=2)
    packed = inferencer.collate_fn([one.packed for one in batch])
    expected = network.model.data_preprocessor(packed)['inputs']
    (found,) = inferencer.network.predict.__self__.inputs(packed)
    torch.testing.assert_close(found, expected)


def test_a_binary_network_has_the_threshold_of_its_model(
    network, tmp_path, monkeypatch
):
    cfg = Config.fromfile(network.config)
    cfg.test_dataloader.dataset.metainfo.classes = ('floor', 'thing')
    cfg.test_dataloader.dataset.pipeline.pop(1)
    cfg.model.decode_head.head |= dict(num_classes=2, out_channels=1, threshold=0.3)
    model = MODELS.build(cfg.model).eval()
    torch.nn.init.constant_(model.decode_head.heads[-1].conv_seg.weight, 0)
    torch.nn.init.constant_(model.decode_head.heads[-1].conv_seg.bias, -0.4)
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'binary.pth')
    expected = MultimodalInferencer(cfg, str(tmp_path / 'binary.pth'))
    copied, path = prepare(model), tmp_path / 'binary.ts'
    path.touch()
    described = describe(model, copied, cfg, 'torchscript')
    path.with_name('binary.ts.json').write_text(json.dumps(described))
    runs = Format(None, lambda *_: lambda images: [copied(*images)])
    monkeypatch.setitem(FORMATS, 'torchscript', runs)
    given = dict(
        rgb=np.zeros((64, 64, 3), np.uint8), depth=np.full((64, 64), 1000, np.uint16)
    )
    for inferencer in (expected, MultimodalInferencer(str(path))):
        (labels,) = inferencer(given)['predictions']
        assert (labels == 1).all()  # probabilities are 0.4


def test_depth_that_a_transform_encodes_is_read_as_its_files_are(copied):
    """Of one channel, of which the network gets three."""

    def encode(described):
        described['modalities'][1]['channels'] = 3
        described['test']['transforms'] = [dict(type='EncodeDepth', encoding='jet')]

    inferencer = MultimodalInferencer(copied(encode))
    depth = np.arange(500, 1268, dtype=np.uint16).reshape(24, 32)
    given = inferencer.collect(dict(rgb=np.zeros((24, 32, 3), np.uint8), depth=depth))
    ((one,),) = inferencer.preprocess(given)
    assert one.images['depth'].shape == (1, 24, 32)
    assert one.packed['inputs'].shape == (6, 24, 32)


@pytest.mark.parametrize('rendered', [False, True, None])
def test_only_rendered_depth_must_be_meters_in_floats(copied, rendered):
    """None: as of descriptions that do not say it."""

    def untell(described):
        depth = described['modalities'][1]
        depth['file'] |= dict(dtype=None, scale=None, fill=None)
        depth['rendered'] = rendered

    inferencer = MultimodalInferencer(copied(untell))
    depth = inferencer.network.modalities['depth']
    expected = (None, None) if rendered is False else ('float32', 'nearest')
    assert (depth.dtype, depth.fill) == expected


def test_labels_that_count_from_1_are_written_so(copied, files, tmp_path):
    path = copied(lambda described: described.update(reduce_zero_label=True))
    inferencer = MultimodalInferencer(path, size=(88, 66), show_progress=False)
    (one, _) = inferencer(files, True, out_dir=tmp_path / 'out')['predictions']
    labels = cv2.imread(str(tmp_path / 'out/labels/a/1.png'), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(labels, one.pred_sem_seg.data[0] + 1)


def test_what_an_exported_network_cannot_do_is_refused(
    network, exported, copied, files
):
    for options, message in (
        (dict(weights=network.checkpoint), 'must be alone'),
        (dict(tta=True), r"must run as it was written, got \['tta'\]"),
        (dict(channels_last=True, compile=True), r"\['channels_last', 'compile'\]"),
        (dict(absent=['depth']), 'must have all modalities'),
    ):
        with pytest.raises(ValueError, match=message):
            MultimodalInferencer(exported, **options)
    nameless = copied(lambda described: described.update(modalities=[]))
    with pytest.raises(ValueError, match=r'must name its modalities .*copied\.ts'):
        MultimodalInferencer(nameless)
    with pytest.raises(ValueError, match='must have 64 pixels a side at least'):
        MultimodalInferencer(exported, show_progress=False)(files)
