"""Which argument of a backbone to change so that weights fit."""

import re

import pytest
from mmseg.models.backbones import (
    MixVisionTransformer,
    MobileNetV2,
    ResNet,
    ResNetV1c,
    ResNetV1d,
    ResNeXt,
    SwinTransformer,
)

from mmseg_cen.models import CENResNet
from mmseg_cen.zoos import advise

TINY = dict(base_channels=4, stem_channels=4)
SWIN = dict(embed_dims=8, num_heads=(1, 1, 1, 1), window_size=2)
MIT = dict(embed_dims=8, num_heads=(1, 1, 1, 1))
CASES = {
    'stem': lambda: (ResNetV1c(depth=18, **TINY), ResNet(18, **TINY), 'deep_stem=True'),
    'plain': lambda: (
        ResNet(18, **TINY),
        ResNetV1c(depth=18, **TINY),
        'deep_stem=False',
    ),
    'streams': lambda: (
        CENResNet(18, 2, **TINY),
        ResNet(18, **TINY),
        'of several modalities, with a norm for each: .* prefix=',
    ),
    'pooling': lambda: (
        ResNetV1d(depth=18, **TINY),
        ResNetV1c(depth=18, **TINY),
        'avg_down=True',
    ),
    'channels': lambda: (
        ResNet(18, **TINY),
        ResNet(18, in_channels=1, **TINY),
        r'takes 3 channels: set in_channels=3 \(a modality of fewer channels is rep',
    ),
    'depth': lambda: (
        ResNet(34, **TINY),
        ResNet(18, **TINY),
        r'the file has \[3, 4, 6, 3\] blocks, the network \[2, 2, 2, 2\]: set depth=34',
    ),
    'bottlenecks': lambda: (ResNet(50, **TINY), ResNet(34, **TINY), 'set depth=50'),
    'width': lambda: (
        ResNet(18, base_channels=8, stem_channels=8),
        ResNet(18, **TINY),
        'has 8 channels in the file, 4 in the network: set `base_channels`',
    ),
    'groups': lambda: (
        ResNeXt(depth=50, groups=2, base_width=32, base_channels=8, stem_channels=8),
        ResNet(50, base_channels=8, stem_channels=8),
        r'set groups=2, base_width=32',
    ),
    'mobile': lambda: (MobileNetV2(0.5), MobileNetV2(0.25), '`widen_factor`'),
    'swin width': lambda: (
        SwinTransformer(depths=(1, 1, 1, 1), **{**SWIN, 'embed_dims': 16}),
        SwinTransformer(depths=(1, 1, 1, 1), **SWIN),
        '`embed_dims`',
    ),
    'swin depth': lambda: (
        SwinTransformer(depths=(1, 1, 2, 1), **SWIN),
        SwinTransformer(depths=(1, 1, 1, 1), **SWIN),
        r'\[1, 1, 2, 1\] blocks, the network \[1, 1, 1, 1\]: set `depths`',
    ),
    'window': lambda: (
        SwinTransformer(depths=(1, 1, 1, 1), **{**SWIN, 'window_size': 4}),
        SwinTransformer(depths=(1, 1, 1, 1), **SWIN),
        'window_size=4',
    ),
    'mit': lambda: (
        MixVisionTransformer(num_layers=(1, 2, 1, 1), **MIT),
        MixVisionTransformer(num_layers=(1, 1, 1, 1), **MIT),
        r'\[1, 2, 1, 1\] blocks',
    ),
}


@pytest.mark.parametrize('case', CASES)
def test_advice_names_the_argument(case):
    file, network, advice = CASES[case]()
    found = advise(file.state_dict(), network.state_dict())
    assert re.search(advice, found[0]), found
    assert len(found) == 1
