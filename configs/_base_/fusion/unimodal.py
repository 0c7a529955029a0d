# The unimodal networks of Table 2; leaves choose the modality.
_base_ = 'same.py'
model = dict(backbone=dict(num_modalities=1))
