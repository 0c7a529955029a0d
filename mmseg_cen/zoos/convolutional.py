"""Names of convolutional backbones: ResNet, HRNet, MobileNetV2 and V3, ConvNeXt."""

import re
from itertools import accumulate

from .scheme import CAFFE, Scheme, shifted

#: Where the paper of MobileNetV2 (Table 2) changes the width: blocks of each stage.
_BLOCKS = (1, 2, 3, 4, 3, 3, 1)

RESNET = (
    Scheme(
        'timm (stem of three convolutions)',
        'ResNet',
        signs=(r'^conv1\.0\.weight$', r'^layer1\.0\.conv1\.weight$'),
        rules=(
            (r'^conv1\.(\d)\.', r'stem.\1.'),
            (r'^bn1\.', 'stem.7.'),
        ),
        dropped=r'^fc\.',
        style='pytorch',
    ),
    Scheme(
        'mmpretrain (stem of three convolutions)',
        'ResNet',
        signs=(r'^stem\.0\.conv\.weight$', r'^layer1\.0\.conv1\.weight$'),
        rules=(
            (r'^stem\.(\d)\.conv\.', lambda found: f'stem.{3 * int(found[1])}.'),
            (r'^stem\.(\d)\.bn\.', lambda found: f'stem.{3 * int(found[1]) + 1}.'),
        ),
        dropped=r'^(head\.)?fc\.',
    ),
    Scheme(
        'torchvision or timm',
        'ResNet',
        signs=(r'^conv1\.weight$', r'^layer1\.0\.conv1\.weight$', r'^fc\.weight$'),
        dropped=r'^fc\.',
        style='pytorch',
    ),
    Scheme(
        'transformers',
        'ResNet',
        signs=(r'embedder\.embedder\.convolution\.weight$',),
        rules=(
            (r'^resnet\.', ''),
            (r'^embedder\.embedder\.convolution\.', 'conv1.'),
            (r'^embedder\.embedder\.normalization\.', 'bn1.'),
            (
                r'^encoder\.stages\.(\d)\.layers\.(\d+)\.',
                shifted('layer{}.{}.', 1, 0),
            ),
            (r'\.layer\.(\d)\.convolution\.', shifted('.conv{}.', 1)),
            (r'\.layer\.(\d)\.normalization\.', shifted('.bn{}.', 1)),
            (r'\.shortcut\.convolution\.', '.downsample.0.'),
            (r'\.shortcut\.normalization\.', '.downsample.1.'),
        ),
        dropped=r'^classifier\.',
        style='pytorch',
    ),
    Scheme(
        'detectron2',
        'ResNet',
        signs=(r'^stem\.conv1\.weight$', r'^res2\.0\.conv1\.weight$'),
        rules=(
            (r'^stem\.conv1\.norm\.', 'bn1.'),
            (r'^stem\.conv1\.', 'conv1.'),
            (r'^res(\d)\.(\d+)\.', shifted('layer{}.{}.', -1, 0)),
            (r'\.conv(\d)\.norm\.', r'.bn\1.'),
            (r'\.shortcut\.norm\.', '.downsample.1.'),
            (r'\.shortcut\.', '.downsample.0.'),
        ),
        dropped=r'^(linear|fc)\.',
        style='caffe',
        pixels=CAFFE,
    ),
    Scheme(
        'Caffe',
        'ResNet',
        signs=(r'^conv1\.weight$', r'^res2a_branch2a\.weight$'),
        rules=(
            (r'^(?:bn|scale)_conv1\.', 'bn1.'),
            (
                r'^(res|bn|scale)(\d)([a-z])(\d*)_branch(1|2[abc])\.',
                lambda found: _caffe_layer(*found.groups()),
            ),
        ),
        dropped=r'^fc1000\.',
        style='caffe',
        pixels=CAFFE,
    ),
)


def _caffe_layer(kind: str, stage: str, letter: str, count: str, branch: str) -> str:
    """``res3b1_branch2a``: block 1 of the second stage, its first convolution."""
    block = int(count or ord(letter) - ord('a'))
    if branch == '1':
        layer = f'downsample.{int(kind != "res")}'
    else:
        number = 'abc'.index(branch[1]) + 1
        layer = f'{"conv" if kind == "res" else "bn"}{number}'
    return f'layer{int(stage) - 1}.{block}.{layer}.'


HRNET = (
    Scheme(
        'timm',
        'HRNet',
        signs=(r'^stage2\.0\.branches\.', r'^incre_modules\.'),
        dropped=r'^(incre_modules|downsamp_modules|final_layer|classifier)\.',
        remark='the toolbox interpolates between branches where timm repeats pixels',
    ),
)


def _mobile_block(found: re.Match[str]) -> str:
    """The position of a block by its number, from 1, among all of a MobileNetV2."""
    number, ends = int(found[1]), [*accumulate(_BLOCKS)]
    stage = next((s for s, end in enumerate(ends) if number <= end), None)
    if stage is None:
        return found[0]
    return f'layer{stage + 1}.{number - 1 - (ends[stage] - _BLOCKS[stage])}.conv.'


MOBILENET_V2 = (
    Scheme(
        'torchvision',
        'MobileNetV2',
        signs=(r'^features\.0\.0\.weight$', r'^features\.1\.conv\.0\.0\.weight$'),
        rules=(
            (r'^features\.0\.0\.', 'conv1.conv.'),
            (r'^features\.0\.1\.', 'conv1.bn.'),
            (r'^features\.(\d+)\.conv\.', _mobile_block),
            (r'(\.conv\.[01])\.0\.', r'\1.conv.'),
            (r'(\.conv\.[01])\.1\.', r'\1.bn.'),
            # The last convolution of a block has no activation, and no module around.
            (r'^(layer1\.0\.conv)\.1\.(\w+)$', r'\1.1.conv.\2'),
            (r'^(layer1\.0\.conv)\.2\.(\w+)$', r'\1.1.bn.\2'),
            (r'^(layer[2-7]\.\d\.conv)\.2\.(\w+)$', r'\1.2.conv.\2'),
            (r'^(layer[2-7]\.\d\.conv)\.3\.(\w+)$', r'\1.2.bn.\2'),
        ),
        dropped=r'^(features\.18|classifier)\.',
    ),
    Scheme(
        'timm',
        'MobileNetV2',
        signs=(r'^conv_stem\.weight$', r'^blocks\.1\.0\.conv_pwl\.weight$'),
        rules=(
            (r'^conv_stem\.', 'conv1.conv.'),
            (r'^bn1\.', 'conv1.bn.'),
            (r'^blocks\.(\d)\.(\d)\.', shifted('layer{}.{}.', 1, 0)),
            (r'^(layer1\.0)\.conv_dw\.', r'\1.conv.0.conv.'),
            (r'^(layer1\.0)\.conv_pw\.', r'\1.conv.1.conv.'),
            (r'\.conv_pw\.', '.conv.0.conv.'),
            (r'\.conv_dw\.', '.conv.1.conv.'),
            (r'\.conv_pwl\.', '.conv.2.conv.'),
            (
                r'^(layer\d\.\d)\.bn(\d)\.',
                lambda found: f'{found[1]}.conv.{int(found[2]) - 1}.bn.',
            ),
        ),
        dropped=r'^(conv_head|bn2|classifier)\.',
    ),
    Scheme(
        'mmpretrain',
        'MobileNetV2',
        signs=(r'^conv1\.conv\.weight$', r'^conv2\.conv\.weight$'),
        dropped=r'^(conv2|head)\.',
    ),
)

MOBILENET_V3 = (
    Scheme(
        'torchvision',
        'MobileNetV3',
        signs=(r'^features\.0\.0\.weight$', r'^features\.1\.block\.0\.0\.weight$'),
        rules=(
            (r'^features\.(\d+)\.', r'layer\1.'),
            (r'\.block\.\d\.fc([12])\.', r'.se.conv\1.conv.'),
            (r'^(layer1)\.block\.0\.', r'\1.depthwise_conv.'),
            (r'^(layer1)\.block\.\d\.', r'\1.linear_conv.'),
            (r'\.block\.0\.', '.expand_conv.'),
            (r'\.block\.1\.', '.depthwise_conv.'),
            (r'\.block\.[23]\.', '.linear_conv.'),
            (r'\.0\.(\w+)$', r'.conv.\1'),
            (r'\.1\.(\w+)$', r'.bn.\1'),
        ),
        dropped=r'^classifier\.',
        remark='the weights were trained with norm_cfg=dict(type="BN", eps=1e-3), and '
        'with images padded at all sides by convolutions of stride 2, where those of '
        'the toolbox pad right and bottom: features are those of a shifted image',
    ),
)

CONVNEXT = (
    Scheme(
        'the released code',
        'ConvNeXt',
        signs=(r'^stages\.0\.0\.dwconv\.weight$',),
        rules=(
            (r'\.dwconv\.', '.depthwise_conv.'),
            (r'\.pwconv([12])\.', r'.pointwise_conv\1.'),
            (r'^norm\.', 'norm3.'),
        ),
        dropped=r'^head\.',
    ),
    Scheme(
        'timm',
        'ConvNeXt',
        signs=(r'^stages\.0\.blocks\.0\.conv_dw\.weight$',),
        rules=(
            (r'^stem\.', 'downsample_layers.0.'),
            (r'^stages\.(\d)\.downsample\.', r'downsample_layers.\1.'),
            (r'^stages\.(\d)\.blocks\.', r'stages.\1.'),
            (r'\.conv_dw\.', '.depthwise_conv.'),
            (r'\.mlp\.fc([12])\.', r'.pointwise_conv\1.'),
            (r'^head\.norm\.', 'norm3.'),
        ),
        dropped=r'^head\.fc\.',
    ),
    Scheme(
        'torchvision',
        'ConvNeXt',
        signs=(r'^features\.1\.0\.block\.0\.weight$', r'^features\.1\.0\.layer_scale$'),
        rules=(
            (r'^features\.0\.', 'downsample_layers.0.'),
            (
                r'^features\.([1357])\.',
                lambda found: f'stages.{int(found[1]) // 2}.',
            ),
            (
                r'^features\.([246])\.',
                lambda found: f'downsample_layers.{int(found[1]) // 2}.',
            ),
            (r'\.block\.0\.', '.depthwise_conv.'),
            (r'\.block\.2\.', '.norm.'),
            (r'\.block\.3\.', '.pointwise_conv1.'),
            (r'\.block\.5\.', '.pointwise_conv2.'),
            (r'\.layer_scale$', '.gamma'),
            (r'^classifier\.0\.', 'norm3.'),
        ),
        dropped=r'^classifier\.2\.',
    ),
    Scheme(
        'transformers',
        'ConvNeXt',
        signs=(r'encoder\.stages\.0\.layers\.0\.dwconv\.weight$',),
        rules=(
            (r'^convnext\.', ''),
            (r'^embeddings\.patch_embeddings\.', 'downsample_layers.0.0.'),
            (r'^embeddings\.layernorm\.', 'downsample_layers.0.1.'),
            (
                r'^encoder\.stages\.(\d)\.downsampling_layer\.',
                r'downsample_layers.\1.',
            ),
            (r'^encoder\.stages\.(\d)\.layers\.', r'stages.\1.'),
            (r'\.dwconv\.', '.depthwise_conv.'),
            (r'\.layernorm\.', '.norm.'),
            (r'\.pwconv([12])\.', r'.pointwise_conv\1.'),
            (r'\.layer_scale_parameter$', '.gamma'),
            (r'^layernorm\.', 'norm3.'),
        ),
        dropped=r'^classifier\.',
    ),
)
