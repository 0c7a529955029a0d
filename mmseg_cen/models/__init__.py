"""Networks: streams, exchange, private norms, backbones, heads, segmentor."""

from .cen_backbone import CENResNet
from .convert import to_multimodal
from .ensemble_head import ENSEMBLE, EnsembleHead
from .exchange import exchange_channels, exchanged_channels, own_part
from .norm import ModalityBN, ModalityIN, ModalityNorm
from .preprocessor import MultimodalPreprocessor
from .refinenet_head import RefineNetHead
from .segmentor import CENSegmentor
from .streams import fold_streams, split_streams
from .tta import CENTTAModel

__all__ = [
    'ENSEMBLE',
    'CENResNet',
    'CENSegmentor',
    'CENTTAModel',
    'EnsembleHead',
    'ModalityBN',
    'ModalityIN',
    'ModalityNorm',
    'MultimodalPreprocessor',
    'RefineNetHead',
    'exchange_channels',
    'exchanged_channels',
    'fold_streams',
    'own_part',
    'split_streams',
    'to_multimodal',
]
