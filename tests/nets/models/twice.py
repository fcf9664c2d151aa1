import copy

import torch
import torch.nn as nn
from torch.nn import Conv2d, Linear, Sequential


class Encoder(Sequential):
    def __init__(self, *widths):
        pairs = zip(widths, widths[1:])
        super().__init__(*(Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairs))


class Twice(nn.Module):
    """A picture and its mirror image go through one encoder."""

    def __init__(self, width=8, embedding=16, compare='absolute'):
        super().__init__()
        self.encoder = Encoder(3, width, width * 2)
        self.embed = Linear(width * 2, embedding)
        self.compare = compare
        self.score = Linear(embedding if compare == 'absolute' else 2 * embedding, 1)

    def forward_once(self, x):
        x = self.encoder(x)
        x = x.flatten(2).max(dim=2)[0]
        return self.embed(x)

    def forward(self, x):
        a, b = self.forward_once(x), self.forward_once(torch.flip(x, dims=[3]))
        if self.compare == 'absolute':
            return self.score((a - b).abs())
        return self.score(torch.cat((a, b), -1))


class Own(Twice):
    """The same with an encoder each."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.encoder2 = copy.deepcopy(self.encoder)

    def forward(self, x):
        first, (second, *_) = self.forward_once(x), (self.encoder2(x).amax((2, 3)), None)
        both = torch.stack([first, self.embed(second)], dim=1)
        return self.score(both.sum(1))


class Unrolled(nn.Module):
    """One block, a given number of times."""

    def __init__(self, steps: int = 3, channels: int = 8):
        super(Unrolled, self).__init__()
        self.steps = steps
        self.inp, self.out = Conv2d(3, channels, 3, 1, 1), Conv2d(channels, 3, 3, 1, 1)
        block = Conv2d(channels, channels, 3, 1, 1)
        self.blocks = nn.ModuleList([block] * steps)

    def forward(self, x):
        h = self.inp(x)
        n = 0
        while n < self.steps:
            h = h + torch.relu(self.blocks[n](h))
            n += 1
        return x - self.out(h)
