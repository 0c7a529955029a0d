"""Inference without what the exchange makes superfluous.

In reading order: ``plan`` (which channels of which stream are computed), ``carrier``
(streams that are equal are kept once), ``layers`` (a convolution, norm and exchange as
one), ``pairing`` (which norm belongs to which convolution) and ``freeze``.
"""

from .freeze import freeze_exchange as freeze_exchange
from .freeze import freeze_within as freeze_within
from .savings import compare_macs as compare_macs
from .savings import count_macs as count_macs
