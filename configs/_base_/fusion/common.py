# The commonly used setting of Table 2: an encoder for each modality up to the (last)
# fused stage, then one trunk and one decoder of the merged stream.
_base_ = 'same.py'
model = dict(
    modalities=('rgb', 'depth'),
    backbone=dict(convs='private', fusion=dict(merges=True)),
)
