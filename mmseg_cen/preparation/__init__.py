"""Preparing data sets: what the tools in tools/dataset_converters are made of.

A tool reads an official download and says what there is, as a :class:`Plan`;
:func:`prepare` converts it to one layout (see :mod:`mmseg_cen.preparation.layout`) in
several processes. In reading order:

    command line ─ `cli` ─► tool ─ `official`, `matlab` ─► `plan`
                 ─ `guards` ─► nothing of value is overwritten
                 ─ `journal` ─► the samples that are not finished yet
                 ─ `workers`, `samples`, `progress` ─► files of each sample
                 ─ `report`, `contact_sheet`, `lists`, `layout` ─► a finished folder
                 ─ `verification` ─► is the folder still what was written?
"""

from .cli import check as check
from .cli import make_parser as make_parser
from .cli import run as run
from .conversion import prepare as prepare
from .files import decode_complete as decode_complete
from .files import write_atomically as write_atomically
from .layout import META as META
from .layout import Folder as Folder
from .layout import read_groups as read_groups
from .layout import read_meta as read_meta
from .lists import find_stems as find_stems
from .lists import read_list as read_list
from .official import check_labels as check_labels
from .official import read_image as read_image
from .official import read_indices as read_indices
from .official import three_channels as three_channels
from .plan import READ_ERRORS as READ_ERRORS
from .plan import Plan as Plan
from .plan import Sample as Sample
from .statistics import ClassStatistics as ClassStatistics
from .statistics import PixelStatistics as PixelStatistics
from .verification import check_folder as check_folder
