"""CEN-PSPNet, ResNet-101, DeLiVER, of RGB and depth only.

python tools/train.py configs/cen/pspnet_r101_rgbd_deliver.py

As pspnet_r101_deliver.py, which has all four modalities; not trained here.
"""

_base_ = './pspnet_r101_deliver.py'
model = dict(modalities=('rgb', 'depth'))
dataset = dict(
    modalities=dict(
        _delete_=True,
        rgb=dict(inherit=True, interpolation='bicubic'),
        depth=dict(inherit=True),
    )
)
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = dict(dataset=dataset)
