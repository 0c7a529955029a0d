import pytest
from controlling import capacity
from controlling.capacity import as_costly, closest_width, cost
from controlling.variants import one_stream

SIZE = (32, 32)


@pytest.mark.parametrize('wanted', [300, 7000, 10000])
def test_the_width_is_the_closest_one(wanted):
    found = closest_width(lambda w: w * w, wanted, 16)
    assert found == min(range(16, 200, 2), key=lambda w: abs(w * w - wanted))


def width_of(cfg):
    return cfg.model.backbone.base_channels


def test_a_backbone_from_scratch_is_widened(demo, monkeypatch):
    macs, parameters = cost(demo, SIZE)
    own_macs, own_parameters = cost(one_stream(demo, 'rgb'), SIZE)
    assert macs == pytest.approx(2 * own_macs, rel=1e-3)
    assert own_parameters == pytest.approx(parameters, rel=0.03)

    def squared(cfg, size):
        M = len(cfg.model.get('modalities', ('rgb', 'depth')))
        return M * width_of(cfg) ** 2, 0

    monkeypatch.setattr(capacity, 'cost', squared)
    wide, matched = as_costly(demo, 'rgb', SIZE)
    assert width_of(wide) == 22  # 16 * sqrt(2)
    assert wide.model.decode_head.head.in_channels == [22, 44, 88, 176]
    assert matched.startswith('base_channels of the backbone 16 -> 22: ')
    wide_macs, _ = cost(wide, SIZE)
    assert own_macs < wide_macs < macs  # the decoder is as it was


def test_behind_pretrained_weights_the_decoder_is_widened(demo, monkeypatch):
    def squared(cfg, size):
        return len(cfg.model.modalities) * cfg.model.decode_head.head.channels**2, 0

    monkeypatch.setattr(capacity, 'cost', squared)
    demo.model.modalities = ('rgb', 'depth')
    demo.model.backbone.init_cfg = dict(type='Pretrained', checkpoint='weights.pth')
    wide, _ = as_costly(demo, 'rgb', SIZE)
    assert wide.model.backbone.base_channels == 16
    assert wide.model.decode_head.head.channels == 90  # 64 * sqrt(2)


def test_a_cascade_behind_pretrained_weights_is_refused(demo, monkeypatch):
    monkeypatch.setattr(capacity, 'cost', lambda *_: (1, 1))
    demo.model.backbone.init_cfg = dict(type='Pretrained', checkpoint='weights.pth')
    demo.model.decode_head.head = [demo.model.decode_head.head]
    with pytest.raises(ValueError, match='leave out the control wide'):
        as_costly(demo, 'rgb', SIZE)


def test_any_backbone_is_counted_without_its_weights(demo):
    """A CENBackbone has its start within, and takes no init_cfg of its own."""
    expected = cost(demo, SIZE)
    own = demo.model.backbone
    demo.model.backbone = dict(
        type='CENBackbone',
        modalities=('rgb', 'depth'),
        backbone=dict(
            type='ResNet', depth=18, base_channels=16, stem_channels=16,
            init_cfg=dict(type='Pretrained', checkpoint='nowhere.pth'),
        ),
    )  # fmt: skip
    assert own.depth == 18
    assert cost(demo, SIZE) == expected
