"""Rows that show what exchange gains on real images; the paper has no such table."""

from dataclasses import replace

from .row import Leaf, Row, Table
from .segmentation import OURS, SAME_SETTING, STREAMS, TABLES, VERSIONS

_TABLE_2 = {row.name: row for row in TABLES['2'].rows}
CMX = Row(
    'same_cmx_all',
    (),
    {},
    Leaf(
        'fusion/same/cmx_all',
        'Rectification of CMX behind all stages, in the setting of CEN',
        SAME_SETTING,
        dict(
            model=dict(
                backbone=dict(
                    fusion=dict(
                        type='CMXFusion',
                        stages=('layer1', 'layer2', 'layer3', 'layer4'),
                    )
                )
            )
        ),
    ),
)
_SYSTEMS = {
    'RGB alone': _TABLE_2['unimodal_rgb'],
    'depth alone': _TABLE_2['unimodal_depth'],
    'no exchange': VERSIONS['no_exchange'],
    'penalty alone': VERSIONS['l1_half'],
    'CEN': OURS,
    'CEN, all channels': VERSIONS['exchange_all'],
    'shared norms': VERSIONS['shared_norms'],
    'concatenation': _TABLE_2['same_concat_all'],
    'SSMA': _TABLE_2['same_self_att_all'],
    'CMX': CMX,
}
TABLES = {
    'real': Table(
        ('System',),
        STREAMS,
        [replace(row, cells=(name,), paper={}) for name, row in _SYSTEMS.items()],
        (
            ('exchange > no exchange', OURS.name, 'no_exchange'),
            ('exchange > the penalty alone', OURS.name, 'l1_half'),
            ('RGB and depth > RGB alone', OURS.name, 'unimodal_rgb'),
            ('own part >= all channels', OURS.name, 'exchange_all'),
        ),
        base='no_exchange',
    )
}
