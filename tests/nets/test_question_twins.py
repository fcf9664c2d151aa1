"""Networks as questions, notebooks and sessions have them; outputs and counts are those of the frameworks.

Taken from Keras 3.10 (on PyTorch) and PyTorch 2.13; torchvision's from its published counts.
"""

import json
from typing import NamedTuple

import pytest

from convcli.cli.main import run


class Twin(NamedTuple):
    """A text, and what its framework says of it."""

    suffix: str
    text: str
    inputs: tuple[str, ...]
    outputs: tuple[tuple[int, ...], ...] | None
    """Shapes without the batch; None where no order is known."""
    params: int
    trainable: int


TWINS = {
    "prelu with shared axes": Twin(
        ".py",
        """\
from tensorflow.keras.models import Sequential
from tensorflow.keras.layers import Conv2D, MaxPooling2D, Flatten, Dense, PReLU
model = Sequential()
model.add(Conv2D(16, (5, 5), input_shape=(48, 48, 1)))
model.add(PReLU(alpha_initializer='zeros', shared_axes=[1, 2]))
model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(Conv2D(24, (3, 3)))
model.add(PReLU())
model.add(Flatten())
model.add(Dense(7, activation='softmax'))
""",
        (),
        ((7,),),
        80719,
        80719,
    ),
    "lines that add a PReLU": Twin(
        ".txt",
        """\
model.add(Conv2D(32, (3, 3), padding='same', input_shape=(32, 32, 3)))
model.add(PReLU())
model.add(LeakyReLU(alpha=0.1))
model.add(MaxPooling2D())
model.add(Flatten())
model.add(Dense(10))
""",
        (),
        ((10,),),
        115594,
        115594,
    ),
    "a model made within main": Twin(
        ".py",
        """\
import torchvision.models as models
import torch.nn as nn
def main():
    model = models.efficientnet_b0(pretrained=True)
    for p in model.features.parameters():
        p.requires_grad = False
    model.classifier[1] = nn.Linear(1280, 5)
    print(model)
if __name__ == '__main__':
    main()
""",
        ("224",),
        ((5,),),
        4013953,
        6405,
    ),
    "a head set anew": Twin(
        ".py",
        """\
from torchvision import models
import torch.nn as nn
vgg = models.vgg11_bn()
vgg.classifier[6] = nn.Linear(4096, 37)
""",
        ("224",),
        ((37,),),
        128923429,
        128923429,
    ),
    "add_module in a loop": Twin(
        ".py",
        """\
import torch.nn as nn
cnn = nn.Sequential()
cnn.add_module('conv1', nn.Conv2d(3, 12, 5, stride=2))
cnn.add_module('bn1', nn.BatchNorm2d(12))
cnn.add_module('relu1', nn.ReLU(inplace=True))
for i in range(2):
    cnn.add_module(f'conv{i+2}', nn.Conv2d(12*(i+1), 12*(i+2), 3, padding=1))
    cnn.add_module(f'pool{i+2}', nn.MaxPool2d(2))
cnn.add_module('flat', nn.Flatten())
cnn.add_module('fc', nn.Linear(36*7*7, 4))
""",
        ("64",),
        ((4,),),
        18424,
        18424,
    ),
    "a session": Twin(
        ".txt",
        """\
>>> import torch
>>> from torch import nn
>>> m = nn.Sequential(
...     nn.Conv1d(1, 8, 7, stride=3),
...     nn.ReLU(),
...     nn.AdaptiveMaxPool1d(10),
...     nn.Flatten(),
...     nn.Linear(80, 2))
>>> m(torch.randn(4, 1, 500)).shape
torch.Size([4, 2])
""",
        (),
        ((2,),),
        226,
        226,
    ),
    "a fence within prose": Twin(
        ".txt",
        """\
Hi all, I am trying to port my model to PyTorch and I get the wrong number of parameters. Here is what I have so far:

```python
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(64, 16 * 4 * 4)
        self.unflat = nn.Unflatten(1, (16, 4, 4))
        self.up = nn.ConvTranspose2d(16, 8, 4, 2, 1)
        self.out = nn.ConvTranspose2d(8, 1, 4, 2, 1)

    def forward(self, z):
        x = self.unflat(torch.relu(self.lin(z)))
        return torch.sigmoid(self.out(torch.relu(self.up(x))))
```

Any help is appreciated!
""",
        ("(1,64)",),
        ((16, 16, 1),),
        18825,
        18825,
    ),
    "a print with Unflatten": Twin(
        ".txt",
        """\
Sequential(
  (0): Linear(in_features=100, out_features=6272, bias=True)
  (1): ReLU()
  (2): Unflatten(dim=1, unflattened_size=(128, 7, 7))
  (3): ConvTranspose2d(128, 64, kernel_size=(4, 4), stride=(2, 2), padding=(1, 1))
  (4): BatchNorm2d(64, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)
  (5): ReLU()
  (6): ConvTranspose2d(64, 1, kernel_size=(4, 4), stride=(2, 2), padding=(1, 1))
  (7): Sigmoid()
)
""",
        ("(1,100)",),
        ((28, 28, 1),),
        765761,
        765761,
    ),
    "a print that flattens lengths": Twin(
        ".txt",
        """\
Sequential(
  (0): Conv2d(3, 8, kernel_size=(3, 3), stride=(2, 2))
  (1): Flatten(start_dim=2, end_dim=-1)
  (2): Linear(in_features=225, out_features=20, bias=True)
  (3): Flatten(start_dim=1, end_dim=-1)
  (4): Linear(in_features=160, out_features=3, bias=True)
)
""",
        ("32",),
        ((3,),),
        5227,
        5227,
    ),
    "words through a bidirectional LSTM": Twin(
        ".py",
        """\
from keras.models import Sequential
from keras.layers import *
model = Sequential()
model.add(Embedding(5000, 64, input_length=120))
model.add(SpatialDropout1D(0.2))
model.add(Bidirectional(LSTM(32, return_sequences=True)))
model.add(GlobalMaxPooling1D())
model.add(Dense(3, activation='softmax'))
""",
        (),
        ((3,),),
        345027,
        345027,
    ),
    "ConvLSTM2D": Twin(
        ".py",
        """\
from keras import layers, models
model = models.Sequential([
  layers.Input((10, 40, 40, 1)),
  layers.ConvLSTM2D(16, (3,3), padding='same', return_sequences=True),
  layers.BatchNormalization(),
  layers.ConvLSTM2D(8, 3, padding='same'),
  layers.Conv2D(1, 3, activation='sigmoid', padding='same')])
""",
        (),
        ((40, 40, 1),),
        16937,
        16905,
    ),
    "TimeDistributed": Twin(
        ".py",
        """\
from tensorflow.keras import layers, Model, Input
inp = Input(shape=(None, 28, 28, 1)) if False else Input(shape=(6, 28, 28, 1))
x = layers.TimeDistributed(layers.Conv2D(8, 3, activation='relu'))(inp)
x = layers.TimeDistributed(layers.MaxPooling2D())(x)
x = layers.TimeDistributed(layers.Flatten())(x)
x = layers.LSTM(20)(x)
out = layers.Dense(4)(x)
model = Model(inp, out)
""",
        (),
        ((4,),),
        110004,
        110004,
    ),
    "preprocessing layers": Twin(
        ".py",
        """\
import tensorflow as tf
def build():
    i = tf.keras.Input((32, 32, 3))
    x = tf.keras.layers.Rescaling(1/255.)(i)
    x = tf.keras.layers.Resizing(24, 24)(x)
    x = tf.keras.layers.CenterCrop(20, 16)(x)
    x = tf.keras.layers.SeparableConv2D(12, 3, depth_multiplier=2)(x)
    x = tf.keras.layers.Permute((3, 1, 2))(x)
    x = tf.keras.layers.Flatten()(x)
    x = tf.keras.layers.RepeatVector(3)(x)
    x = tf.keras.layers.GRU(5)(x)
    return tf.keras.Model(i, x)
""",
        (),
        ((5,),),
        45603,
        45603,
    ),
    "attention of Keras": Twin(
        ".py",
        """\
from keras.layers import *
from keras.models import Model
i = Input((16, 32))
a = MultiHeadAttention(num_heads=4, key_dim=8)(i, i)
x = LayerNormalization()(Add()([i, a]))
f = Dense(64, activation='gelu')(x)
f = Dense(32)(f)
x = LayerNormalization()(x + f)
o = Dense(2)(GlobalAveragePooling1D()(x))
m = Model(i, o)
""",
        (),
        ((2,),),
        8610,
        8610,
    ),
    "channels first in Keras": Twin(
        ".py",
        """\
import keras
from keras import layers
m = keras.Sequential([
  keras.Input((3, 32, 32)),
  layers.Conv2D(8, 3, data_format='channels_first'),
  layers.BatchNormalization(axis=1),
  layers.MaxPooling2D(2, data_format="channels_first"),
  layers.Flatten(),
  layers.SpectralNormalization(layers.Dense(4)),
])
""",
        (),
        ((4,),),
        7464,
        7444,
    ),
    "the last states of a GRU": Twin(
        ".py",
        """\
import torch, torch.nn as nn
class Cap(nn.Module):
    def __init__(self, vocab=50, h=24):
        super().__init__()
        self.e = nn.Embedding(vocab, 12)
        self.rnn = nn.GRU(12, h, num_layers=2, bidirectional=True, batch_first=True)
        self.fc = nn.Linear(2*h, 6)
    def forward(self, x):
        o, h = self.rnn(self.e(x))
        return self.fc(torch.cat((h[-2], h[-1]), dim=1))
""",
        ("(1,11):long",),
        ((6,),),
        17022,
        17022,
    ),
    "LSTMCell in a loop": Twin(
        ".py",
        """\
import torch, torch.nn as nn
class Seq(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.LSTMCell(9, 21)
        self.lin = nn.Linear(21, 1)
    def forward(self, x):
        h = torch.zeros(x.size(0), 21); c = torch.zeros(x.size(0), 21)
        for t in range(x.size(1)):
            h, c = self.cell(x[:, t], (h, c))
        return self.lin(h)
net = Seq()
y = net(torch.randn(2, 5, 9))
""",
        (),
        ((1,),),
        2710,
        2710,
    ),
    "Unfold and Fold": Twin(
        ".py",
        """\
import torch, torch.nn as nn
class P(nn.Module):
    def __init__(self):
        super().__init__()
        self.unfold = nn.Unfold(kernel_size=4, stride=4)
        self.lin = nn.Linear(48, 30)
        self.back = nn.Linear(30, 48)
        self.fold = nn.Fold((32, 32), 4, stride=4)
    def forward(self, x):
        p = self.unfold(x).transpose(1, 2)
        return self.fold(self.back(self.lin(p)).transpose(1, 2))
""",
        ("(1,3,32,32)",),
        ((32, 32, 3),),
        2958,
        2958,
    ),
    "lazy layers": Twin(
        ".py",
        """\
import torch.nn as nn
net = nn.Sequential(nn.LazyConv2d(8, 3), nn.LazyInstanceNorm2d(affine=True), nn.LazyConvTranspose2d(4, 4, 2, 1), nn.Flatten(1, 2), nn.LazyLinear(5))
""",
        ("(1,3,32,32)",),
        ((5, 240),),
        1061,
        1061,
    ),
    "Transformer": Twin(
        ".py",
        """\
import torch, torch.nn as nn
class T(nn.Module):
    def __init__(self):
        super().__init__()
        self.src = nn.Linear(10, 32); self.tgt = nn.Linear(6, 32)
        self.tr = nn.Transformer(d_model=32, nhead=4, num_encoder_layers=2, num_decoder_layers=1, dim_feedforward=48, batch_first=True)
        self.out = nn.Linear(32, 6)
    def forward(self, src, tgt):
        return self.out(self.tr(self.src(src), self.tgt(tgt)))
""",
        ("(1,7,10)", "(1,5,6)"),
        ((6, 5),),
        27702,
        27702,
    ),
    "a view of 320 values": Twin(
        ".py",
        """\
import torch, torch.nn as nn, torch.nn.functional as F
class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.conv1 = nn.Conv2d(1, 10, kernel_size=5)
        self.conv2 = nn.Conv2d(10, 20, kernel_size=5)
        self.fc1 = nn.Linear(320, 50)
        self.fc2 = nn.Linear(50, 10)
    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu(F.max_pool2d(self.conv2(x), 2))
        x = x.view(-1, 320)
        return F.log_softmax(self.fc2(F.relu(self.fc1(x))), dim=1)
""",
        ("28x28x1",),
        ((10,),),
        21840,
        21840,
    ),
    "a reshape that folds nothing": Twin(
        ".py",
        """\
import torch, torch.nn as nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.c = nn.Conv2d(3, 8, 3, padding=1)
        self.fc = nn.Linear(8 * 16, 10)
    def forward(self, x):
        x = torch.relu(self.c(x))
        x = torch.reshape(x, (-1, 8 * 16))
        return self.fc(x)
""",
        ("4",),
        ((10,),),
        1514,
        1514,
    ),
    "a notebook with an encoder": Twin(
        ".ipynb",
        """\
{"cells":[{"cell_type":"markdown","metadata":{},"source":["# Digits"]},
{"cell_type":"code","execution_count":1,"metadata":{},"outputs":[],"source":["!pip install torchsummary\\n","%matplotlib inline\\n","import torch\\n","from torch import nn\\n","device = 'cuda' if torch.cuda.is_available() else 'cpu'"]},
{"cell_type":"code","execution_count":2,"metadata":{},"outputs":[],"source":["class Enc(nn.Module):\\n","    def __init__(self, z=10):\\n","        super().__init__()\\n","        self.body = nn.Sequential(nn.Conv2d(1, 16, 3, 2, 1), nn.SiLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.SiLU(), nn.Flatten())\\n","        self.mu = nn.Linear(32*7*7, z)\\n","        self.lv = nn.Linear(32*7*7, z)\\n","    def forward(self, x):\\n","        h = self.body(x)\\n","        return self.mu(h), self.lv(h)"]},
{"cell_type":"code","execution_count":3,"metadata":{},"outputs":[],"source":["enc = Enc(8).to(device)\\n","from torchsummary import summary\\n","summary(enc, (1, 28, 28))"]}],
"metadata":{"kernelspec":{"language":"python","name":"python3"}},"nbformat":4,"nbformat_minor":4}
""",
        (),
        ((8,), (8,)),
        29904,
        29904,
    ),
    "frozen by name": Twin(
        ".py",
        """\
import torch.nn as nn
from torchvision import models
model = models.convnext_small(weights=models.ConvNeXt_Small_Weights.DEFAULT)
for name, p in model.named_parameters():
    if not name.startswith('features.7'):
        p.requires_grad_(False)
n = model.classifier[2].in_features
model.classifier[2] = nn.Sequential(nn.Dropout(0.4), nn.Linear(n, 9))
""",
        ("224",),
        ((9,),),
        49461609,
        14296329,
    ),
    "attributes with an LSTM": Twin(
        ".txt",
        """\
self.conv1 = nn.Conv2d(1, 32, 3)
self.conv2 = nn.Conv2d(32, 64, 3)
self.lstm = nn.LSTM(64, 30, bidirectional=True)
self.fc = nn.Linear(9216, 128)
""",
        (),
        None,
        1221632,
        1221632,
    ),
    "an IPython session of Keras": Twin(
        ".txt",
        """\
In [1]: model = keras.Sequential()
In [2]: model.add(layers.Conv2D(20, 5, strides=2, input_shape=(64, 64, 3)))
In [3]: model.add(layers.DepthwiseConv2D(3, depth_multiplier=2))
In [4]: model.add(layers.GlobalAveragePooling2D())
In [5]: model.add(layers.Dense(1))
""",
        (),
        ((1,),),
        1961,
        1961,
    ),
    "Lambda that slices": Twin(
        ".py",
        """\
from keras import layers, Sequential
m = Sequential([layers.Input((64, 3)), layers.Lambda(lambda x: x[:, ::2]), layers.Conv1D(8, 5), layers.UpSampling1D(2), layers.ZeroPadding1D((1, 2)), layers.Cropping1D(3), layers.Conv1DTranspose(5, 4, strides=2), layers.GroupNormalization(1), layers.Dense(2)])
""",
        (),
        ((108, 2),),
        315,
        315,
    ),
    "lines on an Input": Twin(
        ".txt",
        """\
x = layers.Input(shape=(50, 50, 4))
y = layers.Conv2D(6, (1, 3), padding='same', use_bias=False)(x)
y = layers.BatchNormalization(scale=False)(y)
y = layers.ReLU(max_value=6)(y)
y = layers.concatenate([x, y])
y = layers.AveragePooling2D((5, 2))(y)
y = layers.UnitNormalization()(y)
y = layers.Reshape((-1, 10))(y)
y = layers.SimpleRNN(3, return_sequences=True)(y)
""",
        (),
        ((250, 3),),
        132,
        120,
    ),
    "a list of blocks": Twin(
        ".py",
        """\
import torch
import torch.nn as nn
torch.manual_seed(0)
def conv_block(i, o):
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=1, bias=False), nn.GroupNorm(4, o), nn.Mish())
blocks = [conv_block(3, 16)]
for k in range(3):
    blocks += [conv_block(16 * 2**k, 32 * 2**k), nn.MaxPool2d(2)]
blocks.append(nn.AdaptiveAvgPool2d((2, 3)))
blocks.append(nn.Flatten())
model = nn.Sequential(*blocks, nn.Linear(128*6, 11))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
x = torch.rand(5, 3, 40, 56)
out = model(x)
""",
        (),
        ((11,),),
        106139,
        106139,
    ),
    "attention of sequences first": Twin(
        ".py",
        """\
import torch, torch.nn as nn
class Attn(nn.Module):
    def __init__(self):
        super().__init__()
        self.att = nn.MultiheadAttention(40, 4)
    def forward(self, x):
        return self.att(x, x, x)[0]
""",
        ("(5,2,40)",),
        ((40, 2),),
        6560,
        6560,
    ),
    "a print that flattens axes 1 and 2": Twin(
        ".txt",
        """\
Sequential(
  (0): Linear(in_features=24, out_features=48, bias=True)
  (1): Unflatten(dim=1, unflattened_size=(-1, 6))
  (2): Conv1d(8, 5, kernel_size=(3,), stride=(1,))
  (3): Flatten(start_dim=1, end_dim=2)
  (4): Linear(in_features=20, out_features=2, bias=True)
)
""",
        ("(1,24)",),
        ((2,),),
        1367,
        1367,
    ),
    "Flatten(0)": Twin(
        ".py",
        """\
import torch.nn as nn
model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(0), nn.Linear(4*26*26, 10))
""",
        ("(1,1,28,28)",),
        ((10,),),
        27090,
        27090,
    ),
    "torch.hub": Twin(
        ".py",
        """\
import torch
model = torch.hub.load('pytorch/vision:v0.10.0', 'resnet18', pretrained=True)
model.fc = torch.nn.Linear(512, 2)
""",
        ("224",),
        ((2,),),
        11177538,
        11177538,
    ),
    "two inputs and two outputs": Twin(
        ".py",
        """\
from keras.layers import *
from keras.models import Model
a = Input((32, 32, 3), name='left'); b = Input((10,), name='meta')
x = Flatten()(MaxPooling2D(4)(Conv2D(5, 3, activation='relu')(a)))
m = Model([a, b], [Dense(1, name='age')(Concatenate()([x, b])), Dense(2, name='sex')(x)])
""",
        (),
        ((1,), (2,)),
        888,
        888,
    ),
    "a layer class of Keras": Twin(
        ".py",
        """\
from keras import layers
class Block(layers.Layer):
    def __init__(self, f, **kw):
        super().__init__(**kw)
        self.c1 = layers.Conv2D(f, 3, padding='same'); self.bn = layers.BatchNormalization(); self.c2 = layers.Conv2D(f, 1)
    def call(self, x, training=False):
        return layers.add([self.bn(self.c1(x), training=training), self.c2(x)])
import keras
inputs = keras.Input((20, 20, 3))
model = keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling2D()(Block(9)(inputs))))
""",
        (),
        ((3,),),
        354,
        336,
    ),
    "code set in within prose": Twin(
        ".txt",
        """\
My decoder is this:
    decoder = nn.Sequential(
        nn.Linear(2, 18),
        nn.ReLU(True),
        nn.Unflatten(dim=1, unflattened_size=(2, 3, 3)),
        nn.ConvTranspose2d(2, 3, 3, stride=2, output_padding=1),
        nn.Tanh(),
    )
and it does not train. What is the output size?
""",
        ("(1,2)",),
        ((8, 8, 3),),
        111,
        111,
    ),
    "rows of a picture as steps": Twin(
        ".py",
        """\
import torch, torch.nn as nn
class A(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(28, 64, 2, batch_first=True)
        self.out = nn.Linear(64, 10)
    def forward(self, x):
        x = x.squeeze(1)
        o, (h, c) = self.rnn(x)
        return self.out(h[-1])
net = A()
net(torch.randn(3, 1, 28, 28))
""",
        (),
        ((10,),),
        57994,
        57994,
    ),
    "a bidirectional GRU behind Conv1D": Twin(
        ".py",
        """\
from keras import layers, models
m = models.Sequential()
m.add(layers.Conv1D(32, 7, activation='relu', input_shape=(100, 6)))
m.add(layers.MaxPooling1D(3))
m.add(layers.Bidirectional(layers.GRU(16)))
m.add(layers.Dense(1, use_bias=False))
""",
        (),
        ((1,),),
        6208,
        6208,
    ),
    "residual blocks of a function": Twin(
        ".py",
        """\
from keras import layers, Input, Model
def residual(x, f):
    s = x
    x = layers.Conv2D(f, 3, padding='same', use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU()(x)
    if s.shape[-1] != f:
        s = layers.Conv2D(f, 1)(s)
    return layers.Add()([x, s])
i = Input((24, 24, 3))
x = i
for f in (8, 8, 16):
    x = residual(x, f)
x = layers.GlobalAveragePooling2D()(x)
model = Model(i, layers.Dense(2)(x))
""",
        (),
        ((2,),),
        2282,
        2218,
    ),
    "a small U-Net": Twin(
        ".py",
        """\
import torch.nn as nn
import torch
class UNetish(nn.Module):
    def __init__(self):
        super().__init__()
        self.d1 = nn.Conv2d(3, 8, 3, padding=1); self.d2 = nn.Conv2d(8, 16, 3, padding=1)
        self.up = nn.ConvTranspose2d(16, 8, 2, stride=2)
        self.o = nn.Conv2d(16, 1, 1)
        self.pool = nn.MaxPool2d(2)
    def forward(self, x):
        a = torch.relu(self.d1(x))
        b = torch.relu(self.d2(self.pool(a)))
        return self.o(torch.cat([a, self.up(b)], dim=1))
UNetish()(torch.zeros(1, 3, 32, 40))
""",
        (),
        ((32, 40, 1),),
        1929,
        1929,
    ),
    "squeeze and excitation": Twin(
        ".py",
        """\
import torch.nn as nn, torch
class Se(nn.Module):
    def __init__(self, c, r=4):
        super().__init__()
        self.fc = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(c, c // r), nn.ReLU(), nn.Linear(c // r, c), nn.Sigmoid())
    def forward(self, x):
        return x * self.fc(x)[:, :, None, None]
net = nn.Sequential(nn.Conv2d(3, 16, 3), Se(16), nn.Conv2d(16, 4, 3, stride=2), Se(4, 2))
for p in net[0].parameters():
    p.requires_grad = False
net(torch.rand(1, 3, 21, 21))
""",
        (),
        ((9, 9, 4),),
        1198,
        750,
    ),
    "a VAE": Twin(
        ".py",
        """\
import torch, torch.nn as nn
class Vae(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = nn.Sequential(nn.Conv2d(1, 8, 4, 2, 1), nn.ELU(), nn.Conv2d(8, 16, 4, 2, 1), nn.Flatten(start_dim=1))
        self.mu, self.lv = nn.Linear(784, 6), nn.Linear(784, 6)
        self.dec = nn.Sequential(nn.Linear(6, 784), nn.Unflatten(1, (16, 7, 7)), nn.ConvTranspose2d(16, 8, 4, 2, 1), nn.ELU(), nn.ConvTranspose2d(8, 1, 4, 2, 1))
    def reparameterize(self, mu, lv):
        return mu + torch.randn_like(lv) * torch.exp(0.5 * lv)
    def forward(self, x):
        h = self.enc(x)
        mu, lv = self.mu(h), self.lv(h)
        return self.dec(self.reparameterize(mu, lv)), mu, lv
vae = Vae()
vae(torch.rand(2, 1, 28, 28))
""",
        (),
        ((28, 28, 1), (6,), (6,)),
        19293,
        19293,
    ),
    "a frozen Sequential within a model": Twin(
        ".py",
        """\
import tensorflow as tf
base = tf.keras.Sequential([
    tf.keras.layers.Conv2D(8, 3, activation='relu', input_shape=(30, 30, 1)),
    tf.keras.layers.Flatten()])
base.trainable = False
inputs = tf.keras.Input(shape=(30, 30, 1))
x = base(inputs, training=False)
outputs = tf.keras.layers.Dense(3)(x)
model = tf.keras.Model(inputs, outputs)
""",
        (),
        ((3,),),
        18899,
        18819,
    ),
    "a small ViT": Twin(
        ".py",
        """\
import torch, torch.nn as nn
class Tok(nn.Module):
    def __init__(self):
        super().__init__()
        self.proj = nn.Conv2d(3, 24, 8, 8)
        self.cls = nn.Parameter(torch.zeros(1, 1, 24))
        self.pos = nn.Parameter(torch.zeros(1, 17, 24))
        self.enc = nn.TransformerEncoder(nn.TransformerEncoderLayer(24, 4, 48, batch_first=True), 2)
        self.head = nn.Linear(24, 5)
    def forward(self, x):
        x = self.proj(x).flatten(2).transpose(1, 2)
        x = torch.cat((self.cls.expand(x.size(0), -1, -1), x), 1) + self.pos
        return self.head(self.enc(x)[:, 0])
Tok()(torch.randn(1, 3, 32, 32))
""",
        (),
        ((5,),),
        14933,
        14933,
    ),
    "crops and transposed convolutions": Twin(
        ".py",
        """\
from keras import layers, models
m = models.Sequential([
  layers.Input(shape=(48, 48, 3)),
  layers.Conv2D(10, kernel_size=(5, 3), strides=(2, 1), padding='same', dilation_rate=1, groups=1),
  layers.SeparableConv2D(12, 3, strides=2),
  layers.SpatialDropout2D(.1), layers.ELU(), layers.PReLU(shared_axes=[1, 2]),
  layers.Conv2DTranspose(6, (3, 3), strides=(2, 2), padding='same'),
  layers.Cropping2D(((1, 2), (0, 3))),
  layers.GlobalMaxPooling2D()])
""",
        (),
        ((6,),),
        1348,
        1348,
    ),
    "an IPython session with an answer": Twin(
        ".txt",
        """\
In [3]: net = nn.Sequential(
   ...:     nn.Conv2d(3, 6, 5),
   ...:     nn.ReLU(),
   ...:     nn.Flatten(),
   ...:     nn.Linear(6 * 4 * 4, 2),
   ...: )
In [4]: net(torch.rand(1, 3, 8, 8)).shape
Out[4]: torch.Size([1, 2])
""",
        (),
        ((2,),),
        650,
        650,
    ),
    "main called without a guard": Twin(
        ".py",
        """\
import torch.nn as nn, torch
def main():
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 26 * 26, 10))
    x = torch.randn(8, 1, 28, 28)
    print(net(x).shape)
main()
""",
        (),
        ((10,),),
        27090,
        27090,
    ),
    "a siamese network": Twin(
        ".py",
        """\
import torch, torch.nn as nn
class S(nn.Module):
    def __init__(self):
        super().__init__()
        self.f = nn.Sequential(nn.Conv2d(1, 6, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten())
        self.o = nn.Linear(6 * 10 * 10, 1)
    def forward(self, a, b):
        return torch.sigmoid(self.o(torch.abs(self.f(a) - self.f(b))))
""",
        ("(1,1,24,24)", "(1,1,24,24)"),
        ((1,),),
        757,
        757,
    ),
}


@pytest.mark.parametrize("name", TWINS)
def test_a_text_is_read_as_its_framework_reads_it(name, tmp_path, capfd):
    twin = TWINS[name]
    path = tmp_path / f"net{twin.suffix}"
    path.write_text(twin.text)
    inputs = [word for size in twin.inputs for word in ("--input", size)]
    assert run(["shape", str(path), *inputs, "--format", "json"]) == 0
    result = json.loads(capfd.readouterr().out)
    outputs = [[n for n in one.values() if isinstance(n, int)] for one in result["outputs"]]
    assert outputs == [[*sizes] for sizes in twin.outputs or ()]
    totals = result["totals"]
    assert (totals["params"], totals["trainable"]) == (twin.params, twin.trainable)


LSTM = """import torch.nn as nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(64, 30)
    def forward(self, x):
        return self.rnn(x)[0]
"""

# what PyTorch 2.13 raises an error for as well
REFUSED = {
    "steps first that are of two batches": (
        "import torch.nn as nn\nlayer = nn.TransformerDecoderLayer(d_model=16, nhead=2)\n",
        "(1, 7, 16) (1, 5, 16)",
        "queries and keys are of other batches",
    ),
    "steps of another size": (LSTM, "(1, 7, 10)", "LSTM(64, 30) meets 10 values a step, not 64"),
    "pictures as steps": (LSTM, "(1, 3, 7, 64)", "LSTM reads (steps, batch, values)"),
    "a model of timm": (
        "import timm\nmodel = timm.create_model('resnet18', num_classes=4)\n",
        "224",
        "timm.create_model() cannot be read",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_named(name, tmp_path, capfd):
    text, size, message = REFUSED[name]
    path = tmp_path / "net.py"
    path.write_text(text)
    sizes = [f"{one.strip()})" for one in size.split(")") if one] if "(" in size else [size]
    words = [word for one in sizes for word in ("--input", one)]
    assert run(["shape", str(path), *words]) in (1, 2)
    assert message in capfd.readouterr().err


def test_what_a_crop_leaves_out_is_not_reported(tmp_path, capfd):
    path = tmp_path / "net.py"
    path.write_text(TWINS["preprocessing layers"].text)
    assert run(["shape", str(path)]) == 0
    assert "unread:" not in capfd.readouterr().err


SIGNAL = """import torch.nn as nn
net = nn.Sequential(
    nn.Conv1d(1, 16, 9, stride=4),
    nn.MaxPool1d(4),
    nn.Conv1d(16, 32, 9, stride=2),
    nn.Flatten(),
    nn.Linear(1984, 12),
)
"""


@pytest.mark.parametrize(("length", "nearest"), [(1035, 2101), (2110, 2109), (2200, 2132)])
def test_fit_answers_with_the_nearest_length_however_far(length, nearest, tmp_path, capfd):
    path = tmp_path / "net.py"
    path.write_text(SIGNAL)
    run(["shape", str(path), "--input", f"(1, 1, {length})", "--fit", "-q"])
    assert capfd.readouterr().out.split()[0] == f"{nearest}x1"
    run(["shape", str(path), "--input", f"(1, 1, {length})", "--fit"])
    err = capfd.readouterr().err
    assert "square" not in err
    assert ("smallest length that works: 2101; all to 2132 do" in err) == (length != 2110)
