"""Weights that a training starts from are had before anything else is done."""

from urllib.error import URLError

import pytest
from mmengine.model import BaseModule

from mmseg_cen.models.pretrained import require_weights, without_starts


def network(checkpoint):
    """A network, a part of which starts from a checkpoint, among other starts."""
    start = dict(type='Pretrained', checkpoint=checkpoint)
    whole = BaseModule(dict(type='Normal', layer='Conv2d', std=0.01))
    whole.part = BaseModule([start, dict(type='Constant', val=1, layer='Linear')])
    return whole


def unreachable(*args, **kwargs):
    raise URLError('Name or service not known')


@pytest.mark.parametrize('address', ['mmcls://mobilenet_v2', 'https://a.b/c.pth'])
def test_addresses_that_cannot_be_reached_are_refused(monkeypatch, address):
    monkeypatch.setattr(
        'mmseg_cen.checkpoints.reading.load_state_dict_from_url', unreachable
    )
    with pytest.raises(ValueError, match='weights to start from must') as refused:
        require_weights(network(address))
    message = str(refused.value)
    assert address in message
    assert 'tools/model_converters/pretrained_backbone.py' in message
    assert 'init_cfg=None' in message


def test_torchvision_must_be_there_for_its_names(monkeypatch):
    def missing():
        raise ModuleNotFoundError("No module named 'torchvision'")

    monkeypatch.setattr('mmengine.runner.checkpoint.get_torchvision_models', missing)
    with pytest.raises(ValueError, match=r"'torchvision://resnet101' with \"No module"):
        require_weights(network('torchvision://resnet101'))


def test_files_must_exist(tmp_path):
    file = tmp_path / 'weights.pth'
    with pytest.raises(FileNotFoundError, match='checkpoint of `init_cfg` must be a'):
        require_weights(network(str(file)))
    file.touch()  # read when the training starts
    require_weights(network(str(file)))


def test_what_a_checkpoint_replaces_is_not_loaded_before():
    start = dict(type='Pretrained', checkpoint='weights.pth')
    normal = dict(type='Normal', layer='Conv2d')
    cfg = dict(
        pretrained='torchvision://resnet18',
        neck=dict(pretrained='an/architecture'),
        backbone=dict(
            init_cfg=start, backbone=dict(type='TIMMBackbone', pretrained=True)
        ),
        decode_head=[dict(init_cfg=normal), dict(init_cfg=[start, normal])],
    )
    assert without_starts(cfg) == dict(
        neck=dict(pretrained='an/architecture'),
        backbone=dict(backbone=dict(type='TIMMBackbone', pretrained=False)),
        decode_head=[dict(init_cfg=normal), dict()],
    )
