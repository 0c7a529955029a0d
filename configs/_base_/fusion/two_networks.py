# The commonly used setting of Table 2 for fusions that merge nothing: a network for
# each modality, decoder included, and the ensemble of their predictions.
_base_ = 'same.py'
model = dict(backbone=dict(convs='private'), decode_head=dict(convs='private'))
