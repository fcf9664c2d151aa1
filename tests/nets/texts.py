"""Networks as people paste them, written out by small generators in each framework's words."""

VGG = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
WIDTHS = (64, 128, 256, 512, 512)


def vgg_torch(depth):
    """Layer lines as they stand in a class, with `self.` and trailing commas."""
    lines, channels = [], 3
    for stage, width in zip(VGG[depth], WIDTHS, strict=True):
        for _ in range(stage):
            lines.append(f"    nn.Conv2d({channels}, {width}, kernel_size=3, padding=1),")
            lines.append("    nn.ReLU(inplace=True),")
            channels = width
        lines.append("    nn.MaxPool2d(kernel_size=2, stride=2),")
    return "\n".join(
        [
            "self.features = nn.Sequential(",
            *lines,
            ")",
            "self.avgpool = nn.AdaptiveAvgPool2d((7, 7))",
            "self.classifier = nn.Sequential(",
            "    nn.Linear(512 * 7 * 7, 4096),",
            "    nn.ReLU(True), nn.Dropout(p=0.5),",
            "    nn.Linear(4096, 4096),",
            "    nn.ReLU(True), nn.Dropout(p=0.5),",
            "    nn.Linear(4096, 1000),",
            ")",
        ]
    )


def vgg_keras(depth):
    """`model.add(...)` lines with their imports, and what follows them in a script."""
    lines = ["from tensorflow import keras", "model = keras.Sequential()"]
    first = ", input_shape=(224, 224, 3)"
    for stage, width in zip(VGG[depth], WIDTHS, strict=True):
        for _ in range(stage):
            lines.append(
                f"model.add(layers.Conv2D({width}, (3, 3), padding='same', activation='relu'{first}))"
            )
            first = ""
        lines.append("model.add(layers.MaxPooling2D((2, 2), strides=(2, 2)))")
    lines += ["model.add(layers.Flatten())"]
    lines += ["model.add(layers.Dense(4096, activation='relu'))"] * 2
    lines += ["model.add(layers.Dense(1000, activation='softmax'))", "model.summary()"]
    return "\n".join(lines)


def alexnet_torch():
    return """
    >>> num_classes = 1000
    >>> net = nn.Sequential(
    ...     nn.Conv2d(3, 64, kernel_size=11, stride=4, padding=2), nn.ReLU(),
    ...     nn.MaxPool2d(kernel_size=3, stride=2),
    ...     nn.Conv2d(64, 192, kernel_size=5, padding=2), nn.ReLU(),
    ...     nn.MaxPool2d(kernel_size=3, stride=2),
    ...     nn.Conv2d(192, 384, 3, 1, 1), nn.ReLU(),
    ...     nn.Conv2d(384, 256, 3, 1, 1), nn.ReLU(),
    ...     nn.Conv2d(256, 256, 3, 1, 1), nn.ReLU(),
    ...     nn.MaxPool2d(kernel_size=3, stride=2),
    ...     nn.AdaptiveAvgPool2d((6, 6)), nn.Flatten(),
    ...     nn.Dropout(), nn.Linear(256 * 6 * 6, 4096), nn.ReLU(),
    ...     nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(),
    ...     nn.Linear(4096, num_classes))
    """


def alexnet_2012_keras():
    return """
inputs = keras.Input(shape=(227, 227, 3))
x = layers.Conv2D(96, 11, strides=4, activation="relu")(inputs)
x = layers.MaxPooling2D(3, strides=2)(x)
x = layers.Conv2D(256, 5, padding="same", groups=2, activation="relu")(x)
x = layers.MaxPooling2D(3, strides=2)(x)
x = layers.Conv2D(384, 3, padding="same", activation="relu")(x)
x = layers.Conv2D(384, 3, padding="same", groups=2, activation="relu")(x)
x = layers.Conv2D(256, 3, padding="same", groups=2, activation="relu")(x)
x = layers.MaxPooling2D(3, strides=2)(x)
x = layers.Flatten()(x)
x = layers.Dense(4096, activation="relu")(x)
x = layers.Dropout(0.5)(x)
x = layers.Dense(4096, activation="relu")(x)
outputs = layers.Dense(1000, activation="softmax")(x)
model = keras.Model(inputs=inputs, outputs=outputs)
"""


def lenet_torch():
    return """
class LeNet(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.conv3 = nn.Conv2d(16, 120, kernel_size=5)
        self.fc1 = nn.Linear(120, 84)
        self.fc2 = nn.Linear(84, num_classes)
        self.pool = nn.AvgPool2d(2)

    def forward(self, x):
        x = self.pool(torch.tanh(self.conv1(x)))
        x = self.pool(torch.tanh(self.conv2(x)))
        x = torch.tanh(self.conv3(x))
        x = x.view(-1, 120)
        x = torch.tanh(self.fc1(x))
        return self.fc2(x)
"""


def lenet_keras():
    return """
model = Sequential([
    Conv2D(6, kernel_size=5, activation='tanh', input_shape=(32, 32, 1)),
    AveragePooling2D(),
    Conv2D(16, kernel_size=5, activation='tanh'),
    AveragePooling2D(),
    Conv2D(120, kernel_size=5, activation='tanh'),
    Flatten(),
    Dense(84, activation='tanh'),
    Dense(10, activation='softmax'),
])
"""


RESNETS = {
    18: ((2, 2, 2, 2), False),
    34: ((3, 4, 6, 3), False),
    50: ((3, 4, 6, 3), True),
    101: ((3, 4, 23, 3), True),
    152: ((3, 8, 36, 3), True),
}


def resnet_printed(depth):
    """The text of print(model), with its indentation and its closing brackets."""
    stages, bottleneck = RESNETS[depth]
    lines = ["ResNet("]

    def conv(indent, name, given, made, kernel, stride=1):
        padding = f", padding=({kernel // 2}, {kernel // 2})" if kernel > 1 else ""
        lines.append(
            f"{indent}({name}): Conv2d({given}, {made}, kernel_size=({kernel}, {kernel}), "
            f"stride=({stride}, {stride}){padding}, bias=False)"
        )

    def norm(indent, name, channels):
        lines.append(
            f"{indent}({name}): BatchNorm2d({channels}, eps=1e-05, momentum=0.1, affine=True, "
            "track_running_stats=True)"
        )

    conv("  ", "conv1", 3, 64, 7, 2)
    norm("  ", "bn1", 64)
    lines.append("  (relu): ReLU(inplace=True)")
    lines.append(
        "  (maxpool): MaxPool2d(kernel_size=3, stride=2, padding=1, dilation=1, ceil_mode=False)"
    )
    channels, block = 64, "Bottleneck" if bottleneck else "BasicBlock"
    for stage, (blocks, width) in enumerate(zip(stages, (64, 128, 256, 512), strict=True), 1):
        lines.append(f"  (layer{stage}): Sequential(")
        for number in range(blocks):
            stride = 2 if number == 0 and stage > 1 else 1
            made = width * 4 if bottleneck else width
            lines.append(f"    ({number}): {block}(")
            i = "      "
            if bottleneck:
                plan = [(channels, width, 1, 1), (width, width, 3, stride), (width, made, 1, 1)]
            else:
                plan = [(channels, width, 3, stride), (width, width, 3, 1)]
            for place, (given, out, kernel, step) in enumerate(plan, 1):
                conv(i, f"conv{place}", given, out, kernel, step)
                norm(i, f"bn{place}", out)
            lines.append(f"{i}(relu): ReLU(inplace=True)")
            if stride > 1 or channels != made:
                lines.append(f"{i}(downsample): Sequential(")
                conv(i + "  ", "0", channels, made, 1, stride)
                norm(i + "  ", "1", made)
                lines.append(f"{i})")
            lines.append("    )")
            channels = made
        lines.append("  )")
    lines.append("  (avgpool): AdaptiveAvgPool2d(output_size=(1, 1))")
    lines.append(f"  (fc): Linear(in_features={channels}, out_features=1000, bias=True)")
    return "\n".join([*lines, ")"])


INCEPTIONS = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


def googlenet_keras():
    """GoogLeNet as published, in Keras's functional lines."""
    conv = 'layers.Conv2D({}, {}, padding="same", activation="relu")({})'
    lines = [
        "inputs = keras.Input(shape=(224, 224, 3))",
        'x = layers.Conv2D(64, 7, strides=2, padding="same", activation="relu")(inputs)',
        'x = layers.MaxPooling2D(3, strides=2, padding="same")(x)',
        "x = " + conv.format(64, 1, "x"),
        "x = " + conv.format(192, 3, "x"),
        'x = layers.MaxPooling2D(3, strides=2, padding="same")(x)',
    ]
    for name, (a, b, c, d, e, f) in INCEPTIONS.items():
        if name in ("4a", "5a"):
            lines.append('x = layers.MaxPooling2D(3, strides=2, padding="same")(x)')
        lines += [
            "b1 = " + conv.format(a, 1, "x"),
            "b2 = " + conv.format(c, 3, conv.format(b, 1, "x")),
            "b3 = " + conv.format(e, 5, conv.format(d, 1, "x")),
            'pool = layers.MaxPooling2D(3, strides=1, padding="same")(x)',
            "b4 = " + conv.format(f, 1, "pool"),
            f'x = layers.concatenate([b1, b2, b3, b4], axis=-1, name="inception_{name}")',
        ]
    lines += [
        "x = layers.GlobalAveragePooling2D()(x)",
        "x = layers.Dropout(0.4)(x)",
        'outputs = layers.Dense(1000, activation="softmax")(x)',
        "model = keras.Model(inputs, outputs)",
    ]
    return "\n".join(lines)


PASTED = {
    **{f"vgg{n} PyTorch": (f"vgg{n}", vgg_torch(n)) for n in VGG},
    **{f"vgg{n} Keras": (f"vgg{n}", vgg_keras(n)) for n in VGG},
    "alexnet PyTorch": ("alexnet", alexnet_torch()),
    "alexnet-2012 Keras": ("alexnet-2012", alexnet_2012_keras()),
    "lenet5 PyTorch": ("lenet5", lenet_torch()),
    "lenet5 Keras": ("lenet5", lenet_keras()),
    **{f"resnet{n} printed": (f"resnet{n}", resnet_printed(n)) for n in RESNETS},
    "googlenet-paper Keras": ("googlenet-paper", googlenet_keras()),
}
"""A name → the network of the zoo it is, and its text."""
