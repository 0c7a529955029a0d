"""Networks: streams, exchange, private norms, backbones, heads, segmentor."""

from .cen_backbone import CENBackbone, CENResNet
from .convert import exchanging_norms, stream_state_dict, to_multimodal
from .ensemble_head import ENSEMBLE, EnsembleHead
from .exchange import exchange_channels, exchanged_channels, own_part
from .exchange_variants import (
    ChannelDrop,
    ChannelExchange,
    Exchange,
    FixedPortionExchange,
    GatedSumExchange,
    RandomExchange,
    SumExchange,
)
from .norm import ModalityBN, ModalityGN, ModalityIN, ModalityLN, ModalityNorm
from .preprocessor import MultimodalPreprocessor
from .presence import present_modalities
from .private import PrivateLayer, to_private
from .refinenet_head import RefineNetHead
from .segmentor import CENSegmentor
from .streams import fold_streams, split_streams
from .tta import CENTTAModel

__all__ = [
    'ENSEMBLE',
    'CENBackbone',
    'CENResNet',
    'CENSegmentor',
    'CENTTAModel',
    'ChannelDrop',
    'ChannelExchange',
    'EnsembleHead',
    'Exchange',
    'FixedPortionExchange',
    'GatedSumExchange',
    'ModalityBN',
    'ModalityGN',
    'ModalityIN',
    'ModalityLN',
    'ModalityNorm',
    'MultimodalPreprocessor',
    'PrivateLayer',
    'RandomExchange',
    'RefineNetHead',
    'SumExchange',
    'exchange_channels',
    'exchanged_channels',
    'exchanging_norms',
    'fold_streams',
    'own_part',
    'present_modalities',
    'split_streams',
    'stream_state_dict',
    'to_multimodal',
    'to_private',
]
