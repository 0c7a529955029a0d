"""CEN-PSPNet, ResNet-101, MUSES: camera, lidar, radar and event camera.

python tools/train.py configs/cen/pspnet_r101_muses.py

Neither the paper nor we have a number for this data set: the config was not trained
here. 60 epochs as for SUN RGB-D. Needs ImageNet weights (torchvision) and a GPU.
"""

_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/cen_pspnet.py',
    '../_base_/datasets/muses.py',
    '../_base_/schedules/cen_60e.py',
]
# Without the 100 that is added in files; height (m), intensity, range (m).
points = dict(mean=[100.0] * 3, std=[5.0, 100.0, 50.0])
model = dict(
    modalities=('rgb', 'lidar', 'radar', 'event'),
    data_preprocessor=dict(
        modalities=dict(
            _delete_=True,
            rgb=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]),
            # tools/analysis/dataset_stats.py measures the `std` of your copy.
            lidar=points,
            radar=points,
            event=dict(mean=[0.0] * 3, std=[1.0] * 3),
        ),
        size=(768, 768),
    ),
    decode_head=dict(head=dict(num_classes=19)),
    auxiliary_head=dict(head=dict(num_classes=19)),
)
val_evaluator = dict(group_by=('weather', 'time'))
test_evaluator = dict(group_by=('weather', 'time'))
