"""Transforms that load, move and pack all modalities of a sample together."""

from . import geometry, image_only, resizing, watching
from .controls import ReplaceModality
from .corruption import CorruptModalities
from .depth import fill_inpaint, fill_invalid, fill_nearest, valid_pixels
from .encode import EncodeDepth
from .encodings import encode_depth, hha
from .given import LoadGivenModalities
from .given_pipeline import given_pipeline
from .labels import LoadAnnotations
from .loading import LoadModalities
from .missing import RandomModalityDropout
from .packing import PackMultimodalInputs
from .synthetic import LoadSyntheticRoom
