"""Inference without what the exchange makes superfluous.

In reading order: ``plan`` (which channels of which stream are computed), ``layout``
(memory formats), ``carrier`` (streams that are equal are kept once), ``layers`` (a
convolution, norm and exchange as one), ``pairing`` (which norm belongs to which
convolution), ``pooling``, ``freeze`` and ``savings``.
"""

from .freeze import freeze_exchange, freeze_within
from .savings import compare_macs, count_macs
