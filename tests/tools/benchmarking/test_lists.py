import pytest
import torch
from benchmarking.contestants import Contestant, ListContestant, model_config
from benchmarking.lists import list_segmentor, weights_of_lists
from mmengine.config import ConfigDict
from mmseg.registry import MODELS
from torch.testing import assert_close

from mmseg_cen.streams.places import exchanging_norms

REFINENET = dict(
    type='RefineNetHead',
    in_channels=[8, 16, 32, 64],
    channels=4,
    dropout_ratio=0,
    rectify_residual=True,
)
LIGHT = dict(REFINENET, type='LightRefineNetHead')
del LIGHT['rectify_residual']
COMMON = dict(dropout_ratio=0, norm_cfg=dict(type='BN'), align_corners=False)
PSPNET = dict(
    type='PSPHead',
    in_channels=16,
    in_index=3,
    channels=4,
    pool_scales=(1, 2),
    **COMMON,
)
SHALLOW = dict(
    type='FCNHead',
    in_channels=[4, 8],
    in_index=[1, 2],
    input_transform='resize_concat',
    channels=4,
    num_convs=1,
    concat_input=False,
    **COMMON,
)


def config(M, depth, scope, head, auxiliary=None, **backbone):
    def ensemble(head, **loss):
        loss = dict(type='CrossEntropyLoss', avg_non_ignore=True, **loss)
        head = dict(head, num_classes=5, loss_decode=loss)
        return dict(type='EnsembleHead', head=head)

    model = dict(
        type='CENSegmentor',
        modalities=[f'm{m}' for m in range(M)],
        backbone=dict(
            type='CENResNet',
            depth=depth,
            base_channels=2,
            stem_channels=4,
            exchange_scope=scope,
            **backbone,
        ),
        decode_head=ensemble(head),
        auxiliary_head=auxiliary and ensemble(auxiliary, loss_weight=0.4),
    )
    return model_config(ConfigDict(model=model))


@pytest.mark.parametrize('scope', ['own', 'all'])
@pytest.mark.parametrize(
    ('M', 'depth', 'heads', 'backbone'),
    [
        (2, 50, [REFINENET], dict(norm_eval=True)),
        (2, 50, [LIGHT], dict(norm_eval=True)),
        (
            3,
            18,
            [PSPNET, SHALLOW],
            dict(strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4), contract_dilation=True),
        ),
    ],
)
def test_the_network_of_lists_has_the_outputs_and_gradients_of_the_folded_one(
    scope, M, depth, heads, backbone
):
    model = config(M, depth, scope, *heads, **backbone)
    ours = MODELS.build(model).double()
    lists = list_segmentor(model).double()
    for norm in exchanging_norms(ours).values():
        with torch.no_grad():
            norm.gamma.uniform_(-0.03, 0.03)  # many of them are below the threshold
    for name, buffer in ours.named_buffers():
        if name.endswith(('running_mean', 'running_var')):
            buffer.uniform_(0.5, 1.5)
    lists.load_state_dict(weights_of_lists(ours.state_dict(), M))

    images = torch.randn(2, 3 * M, 32, 32, dtype=torch.float64)
    labels = torch.randint(0, 5, (2, 32, 32))
    labels[:, :4] = 255
    losses, gradients = [], []
    for contestant in (Contestant(ours), ListContestant(lists, M)):
        inputs = contestant.inputs(images)
        loss = contestant.loss(inputs, contestant.targets(labels))
        loss.backward()
        losses.append(loss)
        gradients.append(
            {
                name: torch.zeros_like(p) if p.grad is None else p.grad
                for name, p in contestant.model.named_parameters()
            }
        )
    assert_close(losses[0], losses[1], rtol=1e-6, atol=0)
    translated = weights_of_lists(gradients[0], M)
    assert translated.keys() == gradients[1].keys()
    assert_close(translated, gradients[1], rtol=1e-5, atol=1e-7)
    assert sum(g.abs().sum() for g in translated.values()) > 0.01

    ours.eval()
    lists.eval()
    with torch.no_grad():
        streams = ours.decode_head.forward_streams(ours.extract_feat(images))
        outputs = lists(ListContestant(lists, M).inputs(images))
    assert_close([*streams.values()], outputs, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(backbone=dict(deep_stem=True)), "settings .* got .'deep_stem'.*lists"),
        (dict(head=dict(type='ASPPHead')), '`decode_head` must be of a type in'),
    ],
)
def test_what_is_not_written_with_lists_is_refused(change, message):
    model = config(2, 50, 'own', REFINENET)
    model['backbone'].update(change.get('backbone', {}))
    model['decode_head']['head'].update(change.get('head', {}))
    with pytest.raises(ValueError, match=message):
        list_segmentor(model)
