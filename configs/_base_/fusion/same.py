# The setting of CEN in Table 2, with a fusion instead of the exchange: shared
# convolutions, private norms, all streams kept, and their ensemble.
_base_ = '../../cen/refinenet_r101_nyud.py'
model = dict(backbone=dict(exchange_threshold=0))
custom_hooks = []  # there is no exchange, and no penalty for it
