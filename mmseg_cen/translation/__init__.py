"""Translation of images from several sources to one target, by channel exchange."""

from . import metrics
from .cyclic import (
    CyclicPix2Pix,
    CyclicTranslationMetric,
    CyclicUNet,
    CyclicVisualizationHook,
    MarkKnownPixels,
    PackCyclicInputs,
)
from .dataset import MultimodalTranslationDataset
from .derived import DeriveDomains
from .discriminator import PatchDiscriminator
from .domains import Domain, build_domains
from .images import TranslationImagesHook
from .loading import LoadDomains
from .optim import OptimWrapperDictConstructor, SeparateDistributedDataParallel
from .packing import PackTranslationInputs
from .pix2pix import CENPix2Pix
from .preprocessor import TranslationPreprocessor
from .sample import TranslationDataSample
from .synthetic import LoadSyntheticDomains, SyntheticTranslationDataset
from .taskonomy import TaskonomyDataset
from .unet import CENUNet
from .visualization import TranslationVisualizationHook
