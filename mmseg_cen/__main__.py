"""``python -m mmseg_cen`` does not come here: see :mod:`mmseg_cen.command_line`."""
