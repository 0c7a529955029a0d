"""Networks as torchvision writes them, names included, small enough for a test."""

import torch
from torch import nn
from torch.nn.functional import relu


class Bottleneck(nn.Module):
    """1x1, 3x3 with the stride, and 1x1 convolution."""

    def __init__(self, inputs, width, stride, downsample):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample = downsample

    def forward(self, x):
        out = relu(self.bn1(self.conv1(x)))
        out = relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        return relu(out + (self.downsample(x) if self.downsample else x))


class ResNet(nn.Module):
    """torchvision.models.ResNet, of blocks (3, 4, 6, 3) and of any width."""

    def __init__(self, width=64, blocks=(3, 4, 6, 3)):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        inputs = width
        for stage, count in enumerate(blocks):
            layers = []
            for block in range(count):
                stride, wide = (2 if stage and not block else 1), width << stage
                downsample = None
                if not block:
                    downsample = nn.Sequential(
                        nn.Conv2d(inputs, 4 * wide, 1, stride, bias=False),
                        nn.BatchNorm2d(4 * wide),
                    )
                layers.append(Bottleneck(inputs, wide, stride, downsample))
                inputs = 4 * wide
            setattr(self, f'layer{stage + 1}', nn.Sequential(*layers))
        self.fc = nn.Linear(inputs, 10)

    def forward(self, x):
        x = self.maxpool(relu(self.bn1(self.conv1(x))))
        outputs = []
        for stage in range(1, 5):
            x = getattr(self, f'layer{stage}')(x)
            outputs.append(x)
        return outputs


def conv_bn(inputs, outputs, size, stride=1, groups=1):
    conv = nn.Conv2d(
        inputs, outputs, size, stride, size // 2, groups=groups, bias=False
    )
    return [conv, nn.BatchNorm2d(outputs)]


class InvertedResidual(nn.Module):
    def __init__(self, inputs, outputs, stride, expansion):
        super().__init__()
        hidden = inputs * expansion
        self.adds = stride == 1 and inputs == outputs
        layers = [
            nn.Sequential(*conv_bn(hidden, hidden, 3, stride, hidden), nn.ReLU6())
        ]
        if expansion > 1:
            layers.insert(0, nn.Sequential(*conv_bn(inputs, hidden, 1), nn.ReLU6()))
        self.conv = nn.Sequential(*layers, *conv_bn(hidden, outputs, 1))

    def forward(self, x):
        return x + self.conv(x) if self.adds else self.conv(x)


class MobileNetV2(nn.Module):
    """torchvision.models.MobileNetV2 of a quarter of the width, 8 channels at least."""

    SETTING = (
        (1, 8, 1, 1), (6, 8, 2, 2), (6, 8, 3, 2), (6, 16, 4, 2), (6, 24, 3, 1),
        (6, 40, 3, 2), (6, 80, 1, 1),
    )  # fmt: skip

    def __init__(self):
        super().__init__()
        features = [nn.Sequential(*conv_bn(3, 8, 3, 2), nn.ReLU6())]
        inputs = 8
        for expansion, outputs, count, stride in self.SETTING:
            for block in range(count):
                features.append(
                    InvertedResidual(inputs, outputs, 1 if block else stride, expansion)
                )
                inputs = outputs
        features.append(nn.Sequential(*conv_bn(inputs, 1280, 1), nn.ReLU6()))
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, 10))

    def forward(self, x):
        outputs = []
        for number, layer in enumerate(self.features[:-1]):
            x = layer(x)
            if number in (3, 6, 13, 17):  # the last blocks of the stages 1, 2, 4, 6
                outputs.append(x)
        return outputs


def randomize(network):
    """Give all norms random factors and statistics, and evaluate."""
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for tensor in (layer.weight, layer.running_var):
                nn.init.uniform_(tensor, 0.5, 1.5)
            for tensor in (layer.bias, layer.running_mean):
                nn.init.normal_(tensor, std=0.1)
    network.eval()
    return network


def assert_close(found, expected):
    """Maps are equal up to the rounding of their largest values."""
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert torch.isfinite(b).all()
        size = float(b.detach().abs().max())
        torch.testing.assert_close(a, b, rtol=0, atol=1e-5 * size)
