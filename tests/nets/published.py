"""Published figures of networks, in one place: parameters, MACs, and where else they are known.

Every figure is for the input the zoo names; MACs are of conv and linear weights, one image.
"""

from typing import NamedTuple


class Published(NamedTuple):
    params: int
    macs: int | None = None
    smallest: int | None = None


NETWORKS = {
    "lenet5": Published(61_706, 416_520),
    "lenet5-1998": Published(60_000),
    "lenet5-caffe": Published(431_080, 2_293_000),
    "lenet-300-100": Published(266_610, 266_200),
    "mobilenet_v1": Published(4_231_976, 568_740_352),
    "darknet19": Published(20_842_376, 3_645_374_464),
    "darknet53": Published(41_609_928, 9_285_115_904),
    "alexnet": Published(61_100_840, 714_188_480, 63),
    "alexnet-2012": Published(60_965_224, 724_406_816),
    "vgg11": Published(132_863_336, 7_609_090_048, 32),
    "vgg13": Published(133_047_848, 11_308_466_176, 32),
    "vgg16": Published(138_357_544, 15_470_264_320, 32),
    "vgg19": Published(143_667_240, 19_632_062_464, 32),
    "googlenet": Published(6_624_904, 1_498_376_192),
    "googlenet-paper": Published(6_998_552, 1_582_671_872),
    "googlenet-paper-aux": Published(13_378_280),
    "resnet18": Published(11_689_512, 1_814_073_344),
    "resnet34": Published(21_797_672, 3_663_761_408),
    "resnet50": Published(25_557_032, 4_089_184_256),
    "resnet50-v1": Published(25_557_032, 3_857_973_248),
    "resnet101": Published(44_549_160, 7_801_405_440),
    "resnet152": Published(60_192_808, 11_513_626_624),
}

PARAMS_AND_STATISTICS = [
    # Keras's MobileNet; darknet53.conv.74 and darknet19_448.conv.23 without their headers, in floats
    ("mobilenet_v1", 0, 4_253_864),
    ("darknet53", 1_025_000, (162_482_580 - 20) // 4),
    ("darknet19", 1_025_000, (79_327_120 - 16) // 4),
]
"""Network, the weights of a classifier that is not in the file, and the values of the rest."""

UNGROUPED_ALEXNET_2012 = Published(62_378_344, 1_135_256_096)

RESNET50_BY_RULE = {
    "weights": 4_089_184_256,
    "bias": 4_089_185_256,
    "torchinfo": 4_089_238_376,
    "thop": 4_133_742_592,
    "thop@0.0.31": 4_111_514_624,
    "fvcore": 4_111_512_576,
}
"""ResNet-50 at 224 under the MAC rules of other tools."""

# network → (node, receptive field, jump)
RECEPTIVE = [
    ("alexnet-2012", "pool5", 195, 32),
    ("vgg16", "pool1", 6, 2),
    ("vgg16", "pool2", 16, 4),
    ("vgg16", "pool3", 44, 8),
    ("vgg16", "pool4", 100, 16),
    ("vgg16", "pool5", 212, 32),
    ("resnet50-v1", "layer1.residual3.add", 35, 4),
    ("resnet50-v1", "layer2.residual4.add", 99, 8),
    ("resnet50-v1", "layer3.residual6.add", 291, 16),
    ("resnet50-v1", "layer4.residual3.add", 483, 32),
    ("resnet50", "layer4.residual3.add", 427, 32),
]

VGG16_ACTIVATIONS = 15_237_608
VGG16_ACTIVATIONS_TEXT = "58.13 MiB"
