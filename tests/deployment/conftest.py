"""Networks of few layers, and what the exported ones must compute."""

import pytest
import torch
from mmseg.registry import MODELS
from torch import nn

from mmseg_cen.streams.norm import ModalityNorm
from mmseg_cen.streams.places import exchanging_norms

NUM_CLASSES = 5


class Encoder(nn.Sequential):
    """A stem, and a convolution whose norm exchanges channels."""

    def __init__(self):
        super().__init__(
            nn.Conv2d(3, 4, 7, stride=4, padding=3),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.Conv2d(4, 6, 3, padding=1),
            nn.BatchNorm2d(6),
            nn.ReLU(),
        )

    def forward(self, x):
        return (super().forward(x),)


def segmentor(modalities, **head):
    channels = dict(rgb=dict(mean=[120.0, 110.0, 100.0], std=[60.0, 50.0, 40.0]))
    others = {name: dict(mean=[3.0], std=[1.5]) for name in modalities[1:]}
    return dict(
        type='CENSegmentor',
        modalities=modalities,
        data_preprocessor=dict(
            type='MultimodalPreprocessor', modalities={**channels, **others}
        ),
        backbone=dict(type='CENBackbone', backbone=dict(type=Encoder)),
        decode_head=dict(
            type='EnsembleHead',
            head={
                **dict(
                    type='FCNHead',
                    num_convs=0,
                    concat_input=False,
                    in_channels=6,
                    channels=6,
                    in_index=0,
                    num_classes=NUM_CLASSES,
                    norm_cfg=dict(type='BN'),
                    loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
                ),
                **head,
            },
        ),
        test_cfg=dict(mode='whole'),
    )


def translation():
    return dict(
        type='CENPix2Pix',
        sources=('depth', 'normal'),
        generator=dict(type='CENUNet', num_downs=3, base_channels=4),
        data_preprocessor=dict(
            type='TranslationPreprocessor', sources=dict(depth=1, normal=3)
        ),
    )


@pytest.fixture
def build():
    """Build a model, as if it had been trained: some of its channels are exchanged."""

    def build(cfg):
        model = MODELS.build(cfg).eval()
        for layer in model.modules():
            if isinstance(layer, ModalityNorm):
                layer.norm.weight.data.uniform_(0.5, 1.5)
                layer.norm.bias.data.normal_(0, 0.1)
                layer.norm.weight.data[::3] = 1e-3
                layer.norm.running_mean.normal_(0, 0.1)
                layer.norm.running_var.uniform_(0.5, 1.5)
        for name, parameter in model.named_parameters():
            if 'alpha_logits' in name:
                nn.init.normal_(parameter)
        norms = exchanging_norms(model).values()
        assert any((n.gamma.abs() < n.exchange_threshold).any() for n in norms)
        return model

    return build


@pytest.fixture
def predict():
    """What a test computes from loaded images: all streams, and the ensemble."""

    def predict(model, images):
        loaded = torch.cat(images, dim=1)
        data = model.data_preprocessor(dict(inputs=[*loaded]))
        inputs = data['inputs']
        with torch.no_grad():
            if hasattr(model, 'generator'):
                return list(model(inputs, mode='tensor').values())
            metas = [dict(img_shape=inputs.shape[2:])] * len(inputs)
            logits = model.encode_decode(inputs, metas)
        return [*logits.chunk(len(model.modalities) + 1, dim=1)]

    return predict
