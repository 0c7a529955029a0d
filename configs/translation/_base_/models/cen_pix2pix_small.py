# cen_pix2pix.py, a quarter as wide, for images of 128 pixels. Short trainings do not
# overfit it: no dropout.
_base_ = 'cen_pix2pix.py'
model = dict(
    generator=dict(num_downs=7, base_channels=16, dropout=0),
    discriminator=dict(base_channels=16),
)
