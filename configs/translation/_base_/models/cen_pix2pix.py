# Pix2pix with channel exchange (Sec. 4.2): U-Net-256, 70x70 patch discriminator.
# A config sets its own `sources`, and `out_channels` of the generator if its target has
# other than three channels.
model = dict(
    type='CENPix2Pix',
    sources=('shade', 'texture'),
    data_preprocessor=dict(
        type='TranslationPreprocessor',
        num_channels=3,  # a source of one channel is repeated
    ),
    generator=dict(
        type='CENUNet',
        in_channels=3,
        out_channels=3,  # of the target
        num_downs=8,  # 7: images of 128 pixels, 9: of 512
        base_channels=64,
        dropout=0.5,
        exchange_threshold=1e-2,
    ),
    discriminator=dict(
        type='PatchDiscriminator',
        base_channels=64,
    ),
    gan_loss='bce',
    l1_weight=100.0,
)
