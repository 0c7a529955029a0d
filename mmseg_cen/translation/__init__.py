"""Translation of images from several sources to one target, by channel exchange."""

from .preprocessor import TranslationPreprocessor
from .sample import TranslationDataSample

__all__ = ['TranslationDataSample', 'TranslationPreprocessor']
