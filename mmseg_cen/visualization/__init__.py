"""Pictures of modalities, labels and predictions, as plain arrays."""

from .backends import WandbVisBackend
from .names import SampleNames, unique_names
from .panels import (
    IGNORED_COLOR,
    Panel,
    color_labels,
    color_modality,
    default_palette,
    draw_grid,
    picture_size,
    score,
)
