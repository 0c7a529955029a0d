from benchmarking.operations import count_parts
from torch import nn

from mmseg_cen.models.backbone import CENResNet
from mmseg_cen.streams.norm import ModalityBN


class Net(nn.Module):
    def __init__(self, looks_at_values=False):
        super().__init__()
        self.backbone = nn.Sequential()
        self.backbone.conv1 = nn.Conv2d(3, 8, 3, padding=1)
        self.backbone.bn1 = ModalityBN(8, num_modalities=2)
        self.backbone.relu = nn.ReLU(inplace=True)
        self.backbone.layer1 = nn.Sequential(
            nn.MaxPool2d(2), nn.Conv2d(8, 4, 1, groups=2, bias=False), nn.BatchNorm2d(4)
        )
        self.looks_at_values = looks_at_values

    def forward(self, x):
        x = x.unflatten(1, (2, 3)).flatten(0, 1)
        if self.looks_at_values and x.max() > 1:
            return x
        return self.backbone(x)


def test_operations_are_counted_as_published_tables_do():
    pixels = 2 * 6 * 10  # of both streams
    for net in (Net(), Net(looks_at_values=True)):
        stem, layer1, backbone, total = count_parts(net.eval(), (1, 6, 6, 10))
        assert (stem.name, layer1.name) == ('backbone.stem', 'backbone.layer1')
        assert stem.macs == pixels * 8 * 27
        assert stem.others == pixels * 8 * (1 + 2 + 1)  # offset, norm, activation
        assert layer1.macs == pixels // 4 * 4 * 4
        assert layer1.others == pixels * 8 + pixels // 4 * 4 * 2  # pooling, norm
        assert stem.parameters == 8 * 28 + 2 * 2 * 8
        assert stem.private == 2 * 8
        assert layer1.private == 0
        assert backbone.operations == total.operations
        assert total.operations == stem.operations + layer1.operations
        assert all(p.requires_grad for p in net.parameters())


def count_parts_of(M):
    class Segmentor(nn.Module):
        def __init__(self):
            super().__init__()
            self.backbone = CENResNet(
                18, num_modalities=M, base_channels=4, stem_channels=4
            )

        def forward(self, x):
            return self.backbone(x)

    return count_parts(Segmentor().eval(), (1, 3 * M, 8, 8))


def test_a_modality_more_costs_its_convolutions_and_its_norms():
    counts = {M: count_parts_of(M) for M in (1, 2)}
    for one, two in zip(*counts.values(), strict=True):
        assert two.operations == 2 * one.operations
        assert two.parameters - one.parameters == two.private
