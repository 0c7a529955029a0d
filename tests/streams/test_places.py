"""Which norm layers exchange channels."""

import pytest
from mmcv.cnn import ConvModule
from mmseg.registry import MODELS
from torch import nn

from mmseg_cen.models import CENResNet, exchanging_norms, to_multimodal
from mmseg_cen.streams.places import stem_length


def resnet(depth, of_type='ResNet', **kwargs):
    return MODELS.build(
        dict(type=of_type, depth=depth, base_channels=4, stem_channels=4, **kwargs)
    )


def chosen(net, **kwargs):
    return list(exchanging_norms(to_multimodal(net, 2, 0.1, **kwargs)))


@pytest.mark.parametrize(
    ('of_type', 'depth'), [('ResNet', 18), ('ResNetV1c', 50), ('ResNetV1d', 18)]
)
def test_the_rule_finds_the_places_of_the_paper(of_type, depth):
    """After each 3x3 convolution of the blocks, and nowhere else."""
    expected = ['bn1', 'bn2'] if depth == 18 else ['bn2']
    blocks = [2, 2, 2, 2] if depth == 18 else [3, 4, 6, 3]
    assert chosen(resnet(depth, of_type)) == [
        f'layer{stage + 1}.{block}.{norm}'
        for stage, count in enumerate(blocks)
        for block in range(count)
        for norm in expected
    ]


def test_places_are_chosen_by_kernel_size_pattern_and_stage():
    assert len(chosen(resnet(50), kernel_sizes=(1,))) == 2 * 16 + 4
    assert len(chosen(resnet(50), kernel_sizes=(1, 3))) == 3 * 16 + 4
    assert len(chosen(resnet(50), stages=('layer1', 'layer4'))) == 6
    down_sampling = chosen(resnet(50), pattern=r'layer[234]\.0\.')
    assert down_sampling == [f'layer{stage}.0.bn2' for stage in (2, 3, 4)]
    assert chosen(resnet(50), pattern=r'\.0\.', stages=['layer3']) == ['layer3.0.bn2']


def test_layer_norms_exchange_only_when_asked():
    vit = dict(
        type='VisionTransformer', img_size=32, embed_dims=8, num_layers=2, num_heads=2
    )
    assert not chosen(MODELS.build(vit))
    names = chosen(MODELS.build(vit), layer_norms=True, stages=['layers.1'])
    assert names == ['layers.1.ln1', 'layers.1.ln2']


def test_a_norm_before_its_convolution_is_no_place():
    order = ('norm', 'act', 'conv')
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.Sequential(
            ConvModule(4, 4, 3, norm_cfg=dict(type='BN'), order=order),
            ConvModule(4, 4, 3, norm_cfg=dict(type='BN')),
        ),
    )
    net[0].stride = (4, 4)  # all of it is the stem
    assert chosen(net) == ['1.1.bn']


@pytest.mark.parametrize(
    ('backbone', 'length'),
    [
        (dict(type='ResNetV1c', depth=18), 3),
        (dict(type='MobileNetV2'), 1),
        (dict(type='BiSeNetV2'), 3),
        (dict(type='FastSCNN'), 2),
    ],
    ids=lambda value: value['type'] if isinstance(value, dict) else '',
)
def test_the_stem_ends_with_the_first_block_or_at_a_quarter(backbone, length):
    assert stem_length(MODELS.build(backbone)) == length


def test_cenresnet_is_placed_by_the_same_rule():
    net = CENResNet(50, 2, base_channels=4, stem_channels=4, deep_stem=True)
    assert list(exchanging_norms(net)) == chosen(resnet(50, 'ResNetV1c'))


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (
            dict(pattern='head'),
            r"got pattern='head', .* choose some of .*layer1\.0\.bn2",
        ),
        (dict(stages=['layer5']), r"got 'layer5': .* some of .*layer1\.0\.bn2"),
        (dict(stages='layer3'), r"must be a list of names, .* write \['layer3'\]"),
        (dict(pattern='layer('), r"must be a regular expression, got 'layer\('"),
        (dict(kernel_sizes=3), r'must be a list of integers, got 3: write \[3\]'),
    ],
)
def test_a_choice_of_no_place_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        chosen(resnet(50), **arguments)
