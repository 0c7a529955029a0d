from unittest import mock

import pytest
import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.structures import PixelData
from torch.testing import assert_close

from mmseg_cen.deployment import reference
from mmseg_cen.freezing import freeze_exchange

from .conftest import DOMAINS


def test_each_domain_has_losses_in_which_the_others_predict_it(build, inputs, samples):
    model = build(l1_weight=1.0)
    outputs = model.generator(inputs)
    losses = model(inputs, samples, mode='loss', outputs=outputs)
    assert {*losses} == {
        f'loss_{kind}{name}'
        for name in DOMAINS
        for kind in ('gan_', 'l1_', 'l1_ensemble_')
    }
    depth, streams = inputs[:, 3:6], outputs[0]
    expected = sum((streams[:, 1, m] - depth).abs().mean() for m in (0, 2))
    assert_close(losses['loss_l1_depth'], expected)
    expected = (outputs[1][:, 1] - depth).abs().mean()
    assert_close(losses['loss_l1_ensemble_depth'], expected)


def test_the_ensemble_moves_only_alpha(build, inputs, samples):
    model = build()
    losses = model(inputs, samples, mode='loss')
    sum(losses[f'loss_l1_ensemble_{name}'] for name in DOMAINS).backward()
    moved = [n for n, p in model.named_parameters() if p.grad is not None]
    assert moved == ['generator.alpha_logits']


def test_the_discriminator_is_told_the_domain_of_the_image(build, inputs, samples):
    model = build()
    with mock.patch.object(
        model.discriminator, 'forward', wraps=model.discriminator.forward
    ) as seen:
        outputs = model.generator(inputs)
        model.discriminator_losses(inputs, outputs[0], samples)
    (real, images), (_, fakes) = (call.args for call in seen.call_args_list)
    # Pairs of target and source: (rgb, depth), (rgb, normal), (depth, rgb), ...
    assert_close(real[:2, :3], inputs[:, 3:6])
    assert real[0, 3:, 0, 0].tolist() == [1, 0, 0]
    assert_close(images[:2], inputs[:, :3])
    assert_close(fakes[:2], outputs[0][:, 0, 1])
    assert real[-1, 3:, 0, 0].tolist() == [0, 0, 1]


def test_unknown_pixels_count_nowhere(build, inputs, samples):
    model = build().eval()
    known = torch.ones(3, 32, 32, dtype=torch.bool)
    known[1, :16] = False
    for sample in samples:
        sample.known = PixelData(data=known)
    outputs = tuple(x.detach() for x in model.generator(inputs))
    other = inputs.clone()
    other[:, 3:6, :16] = 0.7  # an unknown target
    found = [
        model.generator_losses(x, outputs, samples)['loss_l1_depth']
        for x in (inputs, other)
    ]
    assert_close(*found)


def test_both_networks_are_trained_in_one_step(build, inputs, samples):
    model = build()
    before = {name: p.clone() for name, p in model.named_parameters()}
    wrappers = OptimWrapperDict(
        **{
            part: OptimWrapper(torch.optim.SGD(getattr(model, part).parameters(), 0.1))
            for part in ('generator', 'discriminator')
        }
    )
    data = dict(inputs=inputs, data_samples=samples)
    logged = model.train_step(data, wrappers)
    assert {'loss_d_real', 'loss_d_fake', 'loss', 'loss_gan_rgb'} <= {*logged}
    same = [n for n, p in model.named_parameters() if torch.equal(p, before[n])]
    assert not [name for name in same if name.endswith('conv.weight')]


def test_predictions_have_the_channels_of_their_domain(build, inputs, samples):
    for sample in build().eval()(inputs, samples, mode='predict'):
        assert sample.pred_images.rgb.shape == (3, 32, 32)
        assert sample.pred_images.depth.shape == (1, 32, 32)
        assert {*sample.pred_depth_from.keys()} == {'rgb', 'normal'}
        assert_close(sample.gt_images.depth, inputs[samples.index(sample), 3:4])


def test_it_is_neither_frozen_nor_exported(build):
    model = build().eval()
    with pytest.raises(ValueError, match='got a CyclicUNet, which leaves each out'):
        freeze_exchange(model)
    with pytest.raises(ValueError, match='CENPix2Pix, got CyclicPix2Pix'):
        reference(model)


def test_wrong_parts_and_modes_are_refused(build, inputs):
    with pytest.raises(ValueError, match='`mode` must be'):
        build()(inputs, mode='draw')
    with pytest.raises(ValueError, match=r'must be 9, .* got 6'):
        build(discriminator=dict(type='PatchDiscriminator', in_channels=6))
