"""Backbones compute what those of the packages do, where the packages are installed."""

import importlib
import re

import pytest
import torch
from mmseg.models.backbones import (
    HRNet,
    MixVisionTransformer,
    MobileNetV2,
    MobileNetV3,
    ResNet,
    ResNetV1c,
    ResNetV1d,
    ResNeXt,
    SwinTransformer,
)
from mmseg.registry import MODELS
from torch import nn

from .references import assert_close, randomize
from .test_fitting import load

TINY_SWIN = dict(embed_dims=8, depths=(1, 2, 1, 1), num_heads=(1, 2, 2, 2))
TINY_MIT = dict(embed_dims=8, num_layers=(1, 2, 1, 1), num_heads=(1, 2, 4, 8))


@pytest.fixture
def image():
    return torch.randn(1, 3, 64, 64)


def outputs(network, layers, image):
    """What submodules return, by name, when a network sees an image."""
    found = {}
    modules = dict(network.named_modules())
    for name in layers:
        modules[name].register_forward_hook(
            lambda module, args, out, name=name: found.update({name: out})
        )
    network.eval()(image)
    return [found[name] for name in layers]


def with_eps(network, eps):
    """Randomize what starts at a constant; packages differ in what norms add."""
    for layer in network.modules():
        if isinstance(layer, nn.LayerNorm):
            layer.eps = eps
        for name, tensor in layer.named_parameters(recurse=False):
            if isinstance(layer, nn.LayerNorm) or re.search('gamma|scale|table', name):
                nn.init.normal_(tensor)
    return network


def installed(name):
    """A package, or a skip; one of another build than torch raises no ImportError."""
    try:
        return importlib.import_module(name)
    except Exception as error:
        pytest.skip(f'no {name}: {error}')


STAGES = [f'layer{i}' for i in range(1, 5)]


class TestTorchvision:
    @pytest.fixture(autouse=True)
    def models(self):
        self.models = installed('torchvision.models')

    def test_resnet(self, image):
        reference = randomize(self.models.resnet50())
        ours = load(ResNet(50), reference.state_dict())
        assert_close(ours(image), outputs(reference, STAGES, image))

    def test_resnext(self, image):
        reference = randomize(self.models.resnext50_32x4d())
        ours = load(ResNeXt(depth=50, groups=32, base_width=4), reference.state_dict())
        assert_close(ours(image), outputs(reference, STAGES, image))

    def test_mobilenet_v2(self, image):
        reference = randomize(self.models.mobilenet_v2())
        ours = load(MobileNetV2(), reference.state_dict())
        layers = [f'features.{i}' for i in (3, 6, 13, 17)]
        assert_close(ours(image), outputs(reference, layers, image))

    @pytest.mark.parametrize('arch', ['small', 'large'])
    def test_mobilenet_v3(self, arch):
        """Convolutions pad other sides: the first block of stride 1 on equal inputs."""
        reference = randomize(getattr(self.models, f'mobilenet_v3_{arch}')())
        norm_cfg = dict(type='BN', eps=1e-3)
        ours = load(MobileNetV3(arch, norm_cfg=norm_cfg), reference.state_dict())
        number = 3  # a block of stride 1 with expansion
        block, own = reference.features[number], getattr(ours, f'layer{number}')
        x = torch.randn(2, block.block[0][0].in_channels, 8, 8)
        assert_close([own(x)], [block(x)])
        last = len(reference.features) - 1
        x = torch.randn(2, reference.features[last][0].in_channels, 8, 8)
        own = getattr(ours, f'layer{last}')
        assert_close([own(x)], [reference.features[last](x)])

    def test_swin(self, image):
        reference = self.models.SwinTransformer(
            patch_size=[4, 4], embed_dim=8, depths=[1, 2, 1, 1],
            num_heads=[1, 2, 2, 2], window_size=[7, 7], stochastic_depth_prob=0.0,
        )  # fmt: skip
        network = with_eps(reference, 1e-5)
        ours = SwinTransformer(**TINY_SWIN, drop_path_rate=0.0)
        ours = load(ours, network.state_dict())
        layers = [f'features.{i}' for i in (1, 3, 5, 7)]
        expected = [
            norm(x).permute(0, 3, 1, 2)
            for norm, x in zip(
                [ours.norm0, ours.norm1, ours.norm2, ours.norm3],
                outputs(network, layers, image),
                strict=True,
            )
        ]
        assert_close(ours(image), expected)


class TestTimm:
    @pytest.fixture(autouse=True)
    def timm(self):
        self.timm = installed('timm')

    @pytest.mark.parametrize(
        ('name', 'build'),
        [
            ('resnet50', lambda: ResNet(50)),
            ('resnet50d', lambda: ResNetV1d(depth=50, stem_channels=64)),
            ('resnet18d', lambda: ResNetV1d(depth=18, stem_channels=64)),
            ('resnext50_32x4d', lambda: ResNeXt(depth=50, groups=32, base_width=4)),
        ],
    )
    def test_resnets(self, name, build, image):
        reference = randomize(self.timm.create_model(name))
        ours = load(build(), reference.state_dict())
        assert_close(ours(image), outputs(reference, STAGES, image))

    def test_mobilenet_v2(self, image):
        reference = randomize(self.timm.create_model('mobilenetv2_100'))
        ours = load(MobileNetV2(), reference.state_dict())
        layers = [f'blocks.{i}' for i in (1, 2, 4, 6)]
        assert_close(ours(image), outputs(reference, layers, image))

    def test_hrnet(self, image):
        reference = randomize(self.timm.create_model('hrnet_w18_small'))
        stage = dict(num_modules=1, block='BASIC', fuse_method='SUM')
        extra = dict(
            stage1=dict(
                num_modules=1, num_branches=1, block='BOTTLENECK', num_blocks=(1,),
                num_channels=(32,),
            ),
            **{
                f'stage{n}': dict(
                    num_branches=n, num_blocks=(2,) * n,
                    num_channels=(16, 32, 64, 128)[:n], **stage,
                )
                for n in (2, 3, 4)
            },
        )  # fmt: skip
        ours = load(HRNet(extra), reference.state_dict())
        for layer in reference.modules():
            if isinstance(layer, nn.Upsample):  # as the toolbox has it
                layer.mode, layer.align_corners = 'bilinear', False
        assert_close(ours(image), outputs(reference, ['stage4'], image)[0])

    def test_swin(self):
        image = torch.randn(1, 3, 224, 224)
        reference = self.timm.create_model(
            'swin_tiny_patch4_window7_224', embed_dim=8, depths=(1, 2, 1, 1),
            num_heads=(1, 2, 2, 2), drop_path_rate=0.0,
        )  # fmt: skip
        network = with_eps(reference, 1e-5)
        ours = load(
            SwinTransformer(**TINY_SWIN, drop_path_rate=0.0), network.state_dict()
        )
        layers = [f'layers.{i}.blocks' for i in range(4)]
        expected = [
            norm(x).permute(0, 3, 1, 2)
            for norm, x in zip(
                [ours.norm0, ours.norm1, ours.norm2, ours.norm3],
                outputs(network, layers, image),
                strict=True,
            )
        ]
        assert_close(ours(image), expected)


class TestTransformers:
    @pytest.fixture(autouse=True)
    def transformers(self):
        self.transformers = installed('transformers')

    def files(self, network, folder):
        """State dicts in memory and as the package saves it, under the hub's names."""
        load_file = pytest.importorskip('safetensors.torch').load_file
        network.save_pretrained(folder)
        return network.state_dict(), load_file(folder / 'model.safetensors')

    def test_resnet(self, image, tmp_path):
        config = self.transformers.ResNetConfig(
            embedding_size=8, hidden_sizes=[32, 64, 128, 256]
        )
        network = self.transformers.ResNetForImageClassification(config)
        reference = randomize(network)
        layers = [f'resnet.encoder.stages.{i}' for i in range(4)]
        expected = outputs(reference, layers, image)
        for state in self.files(reference, tmp_path):
            ours = load(ResNet(50, base_channels=8, stem_channels=8), state)
            assert_close(ours(image), expected)

    def test_segformer(self, image, tmp_path):
        config = self.transformers.SegformerConfig(
            hidden_sizes=[8, 16, 32, 64], depths=[1, 2, 1, 1],
            num_attention_heads=[1, 2, 4, 8], drop_path_rate=0.0,
        )  # fmt: skip
        network = self.transformers.SegformerForSemanticSegmentation(config)
        reference = with_eps(network, 1e-6).eval()
        expected = reference(image, output_hidden_states=True).hidden_states
        for state in self.files(reference, tmp_path):
            ours = MixVisionTransformer(**TINY_MIT, drop_path_rate=0.0)
            assert_close(load(ours, state)(image), expected)

    def test_swin(self, tmp_path):
        image = torch.randn(1, 3, 224, 224)
        config = self.transformers.SwinConfig(
            embed_dim=8, depths=[1, 2, 1, 1], num_heads=[1, 2, 2, 2],
            drop_path_rate=0.0,
        )  # fmt: skip
        network = self.transformers.SwinForImageClassification(config)
        network = with_eps(network, 1e-5)
        layers = [
            f'swin.encoder.layers.{i}.blocks.{b}' for i, b in enumerate((0, 1, 0, 0))
        ]
        found = outputs(network, layers, image)
        for state in self.files(network, tmp_path):
            ours = load(SwinTransformer(**TINY_SWIN, drop_path_rate=0.0), state)
            norms = [ours.norm0, ours.norm1, ours.norm2, ours.norm3]
            expected = []
            for norm, x in zip(norms, found, strict=True):
                x = x[0] if isinstance(x, tuple) else x
                side = round(x.shape[1] ** 0.5)
                expected.append(norm(x).unflatten(1, (side, side)).permute(0, 3, 1, 2))
            assert_close(ours(image), expected)


HRNET = dict(
    stage1=dict(
        num_modules=1, num_branches=1, block='BOTTLENECK', num_blocks=(1,),
        num_channels=(16,),
    ),
    **{
        f'stage{n}': dict(
            num_modules=1, num_branches=n, block='BASIC', num_blocks=(1,) * n,
            num_channels=(4, 8, 16, 32)[:n],
        )
        for n in (2, 3, 4)
    },
)  # fmt: skip


class TestMmpretrain:
    """Its checkpoints hold classifiers, whose backbones have names of the toolbox."""

    @pytest.mark.parametrize(
        ('theirs', 'ours'),
        [
            (dict(type='ResNet', depth=50), lambda: ResNet(50)),
            (dict(type='ResNetV1c', depth=18), lambda: ResNetV1c(depth=18)),
            (dict(type='ResNetV1d', depth=50), lambda: ResNetV1d(depth=50)),
            (
                dict(type='ResNeXt', depth=50, groups=32, width_per_group=4),
                lambda: ResNeXt(depth=50, groups=32, base_width=4),
            ),
            (dict(type='MobileNetV2'), MobileNetV2),
            (
                dict(type='SwinTransformer', arch='tiny', pad_small_map=True),
                lambda: SwinTransformer(
                    embed_dims=96, depths=(2, 2, 6, 2), num_heads=(3, 6, 12, 24)
                ),
            ),
            (dict(type='HRNet', extra=HRNET), lambda: HRNet(HRNET)),
        ],
        ids=lambda value: value['type'] if isinstance(value, dict) else '',
    )
    def test_backbones(self, theirs, ours, image):
        installed('mmpretrain')
        theirs = {**theirs, 'type': f'mmpretrain.{theirs["type"]}'}
        if 'out_indices' not in theirs and 'HRNet' not in theirs['type']:
            indices = (1, 2, 4, 6) if 'Mobile' in theirs['type'] else (0, 1, 2, 3)
            theirs['out_indices'] = indices
        reference = randomize(MODELS.build(theirs))
        state = {f'backbone.{n}': t for n, t in reference.state_dict().items()}
        network = load(ours(), {**state, 'head.fc.weight': torch.zeros(1)})
        if 'HRNet' not in theirs['type']:  # where branches are interpolated otherwise
            assert_close(network(image), reference(image))

    @pytest.mark.parametrize('package', ['timm', 'torchvision', 'transformers'])
    def test_convnext(self, package, image):
        installed('mmpretrain')
        depths, widths = (1, 1, 2, 1), (8, 16, 24, 32)
        ours = MODELS.build(
            dict(
                type='mmpretrain.ConvNeXt', gap_before_final_norm=False,
                out_indices=(0, 1, 2, 3), arch=dict(depths=depths, channels=widths),
            )
        )  # fmt: skip
        reference, layers = getattr(self, package)(depths, widths)
        with_eps(reference, 1e-6)
        load(ours, reference.state_dict())
        expected = outputs(reference, layers, image)
        norms = [ours.norm0, ours.norm1, ours.norm2, ours.norm3]
        expected = [norm(x) for norm, x in zip(norms, expected, strict=True)]
        assert_close(ours(image), expected)

    def timm(self, depths, widths):
        model = installed('timm').create_model
        network = model('convnext_tiny', depths=depths, dims=widths)
        return network, [f'stages.{i}' for i in range(4)]

    def torchvision(self, depths, widths):
        models = installed('torchvision.models')
        block = models.convnext.CNBlockConfig
        nexts = (*widths[1:], None)
        blocks = map(block, widths, nexts, depths)
        network = models.ConvNeXt([*blocks], stochastic_depth_prob=0.0)
        return network, [f'features.{i}' for i in (1, 3, 5, 7)]

    def transformers(self, depths, widths):
        transformers = installed('transformers')
        config = transformers.ConvNextConfig(depths=depths, hidden_sizes=widths)
        network = transformers.ConvNextForImageClassification(config)
        return network, [f'convnext.encoder.stages.{i}' for i in range(4)]
