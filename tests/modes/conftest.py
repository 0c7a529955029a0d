"""A small network of a backbone that knows ``with_cp``, and a batch for it."""

import pytest
import torch
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample


@pytest.fixture
def build():
    """A function that builds the network, the same each time."""

    def build(stages=2):
        torch.manual_seed(0)
        n = stages - 1
        unet = dict(
            type='UNet', base_channels=8, num_stages=stages, norm_eval=True,
            strides=(1,) * stages, enc_dilations=(1,) * stages, dec_dilations=(1,) * n,
            enc_num_convs=(1,) * stages, dec_num_convs=(1,) * n,
            downsamples=(True,) * n,
        )  # fmt: skip
        head = dict(
            type='FCNHead', in_channels=8, channels=8, num_convs=0, num_classes=5,
            concat_input=False, dropout_ratio=0,
        )  # fmt: skip
        model = MODELS.build(
            dict(
                type='CENSegmentor',
                backbone=dict(
                    type='CENBackbone',
                    backbone=unet,
                    num_modalities=2,
                    exchange_threshold=0.5,
                ),
                decode_head=dict(type='EnsembleHead', head=head),
                test_cfg=dict(mode='whole'),
            )
        )
        for parameter in model.parameters():
            torch.nn.init.uniform_(parameter, -1, 1)
        return model

    return build


@pytest.fixture
def batch():
    """A function that makes inputs and samples of a size."""

    def batch(size=16, num_samples=2):
        generator = torch.Generator().manual_seed(1)
        inputs = torch.randn(num_samples, 6, size, size, generator=generator)
        samples = [SegDataSample() for _ in range(num_samples)]
        for sample in samples:
            label = torch.randint(5, (1, size, size), generator=generator)
            sample.gt_sem_seg = PixelData(data=label)
            sample.set_metainfo(dict.fromkeys(('img_shape', 'ori_shape'), (size, size)))
        return inputs, samples

    return batch


@pytest.fixture
def gradients(batch):
    """A function that returns the losses of a model, and their gradients by name."""

    def gradients(model, **kwargs):
        losses = model.train()(*batch(**kwargs), mode='loss')
        losses = {k: v for k, v in losses.items() if 'loss' in k}
        model.zero_grad()
        sum(losses.values()).backward()
        found = {n: p.grad.clone() for n, p in model.named_parameters()}
        return {k: v.detach() for k, v in losses.items()}, found

    return gradients
