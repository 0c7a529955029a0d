"""Names of ConvNeXt, which mmpretrain has for the toolbox."""

from .scheme import Scheme

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
