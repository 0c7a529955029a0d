"""Weights that a training starts from are had before anything else is done."""

from urllib.error import URLError

import pytest
import torch
from mmengine.model import BaseModule
from mmseg.models.backbones import ResNet
from mmseg.registry import MODELS

from mmseg_cen.models import CENBackbone, CENResNet
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


TINY = dict(base_channels=4, stem_channels=4)


def save(path, network, prefix='', **meta):
    """A checkpoint of a network, its names behind a prefix."""
    state = {f'{prefix}{name}': tensor for name, tensor in network.state_dict().items()}
    torch.save(dict(state_dict=state, meta=meta), path)
    return dict(type='Pretrained', checkpoint=str(path))


@pytest.mark.parametrize(
    ('before', 'start'),
    [
        ('backbone.', dict(prefix='backbone')),
        ('backbone.', dict(prefix='backbone.')),
        ('module.', {}),
    ],
)
def test_names_begin_with_what_mmengine_leaves_out(tmp_path, before, start):
    given = ResNet(18, **TINY)
    saved = save(tmp_path / 'weights.pth', given, before)
    network = CENResNet(18, 2, **TINY, init_cfg={**saved, **start})
    network.init_weights()
    assert torch.equal(network.conv1.weight, given.conv1.weight)


def test_weights_among_several_starts_are_checked(tmp_path):
    saved = save(tmp_path / 'weights.pth', ResNet(34, **TINY))
    starts = [dict(type='Kaiming', layer='Conv2d'), saved]
    with pytest.raises(ValueError, match='must hold the weights of this CENResNet'):
        CENResNet(18, 2, **TINY, init_cfg=starts).init_weights()


@pytest.mark.parametrize('is_converted', [False, True])
def test_streams_in_another_order_are_refused_as_a_start(tmp_path, is_converted):
    """Their tensors have the same names and shapes."""
    trained = dict(modalities=['rgb', 'depth'])
    saved = save(
        tmp_path / 'weights.pth',
        CENResNet(18, 2, **TINY),
        'backbone.',
        trained_as=trained,
    )
    build(saved, is_converted, ('rgb', 'depth')).init_weights()
    with pytest.raises(ValueError, match='`modalities` must be in the order that'):
        build(saved, is_converted, ('depth', 'rgb')).init_weights()


@pytest.mark.parametrize('is_converted', [False, True])
def test_norms_that_all_streams_shared_start_streams_in_any_order(
    tmp_path, is_converted
):
    """Each stream gets a copy."""
    given = ResNet(18, **TINY)
    trained = dict(modalities=['rgb', 'depth'])
    saved = save(tmp_path / 'weights.pth', given, 'backbone.', trained_as=trained)
    network = build(saved, is_converted, ('depth', 'rgb'))
    network.init_weights()
    assert torch.equal(network.backbone.conv1.weight, given.conv1.weight)


def build(saved, is_converted, modalities):
    """A segmentor whose backbone starts from a checkpoint of a segmentor."""
    backbone = dict(
        type='ResNet', depth=18, **TINY, init_cfg=dict(saved, prefix='backbone')
    )
    if is_converted:
        backbone = dict(type='CENBackbone', backbone=backbone)
    else:
        backbone['type'] = 'CENResNet'
    head = dict(
        type='FCNHead', in_channels=32, channels=32, num_convs=0, concat_input=False,
        num_classes=3, loss_decode=dict(type='CrossEntropyLoss'),
    )  # fmt: skip
    model = dict(
        type='CENSegmentor',
        backbone=backbone,
        decode_head=dict(type='EnsembleHead', head=head),
    )
    return MODELS.build(dict(model, modalities=modalities))


@pytest.mark.parametrize(
    ('depth', 'precision', 'prefix', 'error'),
    [
        (18, torch.float32, '', None),
        (18, torch.float16, '', None),
        (34, torch.float32, '', None),  # all weights are there, and others
        (18, torch.float32, 'encoder.', 'with 0 of 20'),
        (50, torch.float32, '', 'with 9 of 20'),  # the stem and second convolutions
    ],
)
def test_a_start_must_reach_the_weights_of_a_converted_backbone(
    tmp_path, depth, precision, prefix, error
):
    """Tensors of another network are left out with nothing but a warning."""
    given = ResNet(depth, **TINY).to(precision)
    start = save(tmp_path / 'weights.pth', given, prefix)
    config = dict(type='ResNet', depth=18, **TINY, init_cfg=start)
    backbone = CENBackbone(config, num_modalities=2)
    if error is None:
        backbone.init_weights()
        assert torch.equal(backbone.conv1.weight, given.conv1.weight.float())
    else:
        with pytest.raises(ValueError, match=error):
            backbone.init_weights()


def test_a_start_from_a_network_with_lora_has_its_weights(tmp_path):
    swin = dict(type='SwinTransformer', embed_dims=4, num_heads=(1, 1, 2, 2))
    swin |= dict(pretrain_img_size=32, depths=(1, 1, 1, 1), window_size=2)
    options = dict(num_modalities=2, layer_norms=True, lora=dict(rank=2))
    trained = CENBackbone(swin, **options)
    for name, parameter in trained.named_parameters():
        if name.endswith('lora_b'):
            torch.nn.init.normal_(parameter)
    start = save(tmp_path / 'weights.pth', trained, 'backbone.')
    backbone = CENBackbone(dict(swin, init_cfg=start), **options)
    backbone.init_weights()
    assert all(map(torch.equal, backbone.parameters(), trained.parameters()))


def test_plugins_without_weights_may_be_more_than_the_backbone(tmp_path):
    given = ResNet(50, **TINY)
    start = save(tmp_path / 'weights.pth', given)
    attention = dict(type='GeneralizedAttention', num_heads=4, attention_type='1111')
    plugin = dict(cfg=attention, position='after_conv3')
    config = dict(type='ResNet', depth=50, **TINY, init_cfg=start, plugins=[plugin])
    backbone = CENBackbone(config, num_modalities=2)
    backbone.init_weights()
    assert torch.equal(backbone.conv1.weight, given.conv1.weight)
