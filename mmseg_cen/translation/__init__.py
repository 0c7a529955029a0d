"""Translation of images from several sources to one target, by channel exchange."""

from . import metrics
from .dataset import MultimodalTranslationDataset
from .discriminator import PatchDiscriminator
from .domains import Domain, build_domains, to_picture
from .optim import OptimWrapperDictConstructor, SeparateDistributedDataParallel
from .pix2pix import CENPix2Pix
from .preprocessor import TranslationPreprocessor
from .sample import TranslationDataSample
from .synthetic import LoadSyntheticDomains, SyntheticTranslationDataset
from .taskonomy import TaskonomyDataset
from .transforms import DeriveDomains, LoadDomains, PackTranslationInputs
from .unet import CENUNet
from .visualization import TranslationImagesHook, TranslationVisualizationHook
