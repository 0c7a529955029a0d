"""Transforms that load, move and pack all modalities of a sample together."""

from . import geometry as geometry
from . import image_only as image_only
from . import resizing as resizing
from .depth import fill_inpaint as fill_inpaint
from .depth import fill_invalid as fill_invalid
from .depth import fill_nearest as fill_nearest
from .depth import valid_pixels as valid_pixels
from .encode import EncodeDepth as EncodeDepth
from .encodings import encode_depth as encode_depth
from .encodings import hha as hha
from .loading import LoadAnnotations as LoadAnnotations
from .loading import LoadModalities as LoadModalities
from .missing import RandomModalityDropout as RandomModalityDropout
from .packing import PackMultimodalInputs as PackMultimodalInputs
from .synthetic import LoadSyntheticRoom as LoadSyntheticRoom
