"""The rows of Tables 4, 5, 6, 8 and 9: translations of Taskonomy (Sec. 4.2)."""

from typing import Any

from .domains import DOMAINS, SHADE_TEXTURE
from .row import Leaf, Row, Table

ERRORS = {'MAE': 'MAE', 'root of MSE': 'RMSE', 'FID': 'FID', 'KID': 'KID'}
NO_EXCHANGE: list[dict[str, str]] = []


def row_of(
    leaf: Leaf,
    cells: tuple[str, ...],
    paper: dict[str, float],
    options: dict[str, Any] | None = None,
    suffix: str = '',
) -> Row:
    name = leaf.path.split('/')[-1] + suffix
    return Row(name, cells, paper, leaf, options or {})


# --- Tables 4 and 6: other fusions, behind layers of the U-Net's encoder --------------

_PLACES = {
    'Early': ('conv1',),
    'Middle': ('conv4',),
    'Late': ('conv8',),
    'All-layer': tuple(f'conv{i}' for i in range(1, 9)),
}
_METHODS = {
    'Concat': ('concat', 'Concatenation', dict(type='ConcatFusion'), dict(merges=True)),
    'Average': ('average', 'Average', dict(type='AverageFusion'), dict(merges=True)),
    'Align': ('align', 'Alignment', dict(type='AlignFusion'), {}),
    'Self-att.': (
        'self_att', 'Self-attention (SSMA)',
        dict(type='SSMAFusion'), dict(merges=True, norm=False),
    ),
}  # fmt: skip
# The first line is CEN; then a line for each of the methods above, with two figures for
# each of the places: FID and KID, or MAE and the root of MSE, both times 10.
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


def _fusion(base: Leaf, method: str) -> Leaf:
    prefix, title, fusion, options = _METHODS[method]
    path = base.path.removeprefix('translation/')
    task = base.title.split(', ', 1)[1]
    fusion = {**fusion, 'stages': _PLACES['Middle'], **options}
    note = 'No norm in the fusion: of one image, conv8 is one value in each channel.'
    return Leaf(
        f'translation/fusion/{prefix}_{path}',
        f'{title}, {task}',
        base,
        dict(
            model=dict(
                generator=dict(convs='private', exchange_threshold=None, fusion=fusion)
            ),
            custom_hooks=NO_EXCHANGE,
        ),
        note if 'norm' in fusion else '',
        dict(custom_hooks='nothing is exchanged'),
    )


def _fusions(tasks: dict[tuple[str, ...], str], headers: tuple[str, str]) -> list[Row]:
    rows = []
    for (*sources, target), text in tasks.items():
        task = f'{"+".join(sources)} to {target}'
        base = DOMAINS[tuple(sources), target]
        ours, *lines = [
            list(map(float, line.split())) for line in text.strip().split('\n')
        ]
        paper = dict(zip(headers, ours, strict=True))
        rows.append(row_of(base, (task, 'Ours', ''), paper))
        for method, line in zip(_METHODS, lines, strict=True):
            leaf = _fusion(base, method)
            figures = zip(line[::2], line[1::2], strict=True)
            for (place, layers), pair in zip(_PLACES.items(), figures, strict=True):
                paper = dict(zip(headers, pair, strict=True))
                options = {'model.generator.fusion.stages': layers}
                cells = (task, method, place)
                rows.append(row_of(leaf, cells, paper, options, f'_{place.lower()}'))
    return rows


# --- Table 5: numbers of sources ------------------------------------------------------

_TABLE_5 = {
    'depth': (113.91, 5.68),
    'normal': (108.20, 5.42),
    'texture': (97.51, 4.82),
    'shade': (100.96, 5.17),
    'depth+normal': (84.33, 2.70),
    'depth+normal+texture': (60.90, 1.56),
    'depth+normal+texture+shade': (57.19, 1.33),
}


def _numbers_of_sources() -> list[Row]:
    rows = []
    for names, (fid, kid) in _TABLE_5.items():
        leaf = DOMAINS[tuple(names.split('+')), 'rgb']
        rows.append(row_of(leaf, (names,), {'FID': fid, 'KID': kid}))
    return rows


# --- Tables 8 and 9: what is shared, without exchange ---------------------------------

#: What the columns of Tables 8 and 9 set.
_SHARING: dict[str, dict[str, Any]] = {
    # Individual networks, decoders included.
    'unshared convs, unshared INs': {
        'model.generator.convs': 'private',
        'model.generator.decoder_norms': 'private',
    },
    'shared convs, shared INs': {'model.generator.norms': 'shared'},
    'shared convs, unshared INs': {},
    'unshared statistics only': {'model.generator.norms': 'private_statistics'},
    'unshared gamma, beta only': {'model.generator.norms': 'private_affine'},
}
_SOURCES = {
    2: SHADE_TEXTURE,
    3: (*SHADE_TEXTURE, 'depth'),
    4: (*SHADE_TEXTURE, 'depth', 'normal'),
}
#: The same sources in the order of the config, which is the one of Table 5.
_IN_CONFIG = {**_SOURCES, 4: ('depth', 'normal', 'texture', 'shade')}
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


def unexchanged(base: Leaf) -> Leaf:
    return Leaf(
        base.path.replace('translation/', 'translation/sharing/'),
        f'No exchange, {base.title.split(", ", 1)[1]}',
        base,
        dict(
            model=dict(generator=dict(exchange_threshold=None)),
            custom_hooks=NO_EXCHANGE,
        ),
        'Convolutions are shared and norms private.',
    )


_SHARED_LEAVES = {
    count: unexchanged(DOMAINS[sources, 'rgb']) for count, sources in _IN_CONFIG.items()
}


def _sharing(text: str) -> list[Row]:
    rows = []
    for line in text.strip().split('\n'):
        head, figures = line.split(':')
        count, shared = head.split(' ', 1)
        sources = _SOURCES[int(count)]
        values = [float(value) for value in figures.split()]
        names = [*(f'{source} ' for source in sources), '']
        paper = {
            f'{name}{metric}': values[2 * i + k]
            for i, name in enumerate(names)
            for k, metric in enumerate(('FID', 'KID'))
        }
        cells = ('+'.join(sources), shared)
        if shared == 'fusion':
            leaf = DOMAINS[_IN_CONFIG[int(count)], 'rgb']
            rows.append(row_of(leaf, cells, paper))
        else:
            leaf = _SHARED_LEAVES[int(count)]
            suffix = '_' + '_'.join(shared.replace(',', '').split()).lower()
            rows.append(row_of(leaf, cells, paper, _SHARING[shared], suffix))
    return rows


_STREAM_ERRORS = {
    f'{source} {metric}': f'{source}/{metric}'
    for source in _SOURCES[4]
    for metric in ('FID', 'KID')
}
_FUSION_COLUMNS = ('Task', 'Method', 'Layer')
_SHARING_COLUMNS = ('Sources', 'Sharing')
_STREAMS_AND_ENSEMBLE = {**_STREAM_ERRORS, **ERRORS}

TABLES = {
    '4': Table(_FUSION_COLUMNS, ERRORS, _fusions(_TASKS_4, ('FID', 'KID'))),
    '5': Table(('Sources',), ERRORS, _numbers_of_sources()),
    '6': Table(
        _FUSION_COLUMNS,
        ERRORS,
        _fusions(_TASKS_6, ('MAE', 'root of MSE')),
        # Table 6 has the errors times 10, and of the squared ones the root.
        units={'MAE': 10.0, 'root of MSE': 10.0},
    ),
    '8': Table(_SHARING_COLUMNS, _STREAMS_AND_ENSEMBLE, _sharing(_TABLE_8)),
    '9': Table(_SHARING_COLUMNS, _STREAMS_AND_ENSEMBLE, _sharing(_TABLE_9)),
}
