"""Translation of images from several sources to one target, by channel exchange."""

from . import metrics as metrics
from .dataset import MultimodalTranslationDataset as MultimodalTranslationDataset
from .derived import DeriveDomains as DeriveDomains
from .discriminator import PatchDiscriminator as PatchDiscriminator
from .domains import Domain as Domain
from .domains import build_domains as build_domains
from .loading import LoadDomains as LoadDomains
from .optim import OptimWrapperDictConstructor as OptimWrapperDictConstructor
from .optim import SeparateDistributedDataParallel as SeparateDistributedDataParallel
from .packing import PackTranslationInputs as PackTranslationInputs
from .pix2pix import CENPix2Pix as CENPix2Pix
from .preprocessor import TranslationPreprocessor as TranslationPreprocessor
from .sample import TranslationDataSample as TranslationDataSample
from .synthetic import LoadSyntheticDomains as LoadSyntheticDomains
from .synthetic import SyntheticTranslationDataset as SyntheticTranslationDataset
from .taskonomy import TaskonomyDataset as TaskonomyDataset
from .unet import CENUNet as CENUNet
from .visualization import TranslationImagesHook as TranslationImagesHook
from .visualization import TranslationVisualizationHook as TranslationVisualizationHook
