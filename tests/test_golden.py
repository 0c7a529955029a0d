"""Our CEN-RefineNet equals the released one on values that the latter computed.

The values lie outside the project: in the folder that MMSEG_CEN_REFERENCE names, or in
`../shared/reference` beside the checkout. tests/released/test_segmentation.py needs
none.
"""

import json
import os
import runpy
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from mmseg_cen.released.segmentation import from_released, to_released
from mmseg_cen.streams.sparsity import gamma_l1

ROOT = Path(__file__).parents[1]
REFERENCE = Path(
    os.environ.get('MMSEG_CEN_REFERENCE', ROOT.parent / 'shared' / 'reference')
)
VALUES = REFERENCE / 'official_refinenet_r50.npz'
STREAMS = ('rgb', 'depth', 'ensemble')

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not VALUES.is_file(),
        reason=f'needs the golden values, {VALUES}; set MMSEG_CEN_REFERENCE',
    ),
]


@pytest.fixture(scope='module')
def released():
    """State dict of the released network, in float64."""
    recipe = runpy.run_path(str(REFERENCE / 'golden_weights.py'))['golden_tensor']
    shapes = json.loads((REFERENCE / 'official_refinenet_r50_keys.json').read_text())
    return {
        name: torch.from_numpy(np.asarray(recipe(name, tuple(shape), 0.019)))
        for name, shape in shapes.items()
    }


def compute(released, dtype):
    """Everything that is stored, by its name there, as our network computes it."""
    converted = from_released(released)
    cfg = Config.fromfile(
        ROOT / 'configs/cen/refinenet_r101_nyud.py', import_custom_modules=False
    )
    cfg.merge_from_dict({'model': converted['meta']['model']})
    cfg.model.backbone.init_cfg = None  # needs torchvision
    model = MODELS.build(cfg.model).to(dtype).eval()
    model.load_state_dict(converted['state_dict'], strict=True)

    rng = np.random.default_rng(0)
    inputs = [torch.from_numpy(rng.standard_normal((1, 3, 96, 128))) for _ in range(2)]
    label = rng.integers(0, 40, (1, 96, 128))
    label[:, :5] = 255
    sample = SegDataSample(gt_sem_seg=PixelData(data=torch.from_numpy(label)))
    packed = torch.cat(inputs, dim=1).to(dtype)

    logits = model.decode_head.forward_streams(model.extract_feat(packed))
    losses = model.loss(packed, [sample])
    ce = torch.stack([losses[f'decode.{name}.loss_ce'] for name in STREAMS])
    l1 = gamma_l1(model)
    # The released code adds its penalty, weighted by 2e-4, once per output.
    loss = ce.sum() + 3 * 2e-4 * l1
    loss.backward()
    # A state dict with gradients in place of parameters, in the released names.
    gradients = {name: p.grad for name, p in model.named_parameters()}
    gradients = to_released(model.state_dict() | gradients)['segmenter']

    values = {'alpha': model.decode_head.alpha, 'ce': ce, 'l1': l1, 'loss': loss}
    values |= {name: logits[name] for name in STREAMS}
    for name, gradient in gradients.items():
        name = name.removeprefix('module.')
        values |= {
            f'grad:{name}': gradient,
            f'gradnorm:{name}': gradient.double().norm(),
        }
    return values


@pytest.mark.parametrize(
    ('dtype', 'tolerance', 'of_gradients'),
    [(torch.float64, 1e-6, 1e-6), (torch.float32, 1e-3, 1e-2)],
    ids=str,
)
def test_every_stored_value_of_the_released_network_is_ours(
    released, dtype, tolerance, of_gradients
):
    """In float32, gradients are less exact.

    Activations near 0 pass the ReLU in one precision and not in the other, and which
    ones do depends on the processor.
    """
    values = compute(released, dtype)
    errors = {}
    with np.load(VALUES) as golden:
        for name, expected in golden.items():
            ours = values[name].detach().double().numpy()
            assert ours.shape == expected.shape, name
            errors[name] = np.linalg.norm(ours - expected) / np.linalg.norm(expected)
    assert set(STREAMS) | {'alpha', 'ce', 'l1', 'loss'} < set(errors)
    print(f'largest relative error in {dtype}: {max(errors.values()):.1e}')
    assert {
        name: error
        for name, error in errors.items()
        if not error <= (of_gradients if name.startswith('grad') else tolerance)
    } == {}
