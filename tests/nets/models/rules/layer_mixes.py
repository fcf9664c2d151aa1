"""Small networks of one subject each, whose MACs tools were asked for."""

import math

import torch
from torch import nn
from torch.nn import functional as F


class Stack(nn.Module):
    """Layers in a row."""

    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)


class Grouped1d(Stack):
    def __init__(self):
        super().__init__(
            nn.Conv1d(8, 12, 5, stride=2, groups=4),
            nn.BatchNorm1d(12),
            nn.ELU(),
            nn.Conv1d(12, 12, 3, padding=2, dilation=2, groups=12, bias=False),
            nn.ConvTranspose1d(12, 6, 4, stride=2, padding=1),
            nn.AdaptiveMaxPool1d(5),
        )


class Dilated2d(Stack):
    def __init__(self):
        super().__init__(
            nn.Conv2d(4, 8, (3, 5), dilation=(1, 2), padding=(1, 4)),
            nn.GroupNorm(4, 8),
            nn.Hardswish(),
            nn.Conv2d(8, 8, 3, stride=2, groups=8),
            nn.Conv2d(8, 6, 1, bias=False),
            nn.PReLU(6),
            nn.AvgPool2d(2),
        )


class Volumes(Stack):
    def __init__(self):
        super().__init__(
            nn.Conv3d(2, 6, (1, 3, 3), padding=(0, 1, 1)),
            nn.BatchNorm3d(6),
            nn.ReLU6(),
            nn.Conv3d(6, 6, 3, groups=3, padding=1, bias=False),
            nn.InstanceNorm3d(6, affine=True),
            nn.MaxPool3d(2),
            nn.ConvTranspose3d(6, 4, 2, stride=2),
            nn.AdaptiveAvgPool3d(2),
        )


class TransposedPads(Stack):
    def __init__(self):
        super().__init__(
            nn.ConvTranspose2d(6, 8, 3, stride=2, padding=1, output_padding=1),
            nn.InstanceNorm2d(8),
            nn.LeakyReLU(0.2),
            nn.ConvTranspose2d(8, 4, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.ConvTranspose2d(4, 3, 3, dilation=2),
            nn.Tanh(),
        )


class Padded(Stack):
    def __init__(self):
        super().__init__(
            nn.ReflectionPad2d(2),
            nn.Conv2d(3, 4, 5),
            nn.Conv2d(4, 4, 3, padding=1, padding_mode="circular"),
            nn.ZeroPad2d((1, 0, 1, 0)),
            nn.Conv2d(4, 5, 2),
            nn.Softplus(),
        )


class Norms1d(Stack):
    def __init__(self):
        super().__init__(
            nn.Conv1d(4, 6, 3),
            nn.InstanceNorm1d(6, affine=True),
            nn.GroupNorm(2, 6, affine=False),
            nn.BatchNorm1d(6, affine=False),
            nn.LayerNorm(10, elementwise_affine=False),
            nn.LayerNorm([6, 10]),
        )


class FunctionalNorms(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(6))
        self.bias = nn.Parameter(torch.zeros(6))

    def forward(self, x):
        x = F.layer_norm(x, (6,), self.weight, self.bias)
        x = F.layer_norm(x, x.shape[-2:])
        return F.group_norm(x, 2)


class Pools(Stack):
    def __init__(self):
        super().__init__(
            nn.MaxPool2d(3, stride=1, padding=1),
            nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False),
            nn.AdaptiveAvgPool2d((3, 2)),
            nn.Conv2d(4, 4, 1),
            nn.AdaptiveMaxPool2d(1),
        )


class FunctionalPools(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3)

    def forward(self, x):
        x = F.max_pool2d(F.relu6(self.conv(x)), 2)
        x = F.adaptive_max_pool2d(F.avg_pool2d(x, 2, stride=1), 2)
        return F.adaptive_avg_pool2d(x, 1).flatten(1)


class UpsampleModes(nn.Module):
    def __init__(self):
        super().__init__()
        self.near = nn.Upsample(scale_factor=2)
        self.line = nn.Upsample(size=(9, 11), mode="bilinear", align_corners=True)
        self.cubic = nn.Upsample(scale_factor=2, mode="bicubic")
        self.conv = nn.Conv2d(3, 2, 1)

    def forward(self, x):
        x = self.conv(self.cubic(self.line(self.near(x))))
        x = F.interpolate(x, size=(6, 7), mode="area")
        return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class Upsample1d3d(nn.Module):
    def __init__(self):
        super().__init__()
        self.line = nn.Upsample(scale_factor=3, mode="linear")
        self.cube = nn.Upsample(scale_factor=2, mode="trilinear")

    def forward(self, x):
        x = self.line(x)
        return self.cube(x.reshape(1, 2, 2, 3, 5))


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(30, 8, padding_idx=0)
        self.norm = nn.LayerNorm(8)
        self.fc = nn.Linear(8, 3, bias=False)

    def forward(self, ids):
        return self.fc(self.norm(self.embed(ids)).mean(dim=1)).softmax(-1)


class WordBag(nn.Module):
    def __init__(self):
        super().__init__()
        self.bag = nn.EmbeddingBag(30, 8, mode="sum")
        self.fc = nn.Linear(8, 3)

    def forward(self, ids):
        return F.log_softmax(self.fc(self.bag(ids)), dim=1)


class WordPositions(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(30, 8)
        self.positions = nn.Embedding(12, 8)
        self.fc = nn.Linear(8, 8)

    def forward(self, ids):
        places = torch.arange(ids.shape[1], device=ids.device).unsqueeze(0)
        return self.fc(self.embed(ids) + self.positions(places))


class GruBoth(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(6, 10, num_layers=2, batch_first=True, bidirectional=True, bias=False)
        self.fc = nn.Linear(20, 4)

    def forward(self, x):
        _, h = self.rnn(x)
        return self.fc(torch.cat((h[-2], h[-1]), dim=1))


class LstmLast(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(6, 10, num_layers=3, batch_first=True, dropout=0.1)
        self.fc = nn.Sequential(nn.LayerNorm(10), nn.Linear(10, 4), nn.Softmax(dim=1))

    def forward(self, x):
        output, _ = self.rnn(x)
        return self.fc(output[:, -1])


class RnnRelu(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.RNN(6, 7, nonlinearity="relu", batch_first=True, bidirectional=True)

    def forward(self, x):
        return self.rnn(x)[0].mean(1)


class ConvRecurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(4, 8, 3, padding=1)
        self.rnn = nn.GRU(8, 5, batch_first=True)
        self.fc = nn.Linear(5, 2)

    def forward(self, x):
        x = F.relu(self.conv(x)).transpose(1, 2)
        return self.fc(self.rnn(x)[0][:, -1, :])


class CellLoop(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.LSTMCell(6, 5)
        self.fc = nn.Linear(5, 2)

    def forward(self, x):
        h, c = torch.zeros(1, 5), torch.zeros(1, 5)
        for step in range(x.shape[1]):
            h, c = self.cell(x[:, step], (h, c))
        return self.fc(h)


class Attention(nn.Module):
    def __init__(self, size=12, heads=3):
        super().__init__()
        self.heads, self.scale = heads, (size // heads) ** -0.5
        self.qkv = nn.Linear(size, 3 * size, bias=False)
        self.proj = nn.Linear(size, size)

    def split(self, x):
        b, n, c = x.shape
        return self.qkv(x).reshape(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)


class AttentionAt(Attention):
    def forward(self, x):
        q, k, v = self.split(x).unbind(0)
        weights = (q @ k.transpose(-2, -1) * self.scale).softmax(dim=-1)
        return self.proj((weights @ v).transpose(1, 2).reshape(x.shape))


class AttentionMatmul(Attention):
    def forward(self, x):
        q, k, v = self.split(x)
        weights = F.softmax(torch.matmul(q, k.transpose(-2, -1)) / math.sqrt(4), dim=-1)
        return self.proj(torch.matmul(weights, v).transpose(1, 2).reshape(x.shape))


class AttentionSdpa(Attention):
    def forward(self, x):
        q, k, v = self.split(x).unbind(0)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.proj(y.transpose(1, 2).flatten(2))


class AttentionEinsum(Attention):
    def forward(self, x):
        q, k, v = self.split(x).unbind(0)
        weights = torch.einsum("bhid,bhjd->bhij", q, k).softmax(-1)
        y = torch.einsum("bhij,bhjd->bhid", weights, v)
        return self.proj(y.transpose(1, 2).reshape(x.shape))


class AttentionBmm(nn.Module):
    def __init__(self):
        super().__init__()
        self.query = nn.Conv2d(8, 2, 1)
        self.key = nn.Conv2d(8, 2, 1)
        self.value = nn.Conv2d(8, 8, 1)
        self.softmax = nn.Softmax(dim=-1)
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        b, c, h, w = x.size()
        query = self.query(x).view(b, -1, h * w).permute(0, 2, 1)
        weights = self.softmax(torch.bmm(query, self.key(x).view(b, -1, h * w)))
        y = torch.bmm(self.value(x).view(b, -1, h * w), weights.permute(0, 2, 1))
        return self.gamma * y.view(b, c, h, w) + x


class CrossAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(12, 3, batch_first=True)
        self.queries = nn.Parameter(torch.zeros(1, 4, 12))

    def forward(self, x):
        return self.attention(self.queries, x, x)[0]


class SelfAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(12)
        self.attention = nn.MultiheadAttention(12, 2, batch_first=True, bias=False)
        self.fc = nn.Linear(12, 5)

    def forward(self, x):
        y = self.norm(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        return self.fc(x.mean(1))


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(12, 3, dim_feedforward=20, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, num_layers=2)
        self.fc = nn.Linear(12, 2)

    def forward(self, x):
        return self.fc(self.encoder(x)[:, 0])


class EncoderPreNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(
            12, 2, 24, activation="gelu", batch_first=True, norm_first=True
        )

    def forward(self, x):
        return self.layer(x)


class PatchTokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Conv2d(3, 12, 4, stride=4)
        self.token = nn.Parameter(torch.zeros(1, 1, 12))
        self.positions = nn.Parameter(torch.zeros(1, 5, 12))
        self.block = AttentionAt()
        self.norm = nn.LayerNorm(12)
        self.head = nn.Linear(12, 4)

    def forward(self, x):
        x = self.embed(x).flatten(2).transpose(1, 2)
        x = torch.cat((self.token.expand(x.shape[0], -1, -1), x), dim=1) + self.positions
        return self.head(self.norm(x + self.block(x))[:, 0])


class OwnMatrix(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Parameter(torch.zeros(6, 8))
        self.second = nn.Parameter(torch.zeros(8, 4))

    def forward(self, x):
        x = torch.relu(x @ self.first)
        return torch.matmul(x, self.second)


class OwnWeight(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(5, 6))
        self.bias = nn.Parameter(torch.zeros(5))

    def forward(self, x):
        return F.gelu(F.linear(x, self.weight, self.bias)).sum(-1)


class OwnKernel(nn.Module):
    def __init__(self):
        super().__init__()
        self.kernel = nn.Parameter(torch.zeros(6, 1, 3, 3))
        self.up = nn.Parameter(torch.zeros(6, 2, 2, 2))

    def forward(self, x):
        x = F.conv2d(x, self.kernel, padding=1, groups=3)
        return F.conv_transpose2d(x, self.up, stride=2)


class SqueezeExcite(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.down = nn.Linear(8, 2)
        self.up = nn.Linear(2, 8)

    def forward(self, x):
        x = F.silu(self.conv(x))
        y = torch.sigmoid(self.up(F.relu(self.down(self.pool(x).flatten(1)))))
        return x * y[:, :, None, None]


class ChannelGate(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(1, 1, 3, padding=1, bias=False)

    def forward(self, x):
        y = x.mean((2, 3)).unsqueeze(1)
        return torch.mul(x, torch.sigmoid(self.conv(y)).view(1, -1, 1, 1))


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        self.two = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8))
        self.skip = nn.Conv2d(3, 8, 1, 2)
        self.fc = nn.Linear(8, 10)

    def forward(self, x):
        y = torch.add(self.two(self.one(x)), self.skip(x))
        return self.fc(torch.flatten(F.relu(y).mean(dim=[2, 3]), 1))


class DenseBlock(nn.Module):
    def __init__(self):
        super().__init__()
        self.steps = nn.ModuleList(nn.Conv2d(4 + 3 * n, 3, 3, padding=1) for n in range(3))
        self.norm = nn.BatchNorm2d(13)

    def forward(self, x):
        for step in self.steps:
            x = torch.cat([x, F.elu(step(x))], 1)
        return self.norm(x)


class Shuffled(nn.Module):
    def __init__(self):
        super().__init__()
        self.grow = nn.Conv2d(3, 12, 3, padding=1)
        self.shuffle = nn.PixelShuffle(2)
        self.last = nn.Conv2d(3, 8, 1, groups=1)
        self.drop = nn.Dropout2d(0.5)

    def forward(self, x):
        x = self.drop(self.last(self.shuffle(self.grow(x))))
        return x.view(1, 2, 4, *x.shape[2:]).transpose(1, 2).flatten(1, 2)


class ReusedLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)
        self.act = nn.GELU()

    def forward(self, x):
        for _ in range(3):
            x = x + self.act(self.conv(x))
        return x


class TiedWeights(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(20, 6)
        self.fc = nn.Linear(6, 6)

    def forward(self, ids):
        return F.linear(torch.tanh(self.fc(self.embed(ids))), self.embed.weight)


class LinearTokens(Stack):
    def __init__(self):
        super().__init__(
            nn.Linear(6, 16),
            nn.GELU(),
            nn.Dropout(0.1),
            nn.Linear(16, 6, bias=False),
            nn.Softmax(-1),
            nn.Flatten(),
            nn.Linear(54, 3),
            nn.LogSoftmax(dim=1),
        )


class Mixer(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(6)
        self.tokens = nn.Sequential(nn.Linear(9, 12), nn.GELU(), nn.Linear(12, 9))
        self.channels = nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 6))

    def forward(self, x):
        y = self.tokens(self.norm(x).transpose(1, 2)).transpose(1, 2).contiguous()
        return self.channels(x + y)


class GatedConv(nn.Module):
    def __init__(self):
        super().__init__()
        self.value = nn.Conv1d(4, 8, 2, dilation=2)
        self.gate = nn.Conv1d(4, 8, 2, dilation=2)
        self.mix = nn.Conv1d(8, 4, 1)

    def forward(self, x):
        y = torch.tanh(self.value(F.pad(x, (2, 0)))) * torch.sigmoid(self.gate(F.pad(x, (2, 0))))
        return F.glu(torch.cat((self.mix(y), x), 1), dim=1)


class LocalNorms(Stack):
    def __init__(self):
        super().__init__(
            nn.Conv2d(3, 8, 3),
            nn.LocalResponseNorm(3),
            nn.LPPool2d(2, 2),
            nn.SELU(),
            nn.Mish(),
        )


class Covariance(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 5, 3)
        self.fc = nn.Linear(25, 4)

    def forward(self, x):
        y = self.conv(x).flatten(2)
        y = y.matmul(y.transpose(1, 2)) / y.shape[-1]
        return self.fc(F.normalize(y.flatten(1)))


class Prototype(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(4, 6, 3)
        self.centers = nn.Parameter(torch.zeros(7, 6))

    def forward(self, x):
        x = F.max_pool1d(F.leaky_relu(self.conv(x)), 2).mean(-1)
        return torch.mm(x, self.centers.t()).softmax(1)


class EncoderDecoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(1, 4, 3, 2, 1), nn.ReLU(True), nn.Conv2d(4, 8, 3, 2, 1))
        self.mean = nn.Linear(8 * 4, 3)
        self.back = nn.Linear(3, 8 * 4)
        self.up = nn.Sequential(nn.ConvTranspose2d(8, 4, 2, 2), nn.SiLU(), nn.Upsample(None, 2))

    def forward(self, x):
        x = self.back(self.mean(self.down(x).flatten(1)))
        return torch.sigmoid(self.up(x.view(-1, 8, 2, 2)))


class Separable(nn.Module):
    def __init__(self):
        super().__init__()
        self.depth = nn.Conv2d(6, 12, 3, padding=1, groups=6, bias=False)
        self.point = nn.Conv2d(12, 5, 1)
        self.act = nn.Hardsigmoid()
        self.pool = nn.AdaptiveAvgPool2d(1)

    def forward(self, x):
        return self.pool(self.act(self.point(self.depth(x)))).squeeze(-1).squeeze(-1)
