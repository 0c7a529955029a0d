import pytest
import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from torch.testing import assert_close

from mmseg_cen.released.segmentation import from_released, to_released

THRESHOLD = 2e-2
BLOCKS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
LEVELS = (1, 2, 3, 4)  # of the decoder, coarsest first


def released_checkpoint(depth=50, M=2, K=5, base=4, stem=4, channels=4):
    """Random state dict with the names of the released network, in float64."""
    state = {}

    def conv(name, out_channels, in_channels, size=3, bias=False):
        shape = (out_channels, in_channels, size, size)
        std = (in_channels * size**2) ** -0.5
        state[f'{name}.module.weight'] = std * torch.randn(shape).double()
        if bias:
            state[f'{name}.module.bias'] = torch.randn(out_channels).double()

    def norm(name, width):
        for prefix in (f'{name}.bn_{m}' for m in range(M)):
            gamma = 0.2 + torch.rand(width).double()
            gamma[torch.rand(width) < 0.4] *= 0.03  # around the threshold
            sign = torch.where(torch.rand(width) < 0.3, -1, 1)
            state[f'{prefix}.weight'] = gamma * sign
            state[f'{prefix}.bias'] = torch.randn(width).double()
            state[f'{prefix}.running_mean'] = torch.randn(width).double()
            state[f'{prefix}.running_var'] = 0.5 + torch.rand(width).double()
            state[f'{prefix}.num_batches_tracked'] = torch.tensor(100)

    state['alpha'] = torch.randn(M).double()
    conv('conv1', stem, 3, size=7)
    norm('bn1', stem)
    width = stem
    for stage, count in enumerate(BLOCKS[depth]):
        inner, outer = base * 2**stage, base * 2**stage * 4
        for block in (f'layer{stage + 1}.{i}' for i in range(count)):
            conv(f'{block}.conv1', inner, width, size=1)
            norm(f'{block}.bn1', inner)
            conv(f'{block}.conv2', inner, inner)
            norm(f'{block}.bn2', inner)
            conv(f'{block}.conv3', outer, inner, size=1)
            norm(f'{block}.bn3', outer)
            if block.endswith('.0'):
                conv(f'{block}.downsample.0', outer, width, size=1)
                norm(f'{block}.downsample.1', outer)
            width = outer
    for j in LEVELS:
        c = 2 * channels if j == 1 else channels
        conv(f'p_ims1d2_outl{j}_dimred', c, base * 4 * 2 ** (4 - j))
        if j > 1:
            conv(f'adapt_stage{j}_b2_joint_varout_dimred', c, c)
        if j < 4:
            conv(f'mflow_conv_g{j}_b3_joint_varout_dimred', channels, c)
        for k in range(1, 5):
            conv(f'mflow_conv_g{j}_pool.0.{k}_outvar_dimred', c, c)
        for part, units in (('adapt_stage', 2), ('mflow_conv_g', 3)):
            for k in range(1, units + 1):
                unit = f'{part}{j}_b.0.{k}_conv'
                conv(unit, c, c, bias=True)
                conv(f'{unit}_relu_varout_dimred', c, c)
    conv('clf_conv', K, channels, bias=True)
    return state


def released_forward(state, inputs):
    """What the released network computes of a list of two images, in eval mode.

    Streams are a list all the way: nothing is folded, packed or wrapped.
    """

    def conv(name, x, stride=1):
        weight = state[f'{name}.module.weight']
        bias = state.get(f'{name}.module.bias')
        return F.conv2d(x, weight, bias, stride, padding=weight.shape[-1] // 2)

    def norm(name, xs):
        keys = ('running_mean', 'running_var', 'weight', 'bias')
        return [
            F.batch_norm(x, *(state[f'{name}.bn_{m}.{key}'] for key in keys))
            for m, x in enumerate(xs)
        ]

    def exchange(name, xs):
        outs = [x.clone() for x in xs]
        for m in range(len(xs)):
            small = state[f'{name}.bn_{m}.weight'].abs() < THRESHOLD
            outs[m][:, small] = xs[1 - m][:, small]
        return outs

    def bottleneck(name, xs, stride):
        ys = norm(f'{name}.bn1', [conv(f'{name}.conv1', x) for x in xs])
        ys = [conv(f'{name}.conv2', y.relu(), stride) for y in ys]
        ys = norm(f'{name}.bn2', ys)
        if len(xs) > 1:
            ys = exchange(f'{name}.bn2', ys)
        ys = norm(f'{name}.bn3', [conv(f'{name}.conv3', y.relu()) for y in ys])
        if name.endswith('.0'):
            xs = [conv(f'{name}.downsample.0', x, stride) for x in xs]
            xs = norm(f'{name}.downsample.1', xs)
        return [(x + y).relu() for x, y in zip(xs, ys, strict=True)]

    def encode(xs):
        xs = norm('bn1', [conv('conv1', x, stride=2) for x in xs])
        xs = [F.max_pool2d(x.relu(), 3, stride=2, padding=1) for x in xs]
        stages = []
        for stage in (1, 2, 3, 4):
            count = len({n.split('.')[1] for n in state if n[:6] == f'layer{stage}'})
            for i in range(count):
                stride = 2 if stage > 1 and i == 0 else 1
                xs = bottleneck(f'layer{stage}.{i}', xs, stride)
            stages.append(xs)
        return zip(*stages, strict=True)  # per modality, finest first

    def units(name, count, x):
        for k in range(1, count + 1):
            x = x.relu()  # in place there: the residual is rectified, too
            y = conv(f'{name}.0.{k}_conv', x).relu()
            x = x + conv(f'{name}.0.{k}_conv_relu_varout_dimred', y)
        return x

    def decode(stages):
        above = None
        for j, x in zip(LEVELS, reversed(stages), strict=True):
            x = units(f'adapt_stage{j}_b', 2, conv(f'p_ims1d2_outl{j}_dimred', x))
            if above is not None:
                x = conv(f'adapt_stage{j}_b2_joint_varout_dimred', x)
                x = x + F.interpolate(
                    above, x.shape[2:], mode='bilinear', align_corners=True
                )
            top = x = x.relu()
            for k in range(1, 5):
                top = F.max_pool2d(top, 5, stride=1, padding=2)
                top = conv(f'mflow_conv_g{j}_pool.0.{k}_outvar_dimred', top)
                x = x + top
            x = units(f'mflow_conv_g{j}_b', 3, x)
            if j < 4:
                x = conv(f'mflow_conv_g{j}_b3_joint_varout_dimred', x)
            above = x
        return conv('clf_conv', above)

    logits = [decode(stages) for stages in encode(inputs)]
    alpha = state['alpha'].softmax(0)
    return logits, sum(a * x.detach() for a, x in zip(alpha, logits, strict=True))


def build(settings, M):
    """The model that the settings of a converted checkpoint describe."""
    model = dict(
        type='CENSegmentor',
        backbone=dict(
            type='CENResNet', exchange_threshold=THRESHOLD, **settings['backbone']
        ),
        decode_head=dict(
            type='EnsembleHead',
            modalities=[f'm{i}' for i in range(M)],
            head=dict(type='RefineNetHead', **settings['decode_head']['head']),
        ),
    )
    return MODELS.build(model).double().eval()


def load(converted, M=2):
    model = build(converted['meta']['model'], M)
    model.load_state_dict(converted['state_dict'], strict=True)
    return model


@pytest.mark.parametrize(
    ('depth', 'K', 'size'), [(50, 3, (51, 70)), (101, 5, (32, 48)), (152, 5, (32, 48))]
)
def test_a_converted_network_computes_what_the_released_one_does(depth, K, size):
    torch.manual_seed(depth)
    state = released_checkpoint(depth, K=K)
    inputs = torch.randn(2, 2, 3, *size).double().unbind()
    model = load(from_released(state))
    ours = model.decode_head.forward_streams(
        model.extract_feat(torch.cat(inputs, dim=1))
    )
    logits, ensemble = released_forward(state, inputs)
    for name, expected in zip(ours, [*logits, ensemble], strict=True):
        assert_close(ours[name], expected, rtol=0, atol=1e-9 * expected.abs().max())


def test_gradients_of_a_converted_network_are_those_of_the_released_one():
    torch.manual_seed(0)
    state = released_checkpoint()
    inputs = torch.randn(2, 1, 3, 64, 64).double().unbind()
    model = load(from_released(state))
    outputs = model.decode_head.forward_streams(
        model.extract_feat(torch.cat(inputs, dim=1))
    )
    sum(x.square().sum() for x in outputs.values()).backward()
    gradients = {name: p.grad for name, p in model.named_parameters()}
    ours = to_released(model.state_dict() | gradients)['segmenter']

    for name, value in state.items():
        buffer = name.endswith(('running_mean', 'running_var', 'num_batches_tracked'))
        value.requires_grad_(not buffer)
    logits, ensemble = released_forward(state, inputs)
    sum(x.square().sum() for x in [*logits, ensemble]).backward()
    for name, value in state.items():
        if value.requires_grad:
            scale = value.grad.abs().max()
            assert_close(ours[f'module.{name}'], value.grad, rtol=0, atol=1e-9 * scale)


def assert_same(ours, expected):
    assert ours.keys() == expected.keys()
    for name, value in expected.items():
        assert ours[name].dtype == value.dtype
        assert torch.equal(ours[name], value), name


@pytest.mark.parametrize(
    ('M', 'depth', 'prefix'), [(1, 50, ''), (2, 101, 'module.'), (3, 152, '')]
)
def test_the_round_trip_from_released_to_ours_is_the_identity(M, depth, prefix):
    state = released_checkpoint(depth, M, K=7, stem=8, channels=6)
    converted = from_released(
        {'segmenter': {prefix + n: v for n, v in state.items()}, 'epoch_start': 3}
    )
    load(converted, M)
    back = to_released(converted)
    assert back.pop('epoch_start') == 3
    assert back.keys() == {'segmenter'}
    assert_same(back['segmenter'], {f'module.{n}': v for n, v in state.items()})


def test_the_round_trip_from_ours_to_released_is_the_identity():
    settings = from_released(released_checkpoint())['meta']['model']
    state = build(settings, 2).state_dict()
    converted = from_released(to_released({'module.' + n: v for n, v in state.items()}))
    assert_same(converted['state_dict'], state)
    assert converted['meta']['model'] == settings


def test_the_structure_is_read_from_the_tensors():
    state = released_checkpoint(101, M=3, K=7, stem=8, base=4, channels=6)
    settings = from_released(state)['meta']['model']
    assert settings['backbone'] == dict(
        depth=101,
        num_modalities=3,
        exchange_scope='all',
        in_channels=3,
        stem_channels=8,
        base_channels=4,
    )
    assert settings['decode_head']['head'] == dict(
        in_channels=[16, 32, 64, 128],
        channels=6,
        num_classes=7,
        rectify_residual=True,
    )


def test_numbers_of_batches_that_differ_between_modalities_survive_the_round_trip():
    state = released_checkpoint(M=3)
    state['layer2.0.bn1.bn_1.num_batches_tracked'] += 7
    back = to_released(from_released(state))['segmenter']
    assert_same(back, {f'module.{n}': v for n, v in state.items()})


def test_a_checkpoint_may_be_older_than_the_numbers_of_batches():
    state = {
        name: value
        for name, value in released_checkpoint().items()
        if not name.endswith('num_batches_tracked')
    }
    converted = from_released(state)
    load(converted)
    back = to_released(converted)['segmenter']
    assert_same(back, {f'module.{n}': v for n, v in state.items()})


TENSOR = torch.zeros(1)


@pytest.mark.parametrize(
    ('checkpoint', 'message'),
    [
        ({'alpha': TENSOR, 'conv2.insnorm_conv.insnorm_0.bias': TENSOR}, 'translation'),
        ({'conv1.insnorm.module.weight': TENSOR}, 'translation'),
        ({'layer1.0.conv1.weight': TENSOR, 'fc.weight': TENSOR}, 'init_cfg'),
        ({'state_dict': {'decode_head.conv_seg.weight': TENSOR}}, 'mmsegmentation'),
        ({'state_dict': {'decode_head.alpha_logits': TENSOR}}, '--reverse'),
        ({'weights': TENSOR}, r'unknown names \(weights\): give another file'),
    ],
)
def test_checkpoints_of_other_origins_are_refused_with_advice(checkpoint, message):
    with pytest.raises(ValueError, match=message):
        from_released(checkpoint)


def test_checkpoints_of_others_are_refused_in_the_reverse_direction():
    with pytest.raises(ValueError, match='without --reverse'):
        to_released(released_checkpoint())
    state = from_released(released_checkpoint())['state_dict']
    state['decode_head.head.blocks.0.fuse.bn.weight'] = TENSOR
    with pytest.raises(ValueError, match='1 tensors are unknown'):
        to_released(state)


def test_missing_tensors_and_unknown_depths_are_named():
    state = released_checkpoint()
    del state['layer3.2.bn2.bn_1.weight']
    with pytest.raises(ValueError, match=r'missing \(layer3.2.bn2.bn_1.weight\)'):
        from_released(state)
    state = {n: v for n, v in state.items() if not n.startswith('layer1.2')}
    with pytest.raises(ValueError, match=r'\(2, 4, 6, 3\) residual blocks'):
        from_released(state)
