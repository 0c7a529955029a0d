"""Metrics of image translation, of every stream and of the ensemble in one pass."""

from .distances import frechet_distance as frechet_distance
from .distances import kernel_distances as kernel_distances
from .generative import GenerativeMetric as GenerativeMetric
from .inception import InceptionFeatures as InceptionFeatures
from .pixel import TranslationMetric as TranslationMetric
from .pixel import ssim as ssim
