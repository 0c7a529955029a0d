"""The twin of cen_synthetic.py that concatenates its streams, and keeps all of them.

python tools/train.py configs/demo/fusion_same_synthetic.py

Other fusions, behind other stages: `--cfg-options model.backbone.fusion.type=SSMAFusion
model.backbone.fusion.stages="[layer2]"`.
"""

_base_ = './cen_synthetic.py'
model = dict(
    backbone=dict(
        exchange_threshold=0,
        fusion=dict(
            type='ConcatFusion', stages=('layer1', 'layer2', 'layer3', 'layer4')
        ),
    ),
)
custom_hooks = []
