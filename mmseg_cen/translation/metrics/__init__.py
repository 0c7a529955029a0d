"""Metrics of image translation, of every stream and of the ensemble in one pass."""

from .distances import frechet_distance, kernel_distances
from .generative import GenerativeMetric
from .inception import InceptionFeatures
from .pixel import TranslationMetric, ssim
