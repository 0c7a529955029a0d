"""Names of transformers: Swin, and MiT, the backbone of SegFormer."""

import re

from torch import Tensor

from .scheme import Scheme, shifted


def _unfolded(name: str, tensor: Tensor) -> Tensor:
    """The merged 2x2 patches of Swin in the order in which the toolbox unfolds them.

    Swin puts the patches one behind the other, column by column, each with its C
    channels; :class:`torch.nn.Unfold` gives the 4 pixels of each channel, row by row.

    Args:
        name: Name of the tensor; tensors of other layers stay as they are.
        tensor: ``reduction``, (2C, 4C), or a vector of the norm before it, (4C,).
    """
    if not re.search(r'\.downsample\.(norm|reduction)\.', name):
        return tensor
    patches = tensor.unflatten(-1, (4, -1))[..., [0, 2, 1, 3], :]
    return patches.transpose(-1, -2).flatten(-2)


_BUFFERS = r'relative_position_index$|attn_mask$'
_BLOCK_OF_SWIN = (
    (r'\.attn\.(?!w_msa)', '.attn.w_msa.'),
    (r'\.mlp\.(?:fc1|0)\.', '.ffn.layers.0.0.'),
    (r'\.mlp\.(?:fc2|3)\.', '.ffn.layers.1.'),
    (r'^norm\.', 'norm3.'),
)
_LAYERS_OF_SWIN = (
    (r'^patch_embed\.proj\.', 'patch_embed.projection.'),
    (r'^layers\.(\d)\.blocks\.', r'stages.\1.blocks.'),
)

SWIN = (
    Scheme(
        'the released code',
        'SwinTransformer',
        signs=(
            r'^layers\.0\.blocks\.0\.attn\.qkv\.weight$',
            r'^layers\.0\.downsample\.reduction\.weight$',
        ),
        rules=(
            *_LAYERS_OF_SWIN,
            (r'^layers\.(\d)\.downsample\.', r'stages.\1.downsample.'),
            *_BLOCK_OF_SWIN,
        ),
        dropped=rf'^head\.|{_BUFFERS}',
        finish=_unfolded,
    ),
    Scheme(
        'timm',
        'SwinTransformer',
        signs=(
            r'^layers\.0\.blocks\.0\.attn\.qkv\.weight$',
            r'^layers\.1\.downsample\.reduction\.weight$',
        ),
        rules=(
            *_LAYERS_OF_SWIN,
            (r'^layers\.(\d)\.downsample\.', shifted('stages.{}.downsample.', -1)),
            *_BLOCK_OF_SWIN,
        ),
        dropped=rf'^head\.|{_BUFFERS}',
        finish=_unfolded,
    ),
    Scheme(
        'torchvision',
        'SwinTransformer',
        signs=(r'^features\.1\.0\.attn\.relative_position_bias_table$',),
        rules=(
            (r'^features\.0\.0\.', 'patch_embed.projection.'),
            (r'^features\.0\.2\.', 'patch_embed.norm.'),
            (
                r'^features\.([1357])\.',
                lambda found: f'stages.{int(found[1]) // 2}.blocks.',
            ),
            (
                r'^features\.([246])\.',
                lambda found: f'stages.{int(found[1]) // 2 - 1}.downsample.',
            ),
            *_BLOCK_OF_SWIN,
        ),
        dropped=rf'^head\.|{_BUFFERS}',
        finish=_unfolded,
    ),
    Scheme(
        'transformers',
        'SwinTransformer',
        signs=(
            r'encoder\.layers\.0\.blocks\.0\.attention\..*relative_position_bias_table$',
        ),
        rules=(
            (r'^swin\.', ''),
            (r'^embeddings\.patch_embeddings\.projection\.', 'patch_embed.projection.'),
            (r'^embeddings\.norm\.', 'patch_embed.norm.'),
            (r'^encoder\.layers\.', 'stages.'),
            (r'\.layernorm_before\.', '.norm1.'),
            (r'\.layernorm_after\.', '.norm2.'),
            (
                r'\.attention\.(?:self|relative_position_bias)\.relative_position',
                '.attn.w_msa.relative_position',
            ),
            (
                r'\.attention\.(?:self\.query|q_proj)\.(\w+)$',
                r'.attn.w_msa.qkv.\1#0',
            ),
            (r'\.attention\.(?:self\.key|k_proj)\.(\w+)$', r'.attn.w_msa.qkv.\1#1'),
            (
                r'\.attention\.(?:self\.value|v_proj)\.(\w+)$',
                r'.attn.w_msa.qkv.\1#2',
            ),
            (r'\.attention\.(?:output\.dense|o_proj)\.', '.attn.w_msa.proj.'),
            (r'\.(?:intermediate\.dense|mlp\.fc1)\.', '.ffn.layers.0.0.'),
            (r'\.(?:output\.dense|mlp\.fc2)\.', '.ffn.layers.1.'),
            (r'^layernorm\.', 'norm3.'),
            (r'^hidden_states_norms\.stage(\d)\.', shifted('norm{}.', -1)),
        ),
        dropped=rf'^classifier\.|mask_token$|{_BUFFERS}',
        finish=_unfolded,
    ),
)

MIT = (
    Scheme(
        'the released code',
        'MixVisionTransformer',
        signs=(r'^patch_embed1\.proj\.weight$', r'^block1\.0\.attn\.kv\.weight$'),
        rules=(
            (r'^patch_embed(\d)\.', shifted('layers.{}.0.', -1)),
            (r'^block(\d)\.', shifted('layers.{}.1.', -1)),
            (r'^norm(\d)\.', shifted('layers.{}.2.', -1)),
            (r'^(layers\.\d\.0)\.proj\.', r'\1.projection.'),
            (r'\.attn\.q\.(\w+)$', r'.attn.attn.in_proj_\1#0'),
            (r'\.attn\.kv\.(\w+)$', r'.attn.attn.in_proj_\1#1'),
            (r'\.attn\.proj\.', '.attn.attn.out_proj.'),
            (r'\.mlp\.fc1\.', '.ffn.layers.0.'),
            (r'\.mlp\.dwconv\.dwconv\.', '.ffn.layers.1.'),
            (r'\.mlp\.fc2\.', '.ffn.layers.4.'),
        ),
        dropped=r'^head\.',
    ),
    Scheme(
        'transformers',
        'MixVisionTransformer',
        signs=(
            r'(encoder\.|stages\.0\.)patch_embeddings\.(0\.)?proj\.weight$',
            r'\.0\.mlp\.dwconv\.dwconv\.weight$',
        ),
        rules=(
            (r'^segformer\.', ''),
            (r'^encoder\.patch_embeddings\.(\d)\.', r'layers.\1.0.'),
            (r'^encoder\.block\.(\d)\.', r'layers.\1.1.'),
            (r'^encoder\.layer_norm\.(\d)\.', r'layers.\1.2.'),
            (r'^stages\.(\d)\.patch_embeddings\.', r'layers.\1.0.'),
            (r'^stages\.(\d)\.blocks\.', r'layers.\1.1.'),
            (r'^stages\.(\d)\.layer_norm\.', r'layers.\1.2.'),
            (r'^(layers\.\d\.0)\.proj\.', r'\1.projection.'),
            (r'^(layers\.\d\.0)\.layer_norm\.', r'\1.norm.'),
            (r'\.(?:layer_norm_1|layernorm_before)\.', '.norm1.'),
            (r'\.(?:layer_norm_2|layernorm_after)\.', '.norm2.'),
            (
                r'\.attention\.(?:self\.query|q_proj)\.(\w+)$',
                r'.attn.attn.in_proj_\1#0',
            ),
            (r'\.attention\.(?:self\.key|k_proj)\.(\w+)$', r'.attn.attn.in_proj_\1#1'),
            (
                r'\.attention\.(?:self\.value|v_proj)\.(\w+)$',
                r'.attn.attn.in_proj_\1#2',
            ),
            (r'\.attention\.(?:output\.dense|o_proj)\.', '.attn.attn.out_proj.'),
            (
                r'\.attention\.(?:self\.sr|sequence_reduction\.sequence_reduction)\.',
                '.attn.sr.',
            ),
            (
                r'\.attention\.(?:self|sequence_reduction)\.layer_norm\.',
                '.attn.norm.',
            ),
            (r'\.mlp\.(?:dense1|fc1)\.', '.ffn.layers.0.'),
            (r'\.mlp\.dwconv\.dwconv\.', '.ffn.layers.1.'),
            (r'\.mlp\.(?:dense2|fc2)\.', '.ffn.layers.4.'),
        ),
        dropped=r'^(classifier|decode_head)\.',
    ),
)
