"""Which package a file is from, and the names of the toolbox for its names."""

import re

import pytest
import torch

from mmseg_cen.zoos import averages_beside, recognize, tensors_of
from mmseg_cen.zoos.recognition import SCHEMES

#: By package and family, names as its files have them, and what the toolbox has.
EXAMPLES = {
    ('torchvision or timm', 'ResNet'): [
        ('conv1.weight', 'conv1.weight'),
        ('layer1.0.conv1.weight', 'layer1.0.conv1.weight'),
        ('layer3.5.bn3.running_var', 'layer3.5.bn3.running_var'),
        ('fc.weight', None),
    ],
    ('timm (stem of three convolutions)', 'ResNet'): [
        ('conv1.0.weight', 'stem.0.weight'),
        ('conv1.1.bias', 'stem.1.bias'),
        ('conv1.6.weight', 'stem.6.weight'),
        ('bn1.running_mean', 'stem.7.running_mean'),
        ('layer1.0.bn1.weight', 'layer1.0.bn1.weight'),
        ('layer1.0.conv1.weight', 'layer1.0.conv1.weight'),
        ('layer2.0.downsample.1.weight', 'layer2.0.downsample.1.weight'),
        ('fc.bias', None),
    ],
    ('mmpretrain (stem of three convolutions)', 'ResNet'): [
        ('stem.0.conv.weight', 'stem.0.weight'),
        ('stem.2.conv.weight', 'stem.6.weight'),
        ('stem.2.bn.running_var', 'stem.7.running_var'),
        ('layer1.0.conv1.weight', 'layer1.0.conv1.weight'),
    ],
    ('transformers', 'ResNet'): [
        ('resnet.embedder.embedder.convolution.weight', 'conv1.weight'),
        ('resnet.embedder.embedder.normalization.bias', 'bn1.bias'),
        (
            'resnet.encoder.stages.2.layers.5.layer.0.convolution.weight',
            'layer3.5.conv1.weight',
        ),
        (
            'resnet.encoder.stages.0.layers.0.layer.2.normalization.running_mean',
            'layer1.0.bn3.running_mean',
        ),
        (
            'resnet.encoder.stages.1.layers.0.shortcut.convolution.weight',
            'layer2.0.downsample.0.weight',
        ),
        (
            'resnet.encoder.stages.1.layers.0.shortcut.normalization.weight',
            'layer2.0.downsample.1.weight',
        ),
        ('classifier.1.weight', None),
    ],
    ('detectron2', 'ResNet'): [
        ('stem.conv1.weight', 'conv1.weight'),
        ('stem.conv1.norm.running_var', 'bn1.running_var'),
        ('res2.0.conv1.weight', 'layer1.0.conv1.weight'),
        ('res4.22.conv3.norm.bias', 'layer3.22.bn3.bias'),
        ('res3.0.shortcut.weight', 'layer2.0.downsample.0.weight'),
        ('res3.0.shortcut.norm.weight', 'layer2.0.downsample.1.weight'),
        ('linear.weight', None),
    ],
    ('Caffe', 'ResNet'): [
        ('conv1.weight', 'conv1.weight'),
        ('bn_conv1.running_mean', 'bn1.running_mean'),
        ('scale_conv1.weight', 'bn1.weight'),
        ('res2a_branch2a.weight', 'layer1.0.conv1.weight'),
        ('res2c_branch2b.weight', 'layer1.2.conv2.weight'),
        ('res4b22_branch2c.weight', 'layer3.22.conv3.weight'),
        ('bn3b1_branch2a.running_var', 'layer2.1.bn1.running_var'),
        ('scale5a_branch1.bias', 'layer4.0.downsample.1.bias'),
        ('res5a_branch1.weight', 'layer4.0.downsample.0.weight'),
        ('fc1000.bias', None),
    ],
    ('timm', 'HRNet'): [
        ('stage2.0.branches.0.0.conv1.weight', 'stage2.0.branches.0.0.conv1.weight'),
        ('transition1.1.0.0.weight', 'transition1.1.0.0.weight'),
        ('incre_modules.0.0.conv1.weight', None),
        ('final_layer.0.weight', None),
        ('classifier.bias', None),
    ],
    ('torchvision', 'MobileNetV2'): [
        ('features.0.0.weight', 'conv1.conv.weight'),
        ('features.0.1.running_mean', 'conv1.bn.running_mean'),
        ('features.1.conv.0.0.weight', 'layer1.0.conv.0.conv.weight'),
        ('features.1.conv.0.1.bias', 'layer1.0.conv.0.bn.bias'),
        ('features.1.conv.1.weight', 'layer1.0.conv.1.conv.weight'),
        ('features.1.conv.2.running_var', 'layer1.0.conv.1.bn.running_var'),
        ('features.2.conv.1.0.weight', 'layer2.0.conv.1.conv.weight'),
        ('features.17.conv.2.weight', 'layer7.0.conv.2.conv.weight'),
        ('features.13.conv.3.bias', 'layer5.2.conv.2.bn.bias'),
        ('features.18.0.weight', None),
        ('classifier.1.weight', None),
    ],
    ('timm', 'MobileNetV2'): [
        ('conv_stem.weight', 'conv1.conv.weight'),
        ('bn1.bias', 'conv1.bn.bias'),
        ('blocks.0.0.conv_dw.weight', 'layer1.0.conv.0.conv.weight'),
        ('blocks.0.0.bn1.weight', 'layer1.0.conv.0.bn.weight'),
        ('blocks.0.0.conv_pw.weight', 'layer1.0.conv.1.conv.weight'),
        ('blocks.0.0.bn2.weight', 'layer1.0.conv.1.bn.weight'),
        ('blocks.1.0.conv_pwl.weight', 'layer2.0.conv.2.conv.weight'),
        ('blocks.3.2.conv_pw.weight', 'layer4.2.conv.0.conv.weight'),
        ('blocks.3.2.conv_dw.weight', 'layer4.2.conv.1.conv.weight'),
        ('blocks.3.2.bn3.weight', 'layer4.2.conv.2.bn.weight'),
        ('conv_head.weight', None),
        ('bn2.weight', None),
    ],
    ('mmpretrain', 'MobileNetV2'): [
        ('conv1.conv.weight', 'conv1.conv.weight'),
        ('layer3.1.conv.0.bn.bias', 'layer3.1.conv.0.bn.bias'),
        ('conv2.conv.weight', None),
    ],
    ('torchvision', 'MobileNetV3'): [
        ('features.0.0.weight', 'layer0.conv.weight'),
        ('features.1.block.0.0.weight', 'layer1.depthwise_conv.conv.weight'),
        ('features.1.block.1.fc1.weight', 'layer1.se.conv1.conv.weight'),
        ('features.1.block.2.1.bias', 'layer1.linear_conv.bn.bias'),
        ('features.4.block.0.0.weight', 'layer4.expand_conv.conv.weight'),
        ('features.4.block.1.1.weight', 'layer4.depthwise_conv.bn.weight'),
        ('features.4.block.2.fc2.bias', 'layer4.se.conv2.conv.bias'),
        ('features.4.block.3.0.weight', 'layer4.linear_conv.conv.weight'),
        ('features.3.block.2.0.weight', 'layer3.linear_conv.conv.weight'),
        ('features.12.1.running_var', 'layer12.bn.running_var'),
        ('classifier.3.weight', None),
    ],
    ('the released code', 'ConvNeXt'): [
        ('downsample_layers.0.0.weight', 'downsample_layers.0.0.weight'),
        ('stages.0.0.dwconv.weight', 'stages.0.0.depthwise_conv.weight'),
        ('stages.2.8.pwconv2.bias', 'stages.2.8.pointwise_conv2.bias'),
        ('stages.2.8.norm.weight', 'stages.2.8.norm.weight'),
        ('norm.bias', 'norm3.bias'),
        ('head.weight', None),
    ],
    ('timm', 'ConvNeXt'): [
        ('stem.1.weight', 'downsample_layers.0.1.weight'),
        ('stages.1.downsample.0.bias', 'downsample_layers.1.0.bias'),
        ('stages.0.blocks.0.conv_dw.weight', 'stages.0.0.depthwise_conv.weight'),
        ('stages.2.blocks.8.mlp.fc1.weight', 'stages.2.8.pointwise_conv1.weight'),
        ('stages.2.blocks.8.gamma', 'stages.2.8.gamma'),
        ('head.norm.weight', 'norm3.weight'),
        ('head.fc.weight', None),
    ],
    ('torchvision', 'ConvNeXt'): [
        ('features.0.1.weight', 'downsample_layers.0.1.weight'),
        ('features.1.0.block.0.weight', 'stages.0.0.depthwise_conv.weight'),
        ('features.1.0.layer_scale', 'stages.0.0.gamma'),
        ('features.4.1.weight', 'downsample_layers.2.1.weight'),
        ('features.5.8.block.2.bias', 'stages.2.8.norm.bias'),
        ('features.5.8.block.3.bias', 'stages.2.8.pointwise_conv1.bias'),
        ('features.7.2.block.5.bias', 'stages.3.2.pointwise_conv2.bias'),
        ('classifier.0.weight', 'norm3.weight'),
        ('classifier.2.weight', None),
    ],
    ('transformers', 'ConvNeXt'): [
        ('convnext.embeddings.patch_embeddings.weight', 'downsample_layers.0.0.weight'),
        ('convnext.embeddings.layernorm.bias', 'downsample_layers.0.1.bias'),
        (
            'convnext.encoder.stages.1.downsampling_layer.1.weight',
            'downsample_layers.1.1.weight',
        ),
        (
            'convnext.encoder.stages.0.layers.0.dwconv.weight',
            'stages.0.0.depthwise_conv.weight',
        ),
        ('convnext.encoder.stages.3.layers.2.layernorm.bias', 'stages.3.2.norm.bias'),
        (
            'convnext.encoder.stages.3.layers.2.layer_scale_parameter',
            'stages.3.2.gamma',
        ),
        ('convnext.layernorm.weight', 'norm3.weight'),
        ('classifier.weight', None),
    ],
    ('the released code', 'SwinTransformer'): [
        ('patch_embed.proj.weight', 'patch_embed.projection.weight'),
        ('patch_embed.norm.bias', 'patch_embed.norm.bias'),
        (
            'layers.0.blocks.0.attn.qkv.weight',
            'stages.0.blocks.0.attn.w_msa.qkv.weight',
        ),
        (
            'layers.0.downsample.reduction.weight',
            'stages.0.downsample.reduction.weight',
        ),
        ('layers.3.blocks.1.mlp.fc1.bias', 'stages.3.blocks.1.ffn.layers.0.0.bias'),
        ('layers.3.blocks.1.mlp.fc2.bias', 'stages.3.blocks.1.ffn.layers.1.bias'),
        ('norm.weight', 'norm3.weight'),
        ('layers.0.blocks.1.attn_mask', None),
        ('layers.0.blocks.1.attn.relative_position_index', None),
        ('head.weight', None),
    ],
    ('timm', 'SwinTransformer'): [
        ('layers.0.blocks.0.attn.qkv.bias', 'stages.0.blocks.0.attn.w_msa.qkv.bias'),
        (
            'layers.0.blocks.0.attn.qkv.weight',
            'stages.0.blocks.0.attn.w_msa.qkv.weight',
        ),
        (
            'layers.1.downsample.reduction.weight',
            'stages.0.downsample.reduction.weight',
        ),
        ('head.fc.weight', None),
    ],
    ('torchvision', 'SwinTransformer'): [
        ('features.0.0.weight', 'patch_embed.projection.weight'),
        ('features.0.2.bias', 'patch_embed.norm.bias'),
        (
            'features.1.0.attn.relative_position_bias_table',
            'stages.0.blocks.0.attn.w_msa.relative_position_bias_table',
        ),
        ('features.2.norm.weight', 'stages.0.downsample.norm.weight'),
        ('features.5.4.mlp.0.weight', 'stages.2.blocks.4.ffn.layers.0.0.weight'),
        ('features.5.4.mlp.3.weight', 'stages.2.blocks.4.ffn.layers.1.weight'),
        ('features.7.1.attn.proj.bias', 'stages.3.blocks.1.attn.w_msa.proj.bias'),
        ('head.bias', None),
    ],
    ('transformers', 'SwinTransformer'): [
        (
            'swin.embeddings.patch_embeddings.projection.weight',
            'patch_embed.projection.weight',
        ),
        (
            'swin.encoder.layers.0.blocks.0.attention.self.relative_position_bias_table',
            'stages.0.blocks.0.attn.w_msa.relative_position_bias_table',
        ),
        (
            'swin.encoder.layers.0.blocks.1.attention.self.key.bias',
            'stages.0.blocks.1.attn.w_msa.qkv.bias#1',
        ),
        (
            'swin.encoder.layers.0.blocks.1.attention.output.dense.weight',
            'stages.0.blocks.1.attn.w_msa.proj.weight',
        ),
        (
            'swin.encoder.layers.0.blocks.1.output.dense.weight',
            'stages.0.blocks.1.ffn.layers.1.weight',
        ),
        (
            'swin.encoder.layers.0.blocks.1.layernorm_after.weight',
            'stages.0.blocks.1.norm2.weight',
        ),
        ('swin.encoder.layers.1.downsample.norm.bias', 'stages.1.downsample.norm.bias'),
        ('swin.layernorm.weight', 'norm3.weight'),
        ('classifier.weight', None),
    ],
    ('the released code', 'MixVisionTransformer'): [
        ('patch_embed1.proj.weight', 'layers.0.0.projection.weight'),
        ('patch_embed4.norm.weight', 'layers.3.0.norm.weight'),
        ('block1.0.attn.q.bias', 'layers.0.1.0.attn.attn.in_proj_bias#0'),
        ('block1.0.attn.kv.weight', 'layers.0.1.0.attn.attn.in_proj_weight#1'),
        ('block3.1.attn.proj.weight', 'layers.2.1.1.attn.attn.out_proj.weight'),
        ('block3.1.attn.norm.weight', 'layers.2.1.1.attn.norm.weight'),
        ('block3.1.mlp.dwconv.dwconv.bias', 'layers.2.1.1.ffn.layers.1.bias'),
        ('block3.1.mlp.fc2.bias', 'layers.2.1.1.ffn.layers.4.bias'),
        ('norm2.bias', 'layers.1.2.bias'),
        ('head.weight', None),
    ],
    ('transformers', 'MixVisionTransformer'): [
        (
            'segformer.encoder.patch_embeddings.0.proj.weight',
            'layers.0.0.projection.weight',
        ),
        (
            'segformer.encoder.patch_embeddings.3.layer_norm.weight',
            'layers.3.0.norm.weight',
        ),
        (
            'segformer.encoder.block.0.0.mlp.dwconv.dwconv.weight',
            'layers.0.1.0.ffn.layers.1.weight',
        ),
        (
            'segformer.encoder.block.2.1.attention.self.value.weight',
            'layers.2.1.1.attn.attn.in_proj_weight#2',
        ),
        (
            'segformer.encoder.block.2.1.attention.self.layer_norm.weight',
            'layers.2.1.1.attn.norm.weight',
        ),
        (
            'segformer.encoder.block.2.1.attention.output.dense.bias',
            'layers.2.1.1.attn.attn.out_proj.bias',
        ),
        (
            'segformer.encoder.block.2.1.layer_norm_2.weight',
            'layers.2.1.1.norm2.weight',
        ),
        ('segformer.encoder.layer_norm.1.weight', 'layers.1.2.weight'),
        ('decode_head.linear_fuse.weight', None),
    ],
}


def test_every_scheme_has_examples():
    assert {*EXAMPLES} == {(scheme.package, scheme.family) for scheme in SCHEMES}


@pytest.mark.parametrize(('package', 'family'), EXAMPLES, ids=' '.join)
def test_names_of_packages_lead_to_names_of_the_toolbox(package, family):
    examples = EXAMPLES[package, family]
    state = {name: torch.zeros(1) for name, _ in examples}
    scheme = recognize(state, ['CENSomething', family, 'Module'], []).scheme
    assert (scheme.package, scheme.family) == (package, family)
    for name, expected in examples:
        is_dropped = bool(re.search(scheme.dropped, name))
        assert is_dropped == (expected is None), name
        if expected:
            assert scheme.rename(name) == expected


def test_transformers_of_version_5_have_other_names_in_memory():
    state = {
        'segformer.stages.0.patch_embeddings.proj.weight': torch.zeros(1),
        'segformer.stages.0.blocks.0.mlp.dwconv.dwconv.weight': torch.zeros(1),
    }
    scheme = recognize(state, ['MixVisionTransformer'], []).scheme
    block = 'layers.2.1.1.'
    for name, expected in {
        'attention.q_proj.bias': 'attn.attn.in_proj_bias#0',
        'attention.o_proj.bias': 'attn.attn.out_proj.bias',
        'attention.sequence_reduction.sequence_reduction.bias': 'attn.sr.bias',
        'attention.sequence_reduction.layer_norm.bias': 'attn.norm.bias',
        'layernorm_before.bias': 'norm1.bias',
        'mlp.fc1.bias': 'ffn.layers.0.bias',
    }.items():
        found = scheme.rename(f'segformer.stages.2.blocks.1.{name}')
        assert found == block + expected


def test_wrappers_and_other_parts_of_a_model_are_left_out():
    state = {
        'module.backbone.conv1.weight': torch.zeros(1),
        'module.backbone.layer1.0.conv1.weight': torch.zeros(1),
        'module.head.fc.weight': torch.zeros(1),
    }
    found = recognize(state, ['ResNet'], ['conv1.weight'])
    assert [*found.state] == ['conv1.weight', 'layer1.0.conv1.weight']
    assert found.left_out == ['head.fc.weight']
    assert found.scheme.style is None


@pytest.mark.parametrize('prefix', ['module._orig_mod.', 'model.backbone.', 'module.'])
def test_wrappers_of_several_kinds_are_left_out(prefix):
    """An average of weights counts its steps beside the network."""
    state = {f'{prefix}conv1.weight': torch.zeros(1), 'n_averaged': torch.tensor(3)}
    assert [*recognize(state, ['ResNet'], ['conv1.weight']).state] == ['conv1.weight']


def test_a_name_of_the_network_itself_is_no_prefix():
    state = {'backbone.timm_model.conv1.weight': torch.zeros(1)}
    name = 'timm_model.conv1.weight'
    assert [*recognize(state, ['TIMMBackbone'], [name]).state] == [name]


def test_averages_that_are_not_taken_are_named():
    state = {'conv1.weight': torch.zeros(1)}
    assert averages_beside(dict(model=state, model_ema=state)) == ['model_ema']
    assert averages_beside(dict(model_ema=state)) == []
    assert averages_beside(state) == []


def test_weights_of_another_family_are_refused():
    state = dict.fromkeys(['patch_embed1.proj.weight', 'block1.0.attn.kv.weight'])
    with pytest.raises(
        ValueError, match='of a ResNet, got weights of a MixVisionTransformer, in the'
    ):
        recognize(state, ['CENResNet', 'ResNet', 'Module'], ['conv1.weight'])


def test_unknown_names_are_refused():
    with pytest.raises(
        ValueError,
        match=r'not known \(a\.b\): give a file of .*detectron2, Caffe, mmpr',
    ):
        recognize({'a.b': None}, ['ResNet'], ['conv1.weight'])


@pytest.mark.parametrize('key', ['state_dict', 'model', 'state_dict_ema', None])
def test_state_dicts_are_found_in_checkpoints(key):
    state = {'conv1.weight': torch.zeros(1), 'version': 3}
    checkpoint = {key: state, 'epoch': 3} if key else state
    assert [*tensors_of(checkpoint)] == ['conv1.weight']


@pytest.mark.parametrize('checkpoint', [torch.zeros(1), {}, {'epoch': 3}])
def test_files_without_a_state_dict_are_refused(checkpoint):
    with pytest.raises(ValueError, match='must hold a state dict'):
        tensors_of(checkpoint)
