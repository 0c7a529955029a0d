"""Laws of the generator."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from mmseg_cen.models import ModalityIN, exchanging_norms, own_part, stream_state_dict
from mmseg_cen.translation import CENUNet

DOWNS = 4  # of 32 pixels, 2 are left where the last norm is
SIZE = 32


def build(M=2, **kwargs):
    """A generator whose norms, scaling factors and alpha are random."""
    options = dict(num_downs=DOWNS, base_channels=4, dropout=0.0, **kwargs)
    net = CENUNet(num_modalities=M, **options).double()
    for name, parameter in net.named_parameters():
        if 'norm' in name or 'alpha' in name:
            torch.nn.init.normal_(parameter, std=0.5)
    for name, buffer in net.named_buffers():
        if 'running' in name:
            torch.nn.init.uniform_(buffer, 0.5, 1.5)
    return net


def images(M=2, B=2, C=3, size=SIZE):
    return torch.rand(B, M * C, size, size, dtype=torch.float64) * 2 - 1


def norm_of(tensors, x, training):
    """Instance norm from its formula."""
    if training:
        mean = x.mean((2, 3), keepdim=True)
        var = x.var((2, 3), keepdim=True, unbiased=False)
    else:
        mean = tensors['running_mean'].view(1, -1, 1, 1)
        var = tensors['running_var'].view(1, -1, 1, 1)
    x = (x - mean) / (var + 1e-5).sqrt()
    return x * tensors['weight'].view(1, -1, 1, 1) + tensors['bias'].view(1, -1, 1, 1)


def plain_networks(states, inputs, training, threshold=0.0):
    """What M unimodal U-Nets of pix2pix compute, layer by layer, image by image.

    Args:
        states: The state dict of each, in the names of a CENUNet of one modality.
        inputs: (B, C, H, W) of each.
        training: Whether norms take the statistics of each image.
        threshold: Below which a channel of the own part is the mean of the others.
    """

    def norm(m, name, x):
        tensors = ('weight', 'bias', 'running_mean', 'running_var')
        of_layer = {t: states[m][f'{name}.norm.{t}'] for t in tensors}
        return norm_of(of_layer, x, training)

    M = len(inputs)
    streams, skips = list(inputs), []
    for i in range(1, DOWNS + 1):
        name = f'encoder.conv{i}'
        for m in range(M):
            x = streams[m] if i == 1 else F.leaky_relu(streams[m], 0.2)
            weight = states[m][f'{name}.conv.weight']
            bias = states[m][f'{name}.conv.bias']
            streams[m] = F.conv2d(x, weight, bias, stride=2, padding=1)
            if 1 < i < DOWNS:
                streams[m] = norm(m, name, streams[m])
        if 1 < i < DOWNS and M > 1:
            before = [x.clone() for x in streams]
            for m in range(M):
                gamma = states[m][f'{name}.norm.weight']
                for c in torch.arange(len(gamma)).tensor_split(M)[m].tolist():
                    if abs(gamma[c]) < threshold:
                        others = [before[k][:, c] for k in range(M) if k != m]
                        streams[m] = streams[m].clone()
                        streams[m][:, c] = sum(others) / (M - 1)
        skips.append(list(streams))
    for i in range(1, DOWNS + 1):
        name = f'decoder.deconv{i}'
        for m in range(M):
            x = streams[m]
            if i > 1:
                x = torch.cat([x, skips[DOWNS - i][m]], dim=1)
            weight = states[m][f'{name}.conv.weight']
            bias = states[m][f'{name}.conv.bias']
            x = F.conv_transpose2d(x.relu(), weight, bias, stride=2, padding=1)
            streams[m] = norm(m, name, x) if i < DOWNS else x.tanh()
    return streams


@pytest.mark.parametrize(
    ('M', 'threshold', 'decoder_norms', 'training'),
    [
        (1, 0.3, 'shared', True),
        (1, 0.3, 'private', False),
        (2, 0.0, 'shared', True),
        (2, 0.3, 'private', True),
        (2, 0.3, 'shared', False),
        (3, 0.3, 'shared', True),
        (3, 0.3, 'private', False),
    ],
)
def test_streams_are_plain_networks_that_exchange_channels(
    M, threshold, decoder_norms, training
):
    net = build(M, exchange_threshold=threshold, decoder_norms=decoder_norms)
    net.train(training)
    inputs = images(M)
    states = [stream_state_dict(net, m) for m in range(M)]
    with torch.no_grad():
        expected = plain_networks(states, inputs.chunk(M, dim=1), training, threshold)
        streams, ensemble = net(inputs)
    assert_close(streams, torch.stack(expected, dim=1))
    alpha = net.alpha_logits.detach().exp()
    total = sum(a * image for a, image in zip(alpha, expected, strict=True))
    assert_close(ensemble, total / alpha.sum())


def test_with_private_convolutions_streams_are_networks_of_their_own():
    M = 3
    net = build(M, exchange_threshold=None, convs='private', decoder_norms='private')
    net.init_weights()  # copies differ from now on
    states = [stream_state_dict(net, m) for m in range(M)]
    first = [state['encoder.conv1.conv.weight'] for state in states]
    assert not torch.equal(first[0], first[1])
    inputs = images(M)
    with torch.no_grad():
        expected = plain_networks(states, inputs.chunk(M, dim=1), training=True)
        assert_close(net(inputs)[0], torch.stack(expected, dim=1))


def test_another_exchange_than_that_of_the_paper_can_be_chosen():
    net = build(exchange=dict(type='ChannelDrop', threshold=0.3), exchange_threshold=0)
    inputs = images().requires_grad_()
    (gradient,) = torch.autograd.grad(net(inputs)[0][:, 0].sum(), inputs)
    assert not gradient[:, 3:].any()  # dropped, and replaced by nothing
    assert {type(n.exchange).__name__ for n in exchanging_norms(net).values()} == {
        'ChannelDrop'
    }


def test_without_exchange_no_source_reaches_the_image_of_another_stream():
    net = build(3, exchange_threshold=0.0)
    inputs = images(3).requires_grad_()
    for m in range(3):
        (gradient,) = torch.autograd.grad(net(inputs)[0][:, m].sum(), inputs)
        reached = gradient.unflatten(1, (3, 3)).abs().amax((0, 2, 3, 4)) > 0
        assert reached.tolist() == [k == m for k in range(3)]


def test_with_exchange_sources_reach_the_images_of_other_streams():
    net = build(2, exchange_threshold=0.3)
    inputs = images(2).requires_grad_()
    (gradient,) = torch.autograd.grad(net(inputs)[0][:, 0].sum(), inputs)
    assert gradient[:, 3:].abs().max() > 0


def test_permuting_the_sources_permutes_the_streams_and_leaves_the_ensemble():
    M, order = 3, [2, 0, 1]
    # All channels: own parts go by position, and would be others.
    net = build(M, exchange_threshold=0.3, exchange_scope='all')
    streams, ensemble = net(images_of := images(M))
    state = net.state_dict()
    for name, tensor in state.items():
        if ('encoder' in name and 'norm' in name and tensor.ndim) or 'alpha' in name:
            state[name] = tensor.unflatten(0, (M, -1))[order].flatten(0, 1)
    net.load_state_dict(state)
    permuted = images_of.unflatten(1, (M, -1))[:, order].flatten(1, 2)
    new_streams, new_ensemble = net(permuted)
    assert_close(new_streams, streams[:, order])
    assert_close(new_ensemble, ensemble)


@pytest.mark.parametrize('M', [2, 3, 4])
def test_own_parts_cover_the_channels_of_every_exchanging_norm_once(M):
    norms = exchanging_norms(build(M))
    assert list(norms) == [f'encoder.conv{i}.norm' for i in range(2, DOWNS)]
    for norm in norms.values():
        assert own_part(M, norm.num_features).sum(dim=0).eq(1).all()
        with torch.no_grad():
            norm.norm.weight.zero_()
            x = torch.randn(M, norm.num_features, 2, 2, dtype=torch.float64)
            norm.norm.bias.copy_(torch.randn_like(norm.norm.bias))
            out, before = norm(x), norm.norm.bias.view(M, -1)
        # A channel without scaling is its offset, and here a mean of other offsets.
        changed = ~torch.isclose(out[:, :, 0, 0], before)
        assert changed.sum(dim=0).eq(1).all()


def test_the_ensemble_moves_only_alpha():
    net = build()
    net(images())[1].sum().backward()
    moved = {
        name
        for name, p in net.named_parameters()
        if p.grad is not None and p.grad.any()
    }
    assert moved == {'alpha_logits'}


def test_one_source_has_no_exchange_and_nothing_to_weigh():
    net = build(1)
    assert not any(isinstance(m, ModalityIN) for m in net.modules())
    assert not net.alpha_logits.requires_grad
    streams, ensemble = net(images(1))
    assert_close(streams[:, 0], ensemble)


def test_the_layers_are_those_of_pix2pix():
    net = CENUNet(base_channels=2)
    widths = [layer.conv.out_channels for layer in net.encoder.values()]
    assert widths == [2, 4, 8, 16, 16, 16, 16, 16]
    widths = [layer.conv.out_channels for layer in net.decoder.values()]
    assert widths == [16, 16, 16, 16, 8, 4, 2, 3]
    drops = [isinstance(u.dropout, torch.nn.Dropout) for u in net.decoder.values()]
    assert drops == [True] * 3 + [False] * 5
    net.init_weights()
    weights = torch.cat([layer.conv.weight.flatten() for layer in net.decoder.values()])
    assert weights.std().item() == pytest.approx(0.02, rel=0.1)


def test_norms_with_private_scaling_factors_only_can_exchange():
    net = build(norms='private_affine', exchange_threshold=0.3)
    assert list(exchanging_norms(net)) == ['encoder.conv2.norm', 'encoder.conv3.norm']
    inputs = images().requires_grad_()
    (gradient,) = torch.autograd.grad(net(inputs)[0][:, 0].sum(), inputs)
    assert gradient[:, 3:].abs().max() > 0


def test_without_running_statistics_eval_mode_normalizes_each_image_by_its_own():
    net = build(track_running_stats=False)
    inputs = images()
    assert_close(net.eval()(inputs)[0], net.train()(inputs)[0])
    assert not [name for name in net.state_dict() if 'running' in name]


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(num_modalities=0), '`num_modalities` must be at least 1'),
        (dict(base_channels=0), '`base_channels` must be positive'),
        (dict(exchange_threshold=-1), 'not negative, got -1'),
        (dict(exchange_scope='some'), "got 'some'"),
        (dict(norms='halved'), "got 'halved'"),
        (dict(convs='halved'), "got 'halved'"),
        (dict(decoder_norms='halved'), r"`decoder_norms` must be .* got 'halved'"),
        (
            dict(norms='shared'),
            r"got exchange=.*0\.01.*: set norms='private' or",
        ),
        (dict(norms='private_statistics'), "set norms='private' or"),
        (dict(fusion=dict(type='ConcatFusion', stages='conv1')), r"got 'conv1'"),
        (dict(fusion=dict(type='ConcatFusion', stages=('conv9',))), r"got \('conv9',"),
    ],
)
def test_options_without_meaning_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        CENUNet(**{'base_channels': 2, **options})


def test_inputs_of_other_channels_are_refused():
    with pytest.raises(ValueError, match=r'in_channels = 2 \* 3 = 6, got 9'):
        build()(images(3))


def test_inputs_of_other_sizes_are_refused():
    with pytest.raises(ValueError, match=r'multiples of 2\^num_downs = 16, got'):
        build()(images(size=40))
