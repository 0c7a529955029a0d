"""Inference without what the exchange makes superfluous."""

from .freeze import freeze_exchange as freeze_exchange
