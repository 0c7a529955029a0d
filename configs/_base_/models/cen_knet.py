# K-Net with an FCN before three updates of its kernels, on the network of
# cen_pspnet.py: sizes of mmseg's knet-s3_r50-d8_fcn configs.
_base_ = './cen_pspnet.py'
model = dict(
    backbone=dict(
        depth=50, init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50')
    ),
    decode_head=dict(
        head=dict(
            _delete_=True,
            type='IterativeDecodeHead',
            num_stages=3,
            kernel_generate_head=dict(
                type='FCNHead',
                in_channels=2048,
                in_index=3,
                channels=512,
                num_convs=2,
                concat_input=True,
                dropout_ratio=0.1,
                num_classes=40,
                norm_cfg=dict(type='BN'),
                align_corners=False,
                loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
            ),
            kernel_update_head=[
                dict(
                    type='KernelUpdateHead',
                    num_classes=40,
                    num_ffn_fcs=2,
                    num_heads=8,
                    num_mask_fcs=1,
                    feedforward_channels=2048,
                    in_channels=512,
                    out_channels=512,
                    dropout=0.0,
                    conv_kernel_size=1,
                    ffn_act_cfg=dict(type='ReLU', inplace=True),
                    with_ffn=True,
                    feat_transform_cfg=dict(conv_cfg=dict(type='Conv2d'), act_cfg=None),
                    kernel_updator_cfg=dict(
                        type='KernelUpdator',
                        in_channels=256,
                        feat_channels=256,
                        out_channels=256,
                        act_cfg=dict(type='ReLU', inplace=True),
                        norm_cfg=dict(type='LN'),
                    ),
                )
                for _ in range(3)
            ],
        ),
    ),
)
