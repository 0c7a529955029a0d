"""CEN-PSPNet, ResNet-101, PST900: RGB and thermal images.

python tools/train.py configs/cen/pspnet_r101_pst900.py

Neither the paper nor we have a number for this data set: the config was not trained
here. Needs ImageNet weights (torchvision) and a GPU.
"""

_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/cen_pspnet.py',
    '../_base_/datasets/pst900.py',
    '../_base_/schedules/cen_300e.py',
]
model = dict(
    modalities=('rgb', 'thermal'),
    data_preprocessor=dict(
        modalities=dict(
            _delete_=True,
            rgb=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]),
            # To [-1, 1]; tools/analysis/dataset_stats.py measures those of your copy.
            thermal=dict(mean=[127.5], std=[127.5]),
        ),
        size=(640, 640),
    ),
    decode_head=dict(head=dict(num_classes=5)),
    auxiliary_head=dict(head=dict(num_classes=5)),
)
