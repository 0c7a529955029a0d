"""Names of residual networks: ResNet, with its variants, and HRNet."""

from .scheme import CAFFE, Scheme, shifted

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
        bare_norms=True,
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
        bare_norms=True,
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
