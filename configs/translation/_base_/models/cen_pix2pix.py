# Pix2pix with channel exchange (Sec. 4.2): U-Net-256, 70x70 patch discriminator.
# A config with other sources, or a target of one channel, overrides what says so here.
sources = ('shade', 'texture')
model = dict(
    type='CENPix2Pix',
    sources=sources,
    data_preprocessor=dict(
        type='TranslationPreprocessor',
        sources=sources,
        num_channels=3,  # sources with one are repeated
    ),
    generator=dict(
        type='CENUNet',
        num_modalities=len(sources),
        in_channels=3,
        out_channels=3,  # of the target
        num_downs=8,  # 7: images of 128 pixels, 9: of 512
        base_channels=64,
        dropout=0.5,
        exchange_threshold=1e-2,
    ),
    discriminator=dict(
        type='PatchDiscriminator',
        in_channels=3 + 3,  # of a source and of the target
        base_channels=64,
    ),
    gan_loss='bce',
    l1_weight=100.0,
)
