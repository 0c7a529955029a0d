"""ISPRS Potsdam and Vaihingen: cities from above, in color, infrared and height."""

from mmseg.datasets import PotsdamDataset
from mmseg.registry import DATASETS

from .multimodal import MultimodalSegDataset

# Centimeters above the lowest point of the official tile, read as meters.
_DSM = dict(dtype='uint16', scale=1 / 100, interpolation='bilinear')


@DATASETS.register_module()
class PotsdamDSMDataset(MultimodalSegDataset):
    """Potsdam with 6 classes: 38 tiles of 300 m, in four colors and height.

    ``rgb/*.png``, ``ir/*.png`` (near infrared, uint8), ``dsm/*.png`` (uint16, 1 cm;
    loaded as meters above the lowest point of the tile) and ``label/*.png`` (0..5, 255
    for void) below ``data_root``, as ``tools/dataset_converters/potsdam.py`` writes
    them. Each sample is a part of a tile, which is the group ``tile``: ``2_10``.

    ISPRS 2D Semantic Labeling Contest.

    Arguments are as in :class:`MultimodalSegDataset`.
    """

    METAINFO = dict(PotsdamDataset.METAINFO)
    MODALITIES = dict(rgb={}, ir=dict(dtype='uint8'), dsm=_DSM)
    PREFIXES = dict(seg_map_path='label')
    GROUPS = dict(tile=r'([^/]+)/[^/]+$')


@DATASETS.register_module()
class VaihingenDSMDataset(MultimodalSegDataset):
    """Vaihingen with 6 classes: 33 tiles in near infrared, red, green, and height.

    As :class:`PotsdamDSMDataset`, but for ``irrg/*.png``, three channels in this order,
    in place of ``rgb`` and ``ir``; written by
    ``tools/dataset_converters/vaihingen.py``. The group ``tile`` is ``area1``.

    ISPRS 2D Semantic Labeling Contest.

    Arguments are as in :class:`MultimodalSegDataset`.
    """

    METAINFO = dict(PotsdamDataset.METAINFO)
    MODALITIES = dict(irrg=dict(channels=3, dtype='uint8'), dsm=_DSM)
    PREFIXES = dict(seg_map_path='label')
    GROUPS = dict(tile=r'([^/]+)/[^/]+$')
