"""Pictures of modalities, labels and predictions, as plain arrays."""

from .names import SampleNames as SampleNames
from .names import unique_names as unique_names
from .panels import IGNORED_COLOR as IGNORED_COLOR
from .panels import Panel as Panel
from .panels import color_labels as color_labels
from .panels import color_modality as color_modality
from .panels import default_palette as default_palette
from .panels import draw_grid as draw_grid
from .panels import picture_size as picture_size
from .panels import score as score
