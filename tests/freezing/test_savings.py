"""Operations that a frozen exchange saves are counted, part by part."""

from mmseg.registry import MODELS

from mmseg_cen.freezing import compare_macs, count_macs, freeze_exchange

RESNET = dict(type='ResNet', depth=18, base_channels=16, stem_channels=16)


def test_half_of_each_exchanging_convolution_goes_if_all_own_parts_are_exchanged(
    network,
):
    reference = network(backbone=RESNET)
    table = compare_macs(reference, freeze_exchange(reference), (32, 32))
    stem = 2 * 16**2 * 16 * 3 * 7**2
    assert table['conv1'] == (stem, stem)
    convs = 2 * 8**2 * 4 * 16 * 16 * 3**2
    assert table['layer1'] == (convs, convs // 2)
    down = 2 * 4**2 * 32 * 16
    convs = 2 * 4**2 * (32 * 16 + 3 * 32 * 32) * 3**2
    assert table['layer2'] == (convs + down, convs // 2 + down)
    assert table['total'][0] == sum(old for old, _ in [*table.values()][:-1])


def test_the_part_of_a_convolution_goes_that_is_exchanged(network):
    reference = network(backbone=RESNET, stages=['layer3'])
    for norm in reference.layer3.modules():
        if getattr(norm, 'exchange', None) is not None:
            norm.gamma.data.fill_(1)
            norm.gamma.data[0, :16] = norm.gamma.data[1, 32:48] = 0  # of 64
    table = compare_macs(reference, freeze_exchange(reference), (32, 32))
    down = 2 * 2**2 * 64 * 32
    old, new = table['layer3']
    assert new - down == (old - down) * 3 / 4
    assert table['layer4'][0] == table['layer4'][1]


def test_parts_of_a_segmentor_are_counted_though_only_their_methods_are_called():
    head = dict(type='FCNHead', in_channels=8, in_index=0, channels=4, num_classes=3)
    head |= dict(num_convs=1, concat_input=False, norm_cfg=dict(type='BN'))
    model = MODELS.build(
        dict(
            type='CENSegmentor',
            modalities=('a', 'b'),
            backbone=dict(type='CENResNet', depth=18, base_channels=8, stem_channels=8),
            decode_head=dict(type='EnsembleHead', head=head),
        )
    ).eval()
    counts = count_macs(model, (32, 32))
    assert counts['decode_head'] == 2 * 8**2 * (8 * 4 * 9 + 4 * 3)
    assert counts['total'] >= sum(counts.values()) - counts['total']
