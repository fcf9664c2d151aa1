import torch as th
from torch import nn as nn


class Encoder(nn.Module):
    def __init__(self, widths=(16, 32, 64), latent=64, side=28):
        super(Encoder, self).__init__()
        convs, c = [], 1
        for w in widths[:-1]:
            convs += [nn.Conv2d(c, w, 3, stride=2, padding=1), nn.ReLU()]
            c = w
            side = -(-side // 2)
        self.convs = nn.Sequential(*convs, nn.Conv2d(c, widths[-1], side))
        self.to_latent = nn.Linear(widths[-1], latent)

    def forward(self, x):
        return self.to_latent(th.flatten(self.convs(x), start_dim=1))


class Decoder(nn.Module):
    def __init__(self, widths=(64, 32, 16), latent=64, start=7):
        super(Decoder, self).__init__()
        self.start = start, start
        self.from_latent = nn.Linear(in_features=latent, out_features=widths[0])
        self.first = nn.ConvTranspose2d(widths[0], widths[1], start)
        self.second = nn.ConvTranspose2d(widths[1], widths[2], 3, stride=2, padding=1, output_padding=1)
        self.third = nn.ConvTranspose2d(widths[2], 1, kernel_size=3, stride=2, padding=1, output_padding=(1, 1))

    def forward(self, z):
        h = self.from_latent(z)[:, :, None, None]
        h = th.relu(self.first(h))
        assert tuple(h.shape[-2:]) == self.start
        h = th.relu(self.second(h))
        return th.sigmoid(self.third(h))


class AutoEncoder(nn.Module):
    def __init__(self, latent: int = 64, *, variational: bool = False):
        super().__init__()
        self.variational = variational
        self.encoder = Encoder(latent=latent * 2 if variational else latent)
        self.decoder = Decoder(latent=latent)

    def reparameterize(self, mu, logvar):
        std = th.exp(0.5 * logvar)
        return mu + std * th.randn_like(std)

    def forward(self, x):
        z = self.encoder(x)
        if self.variational:
            mu, logvar = z.chunk(2, dim=-1)
            return self.decoder(self.reparameterize(mu, logvar)), mu, logvar
        return self.decoder(z)


class FullyConvolutional(nn.Module):
    """Down by strides, up by transposed convolutions: no linear layer."""

    def __init__(self, ch=8, levels=3):
        super().__init__()
        down = [nn.Conv2d(1 if not i else ch << i - 1, ch << i, 4, 2, 1) for i in range(levels)]
        up = [nn.ConvTranspose2d(ch << i, ch << i - 1 if i else 1, 4, 2, 1) for i in reversed(range(levels))]
        self.net = nn.Sequential(*down, *up)

    forward = lambda self, x: self.net(x)
