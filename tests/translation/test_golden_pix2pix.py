"""Our networks equal the released ones on values that the latter computed.

The values lie outside the project: in the folder that MMSEG_CEN_REFERENCE names, or in
`../shared/reference` beside the checkout. Networks of any width are compared: each
`official_pix2pix_*.npz` with the `*_keys.json` of the same name.
test_released.py does without.
"""

import json
import os
import runpy
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.structures import PixelData

from mmseg_cen.hooks import gamma_l1
from mmseg_cen.models import own_part
from mmseg_cen.released.translation import from_released, to_released
from mmseg_cen.translation import CENPix2Pix, TranslationDataSample

REFERENCE = Path(
    os.environ.get(
        'MMSEG_CEN_REFERENCE', Path(__file__).parents[3] / 'shared' / 'reference'
    )
)
FILES = sorted(REFERENCE.glob('official_pix2pix_*.npz'))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not FILES,
        reason=f'needs the golden values in {REFERENCE}; set MMSEG_CEN_REFERENCE',
    ),
]


def released_weights(path):
    """State dicts of the released generator and discriminator, in float64."""
    recipe = runpy.run_path(str(REFERENCE / 'golden_weights.py'))['golden_tensor']
    keys = path.with_name(f'{path.stem}_keys.json')
    tensors = {
        name: torch.from_numpy(np.asarray(recipe(name, tuple(shape), 0.0095)))
        for name, shape in json.loads(keys.read_text()).items()
    }
    return [
        {name[2:]: t for name, t in tensors.items() if name.startswith(prefix)}
        for prefix in ('G.', 'D.')
    ]


def compute(path, dtype):
    """Everything that is stored, by its name there, as our networks compute it."""
    released = released_weights(path)
    converted = from_released(*released)
    settings = converted['meta']['model']
    settings['generator']['dropout'] = 0
    settings['generator']['exchange_threshold'] = 1e-2
    M = settings['generator']['num_modalities']
    model = CENPix2Pix(sources=[f'x{m}' for m in range(M)], **settings).to(dtype)
    model.load_state_dict(converted['state_dict'], strict=True)

    rng = np.random.default_rng(0)
    *inputs, target = (
        torch.from_numpy(rng.uniform(-1, 1, (2, 3, 256, 256))) for _ in range(M + 1)
    )
    packed, target = torch.cat(inputs, dim=1).to(dtype), target.to(dtype)
    samples = [TranslationDataSample(gt_image=PixelData(data=t)) for t in target]

    model.eval()
    with torch.no_grad():
        images = model(packed)
        logits = [model.discriminator(x.to(dtype), target) for x in inputs]
    values = {f'eval_d_real{m}': x.sigmoid() for m, x in enumerate(logits)}
    values |= {f'eval_out{m}': images[f'x{m}'] for m in range(M)}
    values |= {'eval_ensemble': images['ensemble'], 'alpha': model.alpha}
    values = {
        name: x[:, :, ::8, ::8] if x.shape[-1] == 256 else x
        for name, x in values.items()
    }

    model.train()
    outputs = model.generator(packed)
    losses = model.discriminator_losses(packed, outputs[0], samples)
    values['d_loss'] = sum(losses.values())
    first = model.discriminator.layers.conv1.conv.weight
    (gradient,) = torch.autograd.grad(values['d_loss'], first)
    values['d_gradnorm_conv1'] = gradient.norm()

    losses = model(packed, samples, mode='loss', outputs=outputs)
    gan = [v for name, v in losses.items() if name.startswith('loss_gan')]
    l1 = [v for name, v in losses.items() if name.startswith('loss_l1')]
    assert len(gan) + len(l1) == len(losses)
    values |= {'g_gan': sum(gan), 'g_l1': sum(l1), 'gamma_l1_conv2to7': gamma_l1(model)}
    # Layers that the released network owns, and penalizes, but never uses.
    unused = sum(
        released[0][f'conv{i}.insnorm_conv.insnorm_{m}.weight'][own].abs().sum()
        for i, size in ((1, first.shape[0]), (8, 8 * first.shape[0]))
        for m, own in enumerate(own_part(M, size))
    )
    values['gamma_l1_all8'] = values['gamma_l1_conv2to7'] + unused
    values['g_loss'] = sum(gan) + sum(l1) + 1e-3 * values['gamma_l1_all8']
    values['g_loss'].backward()
    assert all(p.grad is None for p in model.discriminator.parameters())
    # A state dict with gradients in place of parameters, in the released names.
    gradients = {
        name: p.grad for name, p in model.named_parameters() if p.grad is not None
    }
    gradients = to_released(model.state_dict() | gradients)[0]
    for name, gradient in gradients.items():
        values[f'grad:{name}'] = gradient
        values[f'gradnorm:{name}'] = gradient.double().norm()
    return values


@pytest.mark.parametrize('path', FILES, ids=lambda path: path.stem)
@pytest.mark.parametrize(
    ('dtype', 'tolerance'), [(torch.float64, 1e-6), (torch.float32, 1e-2)], ids=str
)
def test_every_stored_value_of_the_released_networks_is_ours(path, dtype, tolerance):
    values = compute(path, dtype)
    errors = {}
    with np.load(path) as golden:
        for name, expected in golden.items():
            ours = values[name].detach().double().numpy()
            assert ours.shape == expected.shape, name
            errors[name] = np.linalg.norm(ours - expected) / np.linalg.norm(expected)
    assert {'eval_out0', 'eval_d_real0', 'd_loss', 'g_gan', 'g_l1', 'g_loss'} < {
        *errors
    }
    print(f'largest relative error in {dtype}: {max(errors.values()):.1e}')
    assert {name: e for name, e in errors.items() if not e <= tolerance} == {}
