import pytest
import torch
from mmseg.registry import MODELS

from mmseg_cen.translation import TranslationDataSample

DOMAINS = ('rgb', 'depth', 'normal')
DISCRIMINATOR = dict(type='PatchDiscriminator', base_channels=4, num_strided=2)


def generator(**kwargs):
    return dict(type='CyclicUNet', num_downs=5, base_channels=4, dropout=0, **kwargs)


@pytest.fixture
def build():
    """Build a tiny model whose norms exchange some channels."""

    def built(**kwargs):
        torch.manual_seed(0)
        options = dict(exchange_threshold=0.3, exchange_scope='all')
        model = MODELS.build(
            dict(
                type='CyclicPix2Pix',
                sources=DOMAINS,
                generator=generator(**{**options, **kwargs.pop('generator', {})}),
                **{'discriminator': DISCRIMINATOR, **kwargs},
            )
        )
        with torch.no_grad():
            for name, parameter in model.generator.named_parameters():
                if 'norm.weight' in name:
                    parameter.uniform_(-1, 1)
        return model

    return built


@pytest.fixture
def samples():
    """Samples of three domains, of which depth has one channel."""
    meta = dict(sources=dict(rgb=3, depth=1, normal=3), img_path='a.png')
    return [TranslationDataSample(metainfo=meta) for _ in range(2)]


@pytest.fixture
def inputs():
    return torch.rand(2, 9, 32, 32) * 2 - 1
