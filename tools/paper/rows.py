"""The rows of the paper's tables: configs, settings, and the paper's figures."""

from dataclasses import dataclass, field
from typing import Any

STREAMS = {'RGB': 'rgb/mIoU', 'Depth': 'depth/mIoU', 'Ensemble': 'mIoU'}
ERRORS = {'MAE': 'MAE', 'root of MSE': 'RMSE', 'FID': 'FID', 'KID': 'KID'}


@dataclass(frozen=True)
class Row:
    """A training and what the paper has of it.

    Args:
        name: Folder of its runs.
        cells: What the first columns say.
        paper: Figures by header.
        config: Its leaf, from the folder of configs.
        options: What is set in it, as by --cfg-options.
    """

    name: str
    cells: tuple[str, ...]
    paper: dict[str, float]
    config: str
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """A table.

    Args:
        columns: Headers of the first columns.
        metrics: Headers of the figures, and their keys in the log.
        rows: Its rows.
        claims: What the paper says of it: of two rows, the first is the better one.
        units: Factors on what is logged, by header.
    """

    columns: tuple[str, ...]
    metrics: dict[str, str]
    rows: list[Row]
    claims: tuple[tuple[str, str, str], ...] = ()
    units: dict[str, float] = field(default_factory=dict)


def _ablation(name: str, cells: str, figures: str) -> Row:
    values = dict(zip(STREAMS, map(float, figures.split()), strict=True))
    return Row(name, tuple(cells.split()), values, f'ablation/{name}.py')


_VERSIONS = [
    _ablation('unshared', 'unshared unshared no no', '45.5 35.8 47.6'),
    _ablation('shared_norms', 'shared shared no no', '43.7 35.5 45.2'),
    _ablation('no_exchange', 'shared unshared no no', '46.2 38.4 48.0'),
    _ablation('l1_half_unshared', 'unshared unshared half no', '45.1 35.5 47.3'),
    _ablation('exchange_half_unshared', 'unshared unshared half yes', '46.5 41.6 48.5'),
    _ablation('l1_half', 'shared unshared half no', '46.0 38.1 47.7'),
    _ablation('exchange_half', 'shared unshared half yes', '49.7 45.1 51.1'),
    _ablation('l1_all_unshared', 'unshared unshared all no', '44.6 35.3 46.6'),
    _ablation('exchange_all_unshared', 'unshared unshared all yes', '46.8 41.7 49.1'),
    _ablation('l1_all', 'shared unshared all no', '46.1 37.9 47.5'),
    _ablation('exchange_all', 'shared unshared all yes', '48.6 39.0 49.8'),
]
_TABLE_1 = (
    'unshared', 'shared_norms', 'no_exchange', 'l1_half', 'exchange_half',
    'exchange_all',
)  # fmt: skip
_CLAIMS = (
    ('exchange > no exchange', 'exchange_half', 'l1_half'),
    ('exchange > neither penalty nor exchange', 'exchange_half', 'no_exchange'),
    ('shared conv + private BN > shared BN', 'no_exchange', 'shared_norms'),
    ('own part >= all channels', 'exchange_half', 'exchange_all'),
)
_VERSION_COLUMNS = ('Convs', 'BNs', 'L1', 'Exchange')

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


def _table_2() -> list[Row]:
    rows = [
        Row(
            f'unimodal_{m}', ('unimodal', m, ''),
            {'Ensemble': value, 'Params (M)': 118.1}, f'fusion/unimodal_{m}.py',
        )
        for m, value in (('rgb', 45.5), ('depth', 35.8))
    ]  # fmt: skip
    for line in _TABLE_2.split('\n')[1:-1]:
        method, place, *text = line.split()
        common, total, rgb, depth, ensemble, same, fusion = map(float, text)
        paper = {'Ensemble': common, 'Params (M)': total, 'Fusion (M)': fusion}
        # Alignment merges nothing, and commonly keeps its two networks.
        rows.append(
            Row(
                f'common_{method}_{place}', ('commonly used', method, place), paper,
                f'fusion/common/{method}_{place}.py',
            )
        )  # fmt: skip
        paper = {
            'RGB': rgb, 'Depth': depth, 'Ensemble': ensemble,
            'Params (M)': same, 'Fusion (M)': fusion,
        }  # fmt: skip
        rows.append(
            Row(
                f'same_{method}_{place}', ('same as ours', method, place), paper,
                f'fusion/same/{method}_{place}.py',
            )
        )  # fmt: skip
    paper = {
        'RGB': 49.7, 'Depth': 45.1, 'Ensemble': 51.1, 'Params (M)': 118.2,
        'Fusion (M)': 0.0,
    }  # fmt: skip
    ours = Row('exchange_half', ('', 'ours', ''), paper, 'ablation/exchange_half.py')
    return [*rows, ours]


def _single(path: str, cell: str, value: float) -> Row:
    """A row with one figure; `path` is that of its config, without suffix."""
    name = path.split('/', 1)[1].replace('/', '_')
    return Row(name, (cell,), {'Ensemble': value}, f'{path}.py')


_ABLATIONS = [
    _single('ablation/exchange_half', 'CEN', 51.1),
    _single('ablation/fixed_portion', '1. fixed portion', 47.2),
    _single('ablation/fixed_portion_downsampling', '1. at down-sampling stages', 48.6),
    _single('fusion/common/cbn_all', '2. CBN, unshared convs', 48.3),
    _single('fusion/same/cbn_all', '2. CBN, shared convs', 48.9),
    _single('ablation/sum', '3. sum', 48.1),
    _single('ablation/gated_sum', '3. sum with a soft gate', 48.4),
    _single('ablation/concat_ensemble', '4. concat instead of alpha', 50.8),
    _single('ablation/random_exchange', '5. random exchange', 46.8),
    _single('ablation/drop', '5. drop', 47.5),
]

#: Layers of the U-Net's encoder behind which baselines fuse (Sec. 4.2).
_PLACES = {
    'Early': ('conv1',),
    'Middle': ('conv4',),
    'Late': ('conv8',),
    'All-layer': tuple(f'conv{i}' for i in range(1, 9)),
}
_METHODS = {
    'Concat': 'concat',
    'Average': 'average',
    'Align': 'align',
    'Self-att.': 'self_att',
}
_TASKS_4 = {
    ('shade', 'texture', 'rgb'): """
62.63 1.65
87.46 3.64  95.16 4.67  122.47 6.56  78.82 3.13
93.72 4.22  93.91 4.27  126.74 7.10  80.64 3.24
99.68 4.93  95.52 4.75  98.33 4.70  92.30 4.20
83.60 3.38  90.79 3.92  105.62 5.42  73.87 2.46
""",
    ('depth', 'normal', 'rgb'): """
84.33 2.70
105.17 5.15  100.29 3.37  116.51 5.74  99.08 4.28
109.25 5.50  104.95 4.98  122.42 6.76  99.63 4.41
111.65 5.53  108.92 5.26  105.85 4.98  105.03 4.91
100.70 4.47  98.63 4.35  108.02 5.09  96.73 3.95
""",
}
_TASKS_6 = {
    ('rgb', 'shade', 'normal'): """
1.12 2.51
1.33 2.83  1.22 2.65  1.39 2.88  1.34 2.85
1.42 3.05  1.26 2.70  1.40 2.90  1.28 2.83
1.45 3.11  1.39 2.93  1.28 2.76  1.52 3.25
1.30 2.82  1.18 2.59  1.42 2.91  1.26 2.76
""",
    ('rgb', 'normal', 'shade'): """
1.10 1.72
1.56 2.45  1.38 2.12  1.26 1.92  1.28 2.02
1.46 2.29  1.28 2.04  1.51 2.39  1.23 1.86
1.39 2.26  1.32 2.16  1.27 2.04  1.41 2.21
1.21 1.83  1.15 1.73  1.45 2.28  1.18 1.76
""",
    ('rgb', 'edge', 'depth'): """
0.28 0.66
0.34 0.75  0.32 0.74  0.38 0.79  0.33 0.75
0.36 0.78  0.34 0.76  0.36 0.77  0.33 0.74
0.44 0.89  0.39 0.82  0.42 0.86  0.44 0.90
0.30 0.71  0.33 0.73  0.34 0.75  0.30 0.70
""",
}


def _translation(
    leaf: str,
    cells: tuple[str, ...],
    paper: dict[str, float],
    options: dict[str, Any] | None = None,
    suffix: str = '',
) -> Row:
    name = leaf.split('/')[-1] + suffix
    return Row(name, cells, paper, f'translation/{leaf}.py', options or {})


def _translations(
    tasks: dict[tuple[str, ...], str], headers: tuple[str, str]
) -> list[Row]:
    rows = []
    for (*sources, target), text in tasks.items():
        task = f'{"+".join(sources)} to {target}'
        leaf = f'{"_".join(sources)}_to_{target}'
        ours, *lines = [
            list(map(float, line.split())) for line in text.split('\n')[1:-1]
        ]
        paper = dict(zip(headers, ours, strict=True))
        rows.append(_translation(leaf, (task, 'Ours', ''), paper))
        for (method, prefix), line in zip(_METHODS.items(), lines, strict=True):
            figures = zip(line[::2], line[1::2], strict=True)
            for (place, layers), pair in zip(_PLACES.items(), figures, strict=True):
                rows.append(
                    _translation(
                        f'fusion/{prefix}_{leaf}',
                        (task, method, place),
                        dict(zip(headers, pair, strict=True)),
                        {'model.generator.fusion.stages': layers},
                        f'_{place.lower()}',
                    )
                )
    return rows


_TABLE_5 = {
    'depth': (113.91, 5.68),
    'normal': (108.20, 5.42),
    'texture': (97.51, 4.82),
    'shade': (100.96, 5.17),
    'depth+normal': (84.33, 2.70),
    'depth+normal+texture': (60.90, 1.56),
    'depth+normal+texture+shade': (57.19, 1.33),
}

#: Settings of the leaves in `sharing` by the columns of Tables 8 and 9.
_SHARING: dict[str, dict[str, Any]] = {
    'unshared convs, unshared INs': {'model.generator.convs': 'private'},
    'shared convs, shared INs': {'model.generator.norms': 'shared'},
    'shared convs, unshared INs': {},
    'unshared statistics only': {'model.generator.norms': 'private_statistics'},
    'unshared gamma, beta only': {'model.generator.norms': 'private_affine'},
}
_SOURCES = ('shade', 'texture', 'depth', 'normal')
_LEAVES = {
    2: 'shade_texture_to_rgb',
    3: 'shade_texture_depth_to_rgb',
    4: 'depth_normal_texture_shade_to_rgb',
}
# FID and KID of each stream and the ensemble, a column of the table in a line.
_TABLE_8 = """
2 unshared convs, unshared INs: 102.21 5.25 98.19 4.83 92.72 4.15
2 shared convs, shared INs: 112.40 5.58 102.28 5.22 96.31 4.36
2 shared convs, unshared INs: 100.69 4.51 93.40 4.18 87.91 3.73
2 fusion: 72.07 2.32 65.60 1.82 62.63 1.65
3 unshared convs, unshared INs: 101.86 5.18 98.60 4.89 114.18 5.71 91.30 3.92
3 shared convs, shared INs: 115.51 5.77 104.39 4.54 121.40 6.23 100.41 4.73
3 shared convs, unshared INs: 98.49 4.07 95.87 4.27 107.07 5.19 84.39 3.45
3 fusion: 69.37 2.21 64.70 1.73 71.61 2.27 58.35 1.42
4 unshared convs, unshared INs: 100.83 5.06 97.34 4.77 114.50 5.83 108.65 5.45 89.52 3.80
4 shared convs, shared INs: 131.74 7.48 109.45 4.86 125.54 6.48 113.15 5.72 102.78 4.67
4 shared convs, unshared INs: 96.98 4.23 94.64 4.22 109.93 5.41 99.38 4.45 86.76 3.63
4 fusion: 68.70 2.14 63.26 1.69 70.47 2.09 67.73 1.98 57.19 1.33
"""  # noqa: E501
_TABLE_9 = """
3 unshared convs, unshared INs: 101.86 5.18 98.60 4.89 114.18 5.71 91.30 3.92
3 shared convs, unshared INs: 98.49 4.07 95.87 4.27 102.07 4.89 84.39 3.45
3 unshared statistics only: 107.86 5.53 105.46 5.25 118.35 6.07 96.30 4.41
3 unshared gamma, beta only: 105.29 5.29 102.90 5.06 114.35 5.80 92.25 4.02
4 unshared convs, unshared INs: 100.83 5.06 97.34 4.77 114.50 5.83 108.65 5.45 89.52 3.80
4 shared convs, unshared INs: 96.98 4.23 94.64 4.22 109.93 5.41 99.38 4.45 86.76 3.63
4 unshared statistics only: 113.56 5.65 105.36 5.32 119.31 6.20 108.01 5.06 95.56 4.64
4 unshared gamma, beta only: 102.74 5.17 97.53 4.56 112.73 5.60 100.34 4.53 89.26 3.91
"""  # noqa: E501


def _sharing(text: str) -> list[Row]:
    rows = []
    for line in text.split('\n')[1:-1]:
        head, figures = line.split(':')
        count, kind = head.split(' ', 1)
        sources = _SOURCES[: int(count)]
        values = [float(value) for value in figures.split()]
        names = [*(f'{source} ' for source in sources), '']
        paper = {
            f'{name}{metric}': values[2 * i + k]
            for i, name in enumerate(names)
            for k, metric in enumerate(('FID', 'KID'))
        }
        cells = ('+'.join(sources), kind)
        leaf = _LEAVES[len(sources)]
        if kind == 'fusion':
            rows.append(_translation(leaf, cells, paper))
        else:
            suffix = '_' + '_'.join(kind.replace(',', '').split()).lower()
            options = _SHARING[kind]
            rows.append(_translation(f'sharing/{leaf}', cells, paper, options, suffix))
    return rows


_STREAM_ERRORS = {
    f'{source} {metric}': f'{source}/{metric}'
    for source in _SOURCES
    for metric in ('FID', 'KID')
}
#: Table 6 has the errors times 10, and of the squared ones the root.
_TIMES_10 = {'MAE': 10.0, 'root of MSE': 10.0}

TABLES: dict[str, Table] = {
    '1': Table(
        _VERSION_COLUMNS,
        STREAMS,
        [row for row in _VERSIONS if row.name in _TABLE_1],
        _CLAIMS,
    ),
    '2': Table(('Setting', 'Approach', 'Stage'), STREAMS, _table_2()),
    '4': Table(
        ('Task', 'Method', 'Layer'),
        ERRORS,
        _translations(_TASKS_4, ('FID', 'KID')),
    ),
    '5': Table(
        ('Sources',),
        ERRORS,
        [
            _translation(
                f'{sources.replace("+", "_")}_to_rgb', (sources,),
                {'FID': fid, 'KID': kid},
            )
            for sources, (fid, kid) in _TABLE_5.items()
        ],
    ),
    '6': Table(
        ('Task', 'Method', 'Layer'),
        ERRORS,
        _translations(_TASKS_6, ('MAE', 'root of MSE')),
        units=_TIMES_10,
    ),
    '7': Table(_VERSION_COLUMNS, STREAMS, _VERSIONS, _CLAIMS),
    '8': Table(
        ('Sources', 'Sharing'),
        {**_STREAM_ERRORS, **ERRORS},
        _sharing(_TABLE_8),
    ),
    '9': Table(
        ('Sources', 'Sharing'),
        {**_STREAM_ERRORS, **ERRORS},
        _sharing(_TABLE_9),
    ),
    'ablations': Table(('Sec. 4.1',), STREAMS, _ABLATIONS),
}  # fmt: skip
