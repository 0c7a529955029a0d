"""Networks: streams, exchange, private norms, backbones, heads, segmentor."""

from mmseg_cen.streams.ablations import (
    ChannelDrop,
    FixedPortionExchange,
    GatedSumExchange,
    RandomExchange,
    SumExchange,
)
from mmseg_cen.streams.convert import stream_state_dict, to_multimodal
from mmseg_cen.streams.exchange import exchange_channels, exchanged_channels, own_part
from mmseg_cen.streams.exchanges import ChannelExchange, Exchange
from mmseg_cen.streams.fold import ENSEMBLE, fold_streams, split_streams
from mmseg_cen.streams.norm import (
    ModalityBN,
    ModalityGN,
    ModalityIN,
    ModalityLN,
    ModalityNorm,
)
from mmseg_cen.streams.places import exchanging_norms
from mmseg_cen.streams.presence import present_modalities
from mmseg_cen.streams.private import PrivateLayer, to_private

from .backbone import CENBackbone, CENResNet
from .ensemble_head import EnsembleHead
from .preprocessor import MultimodalPreprocessor
from .refinenet_head import RefineNetHead
from .segmentor import CENSegmentor
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
