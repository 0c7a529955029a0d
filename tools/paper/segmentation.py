"""The rows of Tables 1, 2 and 7 and of Sec. 4.1: RefineNet, ResNet-101, NYUDv2."""

from typing import Any

from .row import Leaf, Row, Table

STREAMS = {'RGB': 'rgb/mIoU', 'Depth': 'depth/mIoU', 'Ensemble': 'mIoU'}
#: The network of the paper's data, with exchange and penalty in the own parts.
CEN = ('cen/refinenet_r101_nyud.py',)
OBSERVERS = [dict(type='ExchangeStatsHook'), dict(type='GammaRecorderHook')]
PENALTY_ON_ALL = [
    dict(type='GammaSparsityHook', sparsity_weight=5e-3, scope='all'),
    *OBSERVERS,
]

# --- Tables 1 and 7: what is shared, penalized and exchanged --------------------------

# The own part is the paper's "half" of the channels, of two modalities.
_VERSIONS = """
unshared               unshared unshared no  no   45.5 35.8 47.6
shared_norms           shared   shared   no  no   43.7 35.5 45.2
no_exchange            shared   unshared no  no   46.2 38.4 48.0
l1_half_unshared       unshared unshared own no   45.1 35.5 47.3
exchange_half_unshared unshared unshared own yes  46.5 41.6 48.5
l1_half                shared   unshared own no   46.0 38.1 47.7
exchange_half          shared   unshared own yes  49.7 45.1 51.1
l1_all_unshared        unshared unshared all no   44.6 35.3 46.6
exchange_all_unshared  unshared unshared all yes  46.8 41.7 49.1
l1_all                 shared   unshared all no   46.1 37.9 47.5
exchange_all           shared   unshared all yes  48.6 39.0 49.8
"""
_OF_TABLE_1 = (
    'unshared', 'shared_norms', 'no_exchange', 'l1_half', 'exchange_half',
    'exchange_all',
)  # fmt: skip
_CLAIMS = (
    ('exchange > no exchange', 'exchange_half', 'l1_half'),
    ('exchange > neither penalty nor exchange', 'exchange_half', 'no_exchange'),
    ('shared conv + private BN > shared BN', 'no_exchange', 'shared_norms'),
    ('own part >= all channels', 'exchange_half', 'exchange_all'),
)
_COLUMNS = ('Convs', 'BNs', 'L1', 'Exchange')
_CHANNELS = {'own': 'own part', 'all': 'all channels'}


def _version(line: str) -> Row:
    name, convs, norms, penalty, exchange, *figures = line.split()
    backbone: dict[str, Any] = {}
    head: dict[str, Any] = {}
    if exchange == 'no':
        backbone['exchange_threshold'] = 0
    elif penalty == 'all':
        backbone['exchange_scope'] = 'all'
    if convs == 'unshared':
        backbone['convs'] = head['convs'] = 'private'
    if norms == 'shared':
        backbone['norms'] = head['norms'] = 'shared'
    parts = {'backbone': backbone, 'decode_head': head}
    settings: dict[str, Any] = {}
    if model := {key: part for key, part in parts.items() if part}:
        settings['model'] = model
    if norms == 'shared':
        settings['custom_hooks'] = []  # there are no scaling factors to compare
    elif penalty != 'own':
        settings['custom_hooks'] = OBSERVERS if penalty == 'no' else PENALTY_ON_ALL
    channels = _CHANNELS.get(penalty, '')
    private = norms.replace('unshared', 'private')
    title = f'{convs.capitalize()} convolutions, {private} norms, '
    if exchange == 'yes':
        title += f'penalty and exchange: {channels}'
    else:
        title += f'penalty: {channels or "none"}, no exchange'
    cells = (convs, norms, 'own part' if penalty == 'own' else penalty, exchange)
    return Row(
        name,
        cells,
        dict(zip(STREAMS, map(float, figures), strict=True)),
        Leaf(f'ablation/{name}', title, CEN, settings),
    )


VERSIONS = {
    row.name: row for row in map(_version, _VERSIONS.strip().split('\n'))
}  # by name
OURS = VERSIONS['exchange_half']

# --- Table 2: other fusions, in two settings ------------------------------------------

SAME_SETTING = Leaf(
    '_base_/fusion/same',
    'The setting of CEN in Table 2, with a fusion instead of the exchange: shared '
    'convolutions, private norms, all streams kept, and their ensemble.',
    CEN,
    dict(model=dict(backbone=dict(exchange_threshold=0)), custom_hooks=[]),
    comments=dict(custom_hooks='there is no exchange, and no penalty for it'),
)
COMMON_SETTING = Leaf(
    '_base_/fusion/common',
    'The commonly used setting of Table 2: an encoder for each modality up to the '
    '(last) fused stage, then one trunk and one decoder of the merged stream.',
    SAME_SETTING,
    dict(
        model=dict(
            modalities=('rgb', 'depth'),
            backbone=dict(convs='private', fusion=dict(merges=True)),
        )
    ),
)
TWO_NETWORKS = Leaf(
    '_base_/fusion/two_networks',
    'The commonly used setting of Table 2 for fusions that merge nothing: a network '
    'for each modality, decoder included, and the ensemble of their predictions.',
    SAME_SETTING,
    dict(model=dict(backbone=dict(convs='private'), decode_head=dict(convs='private'))),
)
UNIMODAL = Leaf(
    '_base_/fusion/unimodal',
    'The unimodal networks of Table 2; leaves choose the modality.',
    SAME_SETTING,
    dict(model=dict(backbone=dict(num_modalities=1))),
)
SETTINGS = (SAME_SETTING, COMMON_SETTING, TWO_NETWORKS, UNIMODAL)

_METHODS = {
    'concat': ('Concatenation', 'ConcatFusion', COMMON_SETTING),
    'align': ('Alignment', 'AlignFusion', TWO_NETWORKS),
    'self_att': ('Self-attention (SSMA)', 'SSMAFusion', COMMON_SETTING),
}
_STAGES = ('layer1', 'layer2', 'layer3', 'layer4')
_PLACES = {
    'early': ('stage 2 (early)', ('layer2',)),
    'middle': ('stage 3 (middle)', ('layer3',)),
    'late': ('stage 4 (late)', ('layer4',)),
    'all': ('all stages', _STAGES),
}
# Commonly used setting: ensemble, parameters; setting of CEN: RGB, depth, ensemble,
# parameters; parameters of the fusion. Parameters in millions.
_TABLE_2 = """
concat early  47.2 120.1  47.0 37.5 47.6 118.8 0.6
concat middle 46.7 147.7  46.6 37.0 47.4 120.3 2.1
concat late   46.3 169.0  46.3 37.2 46.9 126.6 8.4
concat all    47.5 171.7  47.8 36.9 48.3 129.4 11.2
align early   46.4 238.8  46.3 35.8 46.7 120.8 2.6
align middle  47.9 246.7  47.7 36.0 48.1 128.7 10.5
align late    47.6 278.1  47.3 35.4 47.6 160.1 41.9
align all     46.8 291.9  46.6 35.5 47.0 173.9 55.7
self_att early  47.8 124.9  47.7 38.3 48.2 123.6 5.4
self_att middle 48.3 166.9  48.0 38.1 48.7 139.4 21.2
self_att late   47.5 245.5  47.6 38.1 48.3 203.2 84.9
self_att all    48.7 272.3  48.5 37.7 49.1 231.0 112.8
"""


def _fused(path: str, title: str, base: Leaf, note: str = '', **fusion: Any) -> Leaf:
    settings = dict(model=dict(backbone=dict(fusion=fusion)))
    return Leaf(f'fusion/{path}', title, base, settings, note)


def _fusions(line: str) -> tuple[Row, Row]:
    """A method at a place, in the commonly used setting and in the setting of CEN."""
    method, place, *text = line.split()
    common, total, rgb, depth, ensemble, same, fusion = map(float, text)
    name, fusion_type, base = _METHODS[method]
    behind, stages = _PLACES[place]
    title = f'{name} behind {behind}'
    fused = dict(type=fusion_type, stages=stages)
    leaf = f'{method}_{place}'
    return (
        Row(
            f'common_{leaf}',
            ('commonly used', method, place),
            {'Ensemble': common, 'Params (M)': total, 'Fusion (M)': fusion},
            _fused(f'common/{leaf}', f'{title}, commonly used setting', base, **fused),
        ),
        Row(
            f'same_{leaf}',
            ('same as ours', method, place),
            {
                'RGB': rgb, 'Depth': depth, 'Ensemble': ensemble,
                'Params (M)': same, 'Fusion (M)': fusion,
            },
            _fused(
                f'same/{leaf}', f'{title}, in the setting of CEN', SAME_SETTING, **fused
            ),
        ),
    )  # fmt: skip


def _unimodal(modality: str, name: str, figure: float) -> Row:
    settings = dict(model=dict(modalities=(modality,)))
    leaf = Leaf(
        f'fusion/unimodal_{modality}', f'The unimodal network of {name}', UNIMODAL,
        settings, modality=modality,
    )  # fmt: skip
    paper = {'Ensemble': figure, 'Params (M)': 118.1}
    return Row(f'unimodal_{modality}', ('unimodal', modality, ''), paper, leaf)


def _table_2() -> list[Row]:
    rows = [_unimodal('rgb', 'RGB', 45.5), _unimodal('depth', 'depth', 35.8)]
    for line in _TABLE_2.strip().split('\n'):
        rows += _fusions(line)
    paper = {**OURS.paper, 'Params (M)': 118.2, 'Fusion (M)': 0.0}
    return [*rows, Row(OURS.name, ('', 'ours', ''), paper, OURS.leaf)]


# --- Sec. 4.1: additional ablations ---------------------------------------------------


def _ablation(
    name: str,
    cell: str,
    figure: float,
    title: str,
    *,
    penalized: bool = False,
    note: str = '',
    **model: Any,
) -> Row:
    settings: dict[str, Any] = dict(model=model)
    if not penalized:
        settings['custom_hooks'] = OBSERVERS
    leaf = Leaf(f'ablation/{name}', title, CEN, settings, note)
    return Row(name, (cell,), {'Ensemble': figure}, leaf)


def _cbn(setting: str, cell: str, figure: float, convs: str, base: Leaf) -> Row:
    leaf = _fused(
        f'{setting}/cbn_all',
        f'Conditional batch norm behind all stages, {convs} convolutions',
        base,
        'The paper does not say behind which layers. `modulated=1` is depth, '
        'conditional on RGB.',
        type='CBNFusion', modulated=1, stages=_STAGES,
    )  # fmt: skip
    return Row(f'{setting}_cbn_all', (cell,), {'Ensemble': figure}, leaf)


def _exchange(**exchange: Any) -> dict[str, Any]:
    return dict(exchange=exchange)


_PORTION = dict(type='FixedPortionExchange', portion=0.3)
_ABLATIONS = [
    Row(OURS.name, ('CEN',), {'Ensemble': 51.1}, OURS.leaf),
    _ablation(
        'fixed_portion', '1. fixed portion', 47.2,
        'A fixed portion of 30 % of the channels, without penalty and threshold',
        backbone=_exchange(**_PORTION),
    ),
    _ablation(
        'fixed_portion_downsampling', '1. at down-sampling stages', 48.6,
        '30 % of the channels, at the down-sampling stages only',
        backbone=dict(**_exchange(**_PORTION), pattern=r'layer[234]\.0\.'),
    ),
    _cbn('common', '2. CBN, unshared convs', 48.3, 'unshared', TWO_NETWORKS),
    _cbn('same', '2. CBN, shared convs', 48.9, 'shared', SAME_SETTING),
    _ablation(
        'sum', '3. sum', 48.1,
        'Activations of all modalities are summed (no first line of Eq. 6)',
        note='No scaling factor decides, so there is no penalty.',
        backbone=_exchange(type='SumExchange'),
    ),
    _ablation(
        'gated_sum', '3. sum with a soft gate', 48.4,
        'Activations of all modalities are summed with a learned soft gate',
        backbone=_exchange(type='GatedSumExchange'),
    ),
    _ablation(
        'concat_ensemble', '4. concat instead of alpha', 50.8,
        'A concat-fusion block instead of the weights of the ensemble',
        penalized=True, decode_head=dict(ensemble='concat'),
    ),
    _ablation(
        'random_exchange', '5. random exchange', 46.8,
        'Channels are exchanged at random, as in a ShuffleNet',
        note='The paper does not tell the portion.',
        backbone=_exchange(type='RandomExchange', portion=0.3),
    ),
    _ablation(
        'drop', '5. drop', 47.5, 'Unimportant channels are discarded, not exchanged',
        penalized=True, backbone=_exchange(type='ChannelDrop'),
    ),
]  # fmt: skip

TABLES = {
    '1': Table(
        _COLUMNS, STREAMS, [VERSIONS[name] for name in _OF_TABLE_1], _CLAIMS,
    ),
    '2': Table(
        ('Setting', 'Approach', 'Stage'), STREAMS, _table_2()
    ),
    '7': Table(
        _COLUMNS, STREAMS, [*VERSIONS.values()], _CLAIMS
    ),
    'ablations': Table(
        ('Sec. 4.1',), STREAMS, _ABLATIONS
    ),
}  # fmt: skip
