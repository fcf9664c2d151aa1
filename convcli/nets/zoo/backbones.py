"""Networks that torchvision builds, read through the bundled modules of the Python reader."""

Family = tuple[str, str, dict[str, tuple[int, int, float]]]
"""A title, the paper, and name → side of the input, parameters, 10⁹ multiply–accumulates with those
of attention, as torchvision publishes them."""

FAMILIES: tuple[Family, ...] = (
    (
        "DenseNet: each layer reads all before it",
        "Huang et al., 'Densely connected convolutional networks', 2016",
        {
            "densenet121": (224, 7_978_856, 2.834),
            "densenet161": (224, 28_681_000, 7.728),
            "densenet169": (224, 14_149_480, 3.360),
            "densenet201": (224, 20_013_928, 4.291),
        },
    ),
    (
        "SqueezeNet: 1x1 before 3x3",
        "Iandola et al., 'SqueezeNet: AlexNet-level accuracy with 50x fewer parameters', 2016",
        {
            "squeezenet1_0": (224, 1_248_424, 0.819),
            "squeezenet1_1": (224, 1_235_496, 0.349),
        },
    ),
    (
        "ResNeXt: bottlenecks of grouped convolutions",
        "Xie et al., 'Aggregated residual transformations for deep neural networks', 2016",
        {
            "resnext50_32x4d": (224, 25_028_904, 4.230),
            "resnext101_32x8d": (224, 88_791_336, 16.414),
        },
    ),
    (
        "Wide ResNet: bottlenecks twice as wide",
        "Zagoruyko & Komodakis, 'Wide residual networks', 2016",
        {
            "wide_resnet50_2": (224, 68_883_240, 11.398),
            "wide_resnet101_2": (224, 126_886_696, 22.753),
        },
    ),
    (
        "Inception v3; its parameters with the auxiliary classifier",
        "Szegedy et al., 'Rethinking the Inception architecture for computer vision', 2015",
        {"inception_v3": (299, 27_161_264, 5.713)},
    ),
    (
        "MobileNetV2: inverted residuals",
        "Sandler et al., 'MobileNetV2: inverted residuals and linear bottlenecks', 2018",
        {"mobilenet_v2": (224, 3_504_872, 0.301)},
    ),
    (
        "ShuffleNetV2: half of the channels, then a shuffle",
        "Ma et al., 'ShuffleNet V2: practical guidelines for efficient CNN design', 2018",
        {
            "shufflenet_v2_x0_5": (224, 1_366_792, 0.040),
            "shufflenet_v2_x1_0": (224, 2_278_604, 0.145),
            "shufflenet_v2_x1_5": (224, 3_503_624, 0.296),
            "shufflenet_v2_x2_0": (224, 7_393_996, 0.583),
        },
    ),
    (
        "MNASNet-B1: searched for phones",
        "Tan et al., 'MnasNet: platform-aware neural architecture search', 2018",
        {
            "mnasnet0_5": (224, 2_218_512, 0.104),
            "mnasnet0_75": (224, 3_170_208, 0.215),
            "mnasnet1_0": (224, 4_383_312, 0.314),
            "mnasnet1_3": (224, 6_282_256, 0.526),
        },
    ),
    (
        "MobileNetV3: searched, with gates of channels",
        "Howard et al., 'Searching for MobileNetV3', 2019",
        {
            "mobilenet_v3_large": (224, 5_483_032, 0.217),
            "mobilenet_v3_small": (224, 2_542_856, 0.057),
        },
    ),
    (
        "EfficientNet: depth, width and input scaled together",
        "Tan & Le, 'EfficientNet: rethinking model scaling', 2019",
        {
            "efficientnet_b0": (224, 5_288_548, 0.386),
            "efficientnet_b1": (240, 7_794_184, 0.687),
            "efficientnet_b2": (288, 9_109_994, 1.088),
            "efficientnet_b3": (300, 12_233_232, 1.827),
            "efficientnet_b4": (380, 19_341_616, 4.394),
            "efficientnet_b5": (456, 30_389_784, 10.266),
            "efficientnet_b6": (528, 43_040_704, 19.068),
            "efficientnet_b7": (600, 66_347_960, 37.746),
        },
    ),
    (
        "EfficientNetV2: fused blocks first",
        "Tan & Le, 'EfficientNetV2: smaller models and faster training', 2021",
        {
            "efficientnet_v2_s": (384, 21_458_488, 8.366),
            "efficientnet_v2_m": (480, 54_139_356, 24.582),
            "efficientnet_v2_l": (480, 118_515_272, 56.080),
        },
    ),
    (
        "RegNet: widths along a line",
        "Radosavovic et al., 'Designing network design spaces', 2020",
        {
            "regnet_x_400mf": (224, 5_495_976, 0.414),
            "regnet_y_400mf": (224, 4_344_144, 0.402),
        },
    ),
    (
        "ConvNeXt: convolutions built as a transformer is",
        "Liu et al., 'A ConvNet for the 2020s', 2022",
        {
            "convnext_tiny": (224, 28_589_128, 4.456),
            "convnext_small": (224, 50_223_688, 8.684),
            "convnext_base": (224, 88_591_464, 15.355),
            "convnext_large": (224, 197_767_336, 34.361),
        },
    ),
    (
        "Vision transformer on patches",
        "Dosovitskiy et al., 'An image is worth 16x16 words', 2020",
        {
            "vit_b_16": (224, 86_567_656, 17.564),
            "vit_b_32": (224, 88_224_232, 4.409),
            "vit_l_16": (224, 304_326_632, 61.555),
            "vit_l_32": (224, 306_535_400, 15.378),
        },
    ),
    (
        "Swin transformer: attention within shifted windows",
        "Liu et al., 'Swin transformer: hierarchical vision transformer', 2021",
        {
            "swin_t": (224, 28_288_354, 4.491),
            "swin_s": (224, 49_606_258, 8.741),
            "swin_b": (224, 87_768_224, 15.431),
        },
    ),
)

BACKBONES = {name: family for family in FAMILIES for name in family[2]}
"""The family of each network."""


def backbone_text(name: str) -> str:
    """The lines of Python that build one and call it."""
    title, source, members = BACKBONES[name]
    side, params, macs = members[name]
    return (
        f"# {title}; {params:,} parameters, {macs:.3f} G MACs\n"
        f"# {source}; as torchvision has it\n"
        "import torch\n"
        f"from torchvision.models import {name}\n\n"
        f"model = {name}()\n"
        f"output = model(torch.zeros(1, 3, {side}, {side}))\n"
    )
