"""Names of MobileNetV2 and V3."""

import re
from itertools import accumulate

from .scheme import Scheme, shifted

#: Where the paper of MobileNetV2 (Table 2) changes the width: blocks of each stage.
_BLOCKS = (1, 2, 3, 4, 3, 3, 1)


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
