"""Networks for segmentation: backbones, heads and segmentor over streams."""

from mmseg_cen.streams.ablations import (
    ChannelDrop,
    FixedPortionExchange,
    GatedSumExchange,
    RandomExchange,
    SumExchange,
)
from mmseg_cen.streams.attention_exchanges import (
    AdapterExchange,
    PixelAttentionExchange,
)
from mmseg_cen.streams.convert import to_multimodal
from mmseg_cen.streams.exchange import exchange_channels, exchanged_channels, own_part
from mmseg_cen.streams.exchanges import ChannelExchange, Exchange
from mmseg_cen.streams.fold import ENSEMBLE, fold_streams, split_streams
from mmseg_cen.streams.layer_norm import ModalityLN
from mmseg_cen.streams.norm import ModalityBN, ModalityGN, ModalityIN, ModalityNorm
from mmseg_cen.streams.places import exchanging_norms
from mmseg_cen.streams.presence import present_modalities
from mmseg_cen.streams.private import PrivateLayer, to_private
from mmseg_cen.streams.stream_state import stream_state_dict
from mmseg_cen.streams.token_exchange import TokenExchange

from .backbone import CENBackbone, CENResNet
from .ensemble_head import EnsembleHead
from .light_refinenet_head import LightRefineNetHead
from .linear_segformer_head import LinearSegformerHead
from .losses import CrossEntropyLoss
from .multimodal_backbone import MultimodalBackbone
from .preprocessor import MultimodalPreprocessor
from .refinenet_head import RefineNetHead
from .segmentor import CENSegmentor
from .tta import CENTTAModel
