"""The text of the config that from_folders.py writes."""

# The quotes of mmengine's text may be within the path, at its ends, too.
DATA_ROOT = 'r""" {{ fileDirname }} """.strip()'

CONFIG = '''"""A small CEN from scratch, for {count} training images, on a CPU or a GPU.

{train} {path}

Written by tools/dataset_converters/from_folders.py; change it as you like. Larger
images and a backbone with ImageNet weights are better: see docs/your_own_data.md.
"""

_base_ = [
    {base!r},
    {model!r},
    {schedule!r},
]
data_root = {data_root}
work_dir = {work_dir!r}
scale = {scale}  # width, height that images are fitted into
crop_size = scale[::-1]
max_epochs = {max_epochs}

metainfo = dict(
    classes={classes},
    palette={palette},
)
train_pipeline = [
    dict(type='LoadModalities'),
    dict(type='LoadAnnotations'),
    dict(type='RandomResize', scale=scale, ratio_range=(1.0, 1.5), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size),
{flip}    dict(type='PackMultimodalInputs'),
]
test_pipeline = [
    dict(type='LoadModalities'),
    dict(type='Resize', scale=scale, keep_ratio=True),
    dict(type='LoadAnnotations'),
    dict(type='PackMultimodalInputs'),
]
tta_pipeline = [
    dict(type='LoadModalities'),
    dict(type='Resize', scale=scale, keep_ratio=True),
    dict(
        type='TestTimeAug',
        transforms=[
            [
                dict(type='Resize', scale_factor=ratio, keep_ratio=True)
                for ratio in (0.75, 1.0, 1.25)
            ],
            [dict(type='RandomFlip', prob=prob) for prob in {flips}],
            [dict(type='LoadAnnotations')],
            [dict(type='PackMultimodalInputs')],
        ],
    ),
]
dataset = dict(
    type='MultimodalSegDataset',
    data_root=data_root,
    metainfo=metainfo,
    # Read in physical units, depth in meters; holes are filled with the nearest value.
    modalities=dict(
{modalities}
    ),
    data_prefix=dict({prefixes}, seg_map_path='label'),
)
train_dataloader = dict(
    batch_size={batch_size},
    num_workers=1,
    drop_last=True,
    worker_init_fn=dict(type='seed_worker'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset={train_dataset},
)
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(ann_file='val.txt', pipeline=test_pipeline, **dataset),
)
test_dataloader = val_dataloader

model = dict(
    modalities={names},
    data_preprocessor=dict(
        # Measured on the training images, in physical units; 8-bit RGB has ImageNet's.
        modalities=dict(
            _delete_=True,
{statistics}
        ),
{num_channels}        size=crop_size,
{seg_pad_val}    ),
    backbone=dict(
{in_channels}        depth=18,
        base_channels=32,
        stem_channels=32,
        norm_eval=False,
        init_cfg=None,
    ),
    decode_head=dict(
        head=dict(
            num_classes={num_classes},
{ignore_index}            in_channels=256,
            channels=64,
            dropout_ratio=0,
{weights}        )
    ),
    auxiliary_head=None,
)
{evaluators}# FiniteLossHook of the base config stops at losses that are not finite.
custom_hooks = [
{hooks}]
optim_wrapper = dict(optimizer=dict(lr=0.05))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, end=50, by_epoch=False),
    dict(
        type='PolyLR',
        power=0.9,
        eta_min=1e-5,
        begin=0,
        end=max_epochs,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
]
train_cfg = dict(max_epochs=max_epochs, val_interval={val_interval})
default_hooks = dict(checkpoint=dict(interval={val_interval}))
'''

# A batch of one image has no statistics behind the pooling to one pixel.
ONE_IMAGE = """dict(
        type='RepeatDataset',
        times=2,  # a batch of one image has no statistics
        dataset=dict(ann_file='train.txt', pipeline=train_pipeline, **dataset),
    )"""
IMAGES = "dict(ann_file='train.txt', pipeline=train_pipeline, **dataset)"

EXCHANGE = """    dict(type='GammaSparsityHook', sparsity_weight=1e-2),
    dict(type='ExchangeStatsHook'),
    dict(type='GammaRecorderHook', interval=50),
"""

# Where 255 is a class.
EVALUATORS = """val_evaluator = dict(ignore_index={0})
test_evaluator = dict(ignore_index={0})
"""

WEIGHTS = """\
            # One class has most of the pixels; without weights it may be all that is
            # predicted. 1 / log(1.02 + frequency) in the training images.
            loss_decode=dict(class_weight={}),
"""
