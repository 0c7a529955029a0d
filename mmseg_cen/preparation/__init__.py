"""Preparing data sets: what the tools in tools/dataset_converters are made of.

A tool reads an official download and says what there is, as a :class:`Plan`;
:func:`prepare` converts it to one layout (see :mod:`mmseg_cen.preparation.layout`) in
several processes. In reading order:

    options of a tool ─ `cli` ─► tool ─ `official`, `matlab` ─► `plan`
                 ─ `guards` ─► nothing of value is overwritten
                 ─ `journal` ─► the samples that are not finished yet
                 ─ `workers`, `samples`, `progress` ─► files of each sample
                 ─ `report`, `contact_sheet`, `lists`, `layout` ─► a finished folder
                 ─ `verification` ─► is the folder still what was written?
"""

from .cli import check, run
from .conversion import prepare
from .files import decode_complete
from .journal import JOURNAL
from .layout import META, Folder, read_groups, read_meta
from .lists import find_stems, read_list
from .official import check_labels, read_image, read_indices, three_channels
from .plan import READ_ERRORS, Plan, Sample
from .statistics import ClassStatistics, PixelStatistics
from .verification import check_folder
