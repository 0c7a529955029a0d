# NYUDv2 at half resolution, 240x320: rgb and depth from files; normal, shade, edge and
# texture are derived from them on the fly. A config chooses:
#     choice = dict(dataset=dict(sources=('depth', 'normal'), target='rgb'))
#     train_dataloader = choice
#     val_dataloader = choice
#     test_dataloader = choice
data_root = '{{$NYUDV2_HALF:data/nyudv2_half}}'
load = [
    dict(type='LoadDomains'),
    # A Kinect measured the depth.
    dict(type='DeriveDomains', camera='nyudv2', smoothing=3.0, reach=2),
    dict(type='CenterCrop', crop_size=(304, 228)),  # without the white frame
]
train_pipeline = [
    *load,
    dict(type='Resize', scale=(382, 286), keep_ratio=True),
    dict(type='RandomCrop', crop_size=(256, 256)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackTranslationInputs'),
]
test_pipeline = [
    *load,
    dict(type='Resize', scale=(342, 256), keep_ratio=True),
    dict(type='CenterCrop', crop_size=(256, 256)),
    dict(type='PackTranslationInputs'),
]
dataset = dict(
    type='MultimodalTranslationDataset',
    data_root=data_root,
    domains=dict(
        rgb=dict(suffix='.jpg'),
        depth=dict(dtype='uint16', scale=1 / 5000, nodata=0, range=(0.0, 10.0)),
        normal=dict(derive='normal'),
        shade=dict(derive='shade'),
        edge=dict(derive='edge'),
        texture=dict(derive='texture'),
    ),
)
train_dataloader = dict(
    batch_size=1,
    num_workers=4,
    worker_init_fn=dict(type='seed_worker'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(ann_file='train.txt', pipeline=train_pipeline, **dataset),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(ann_file='val.txt', test_mode=True, pipeline=test_pipeline, **dataset),
)
test_dataloader = val_dataloader
