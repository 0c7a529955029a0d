"""Translation of images from several sources to one target, by channel exchange."""

from . import metrics
from .discriminator import PatchDiscriminator
from .optim import OptimWrapperDictConstructor, SeparateDistributedDataParallel
from .pix2pix import CENPix2Pix
from .preprocessor import TranslationPreprocessor
from .sample import TranslationDataSample
from .unet import CENUNet

__all__ = [
    'CENPix2Pix',
    'CENUNet',
    'OptimWrapperDictConstructor',
    'PatchDiscriminator',
    'SeparateDistributedDataParallel',
    'TranslationDataSample',
    'TranslationPreprocessor',
    'metrics',
]
