import pytest
import torch
from benchmarking.contestants import build, model_config
from mmengine.config import Config, ConfigDict
from torch.testing import assert_close

from mmseg_cen.models import stream_state_dict
from mmseg_cen.streams.places import exchanging_norms


@pytest.fixture
def model(narrow_config):
    return model_config(Config.fromfile(narrow_config))


@pytest.mark.parametrize('M', [1, 3])
def test_the_plain_network_is_every_stream_of_ours_without_exchange(narrow_config, M):
    model = model_config(Config.fromfile(narrow_config), M)
    model['backbone']['exchange_threshold'] = 0
    ours, plain = build('ours', model, exchanged=0), build('plain', model)
    state = stream_state_dict(ours.model, 0)
    del state['decode_head.alpha_logits']
    plain.model.load_state_dict(
        {name.replace('_head.head.', '_head.'): x for name, x in state.items()}
    )
    images = torch.randn(2, 3 * M, 32, 32)
    with torch.no_grad():
        features = ours.model.eval().extract_feat(ours.inputs(images))
        streams = ours.model.decode_head.forward_streams(features)
        logits = plain.model.eval()(plain.inputs(images), mode='tensor')
    for m, name in enumerate(ours.model.modalities):
        assert_close(logits[m::M], streams[name])


def test_a_share_of_each_own_part_is_exchanged(model):
    ours = build('ours', model, exchanged=0.25)
    for norm in exchanging_norms(ours.model).values():
        small = norm.gamma == 0
        own = norm.num_features // 2
        assert small[0, :own].sum() == small[1, own:].sum() == round(own / 4)
        assert small.sum() == 2 * round(own / 4)


def test_a_network_of_fewer_modalities_takes_the_first_ones(model):
    images = torch.randn(2, 3, 32, 32)
    ours = build('ours', model)
    wider = torch.cat([images, images + 1, images + 2], dim=1)
    assert torch.equal(ours.inputs(wider), wider[:, :6])
    with pytest.raises(ValueError, match='no more modalities than the config, got'):
        ours.inputs(images)


def test_networks_are_built_without_pretrained_weights():
    start = dict(type='Pretrained', checkpoint='torchvision://resnet18')
    backbone = dict(type='ResNet', depth=18, init_cfg=start)
    model = dict(
        type='CENSegmentor',
        backbone=dict(type='CENBackbone', backbone=backbone, init_cfg=None),
        decode_head=dict(type='EnsembleHead', head=dict(type='FCNHead')),
    )
    found = model_config(ConfigDict(model=model))
    assert 'Pretrained' not in str(found)
    assert found['backbone']['backbone']['depth'] == 18
    assert list(found['modalities']) == ['rgb', 'depth']


@pytest.mark.parametrize(
    ('change', 'rival', 'message'),
    [
        (dict(fusion=dict(type='SumFusion')), 'plain', 'shared convolutions and no'),
        (dict(type='MixVisionTransformer'), 'plain', "'CENResNet' or a 'CENBackbone'"),
    ],
)
def test_a_network_without_counterpart_is_refused(model, change, rival, message):
    model['backbone'].update(change)
    with pytest.raises(ValueError, match=message):
        build(rival, model)


def test_another_model_than_a_segmentor_is_refused():
    with pytest.raises(ValueError, match="must be a 'CENSegmentor', got 'CENPix2Pix'"):
        model_config(ConfigDict(model=dict(type='CENPix2Pix')))
