import torch.nn as nn
import torch.nn.functional as F

__all__ = ['HourglassNet', 'hg']


class Residual(nn.Module):
    expansion = 2

    def __init__(self, inplanes, planes):
        super(Residual, self).__init__()
        self.bn1 = nn.BatchNorm2d(inplanes); self.conv1 = nn.Conv2d(inplanes, planes, 1)
        self.bn2 = nn.BatchNorm2d(planes); self.conv2 = nn.Conv2d(planes, planes, 3, padding=1)
        self.bn3 = nn.BatchNorm2d(planes); self.conv3 = nn.Conv2d(planes, planes * 2, 1)
        self.skip = None if inplanes == planes * 2 else nn.Conv2d(inplanes, planes * 2, 1)

    def forward(self, x):
        y = self.conv1(F.relu(self.bn1(x)))
        y = self.conv2(F.relu(self.bn2(y)))
        y = self.conv3(F.relu(self.bn3(y)))
        return y + (x if self.skip is None else self.skip(x))


class Hourglass(nn.Module):
    def __init__(self, block, num_blocks, planes, depth):
        super(Hourglass, self).__init__()
        self.depth = depth
        self.block = block
        self.hg = self._make_hour_glass(block, num_blocks, planes, depth)

    def _make_residual(self, block, num_blocks, planes):
        return nn.Sequential(*[block(planes * block.expansion, planes) for _ in range(num_blocks)])

    def _make_hour_glass(self, block, num_blocks, planes, depth):
        hg = []
        for i in range(depth):
            res = []
            for j in range(3):
                res.append(self._make_residual(block, num_blocks, planes))
            if i == 0:
                res.append(self._make_residual(block, num_blocks, planes))
            hg.append(nn.ModuleList(res))
        return nn.ModuleList(hg)

    def _hour_glass_forward(self, n, x):
        up1 = self.hg[n-1][0](x)
        low1 = F.max_pool2d(x, 2, stride=2)
        low1 = self.hg[n-1][1](low1)

        if n > 1:
            low2 = self._hour_glass_forward(n-1, low1)
        else:
            low2 = self.hg[n-1][3](low1)
        low3 = self.hg[n-1][2](low2)
        up2 = F.interpolate(low3, scale_factor=2)
        out = up1 + up2
        return out

    def forward(self, x):
        return self._hour_glass_forward(self.depth, x)


class Recursive(nn.Module):
    """An hourglass that holds a smaller one of its own class."""

    def __init__(self, n, f):
        super().__init__()
        self.up1 = Residual(f, f // 2)
        self.low1 = Residual(f, f // 2)
        self.low2 = Recursive(n - 1, f) if n > 1 else Residual(f, f // 2)
        self.low3 = Residual(f, f // 2)

    def forward(self, x):
        low = self.low3(self.low2(self.low1(F.max_pool2d(x, 2))))
        return self.up1(x) + F.interpolate(low, size=x.size()[-2:], mode='nearest')


class HourglassNet(nn.Module):
    def __init__(self, num_stacks=2, num_blocks=1, num_classes=16, depth=4, feats=64):
        super(HourglassNet, self).__init__()
        self.num_stacks = num_stacks
        ch = feats * Residual.expansion
        self.stem = nn.Sequential(nn.Conv2d(3, ch, 7, 2, 3), nn.BatchNorm2d(ch), nn.ReLU(True))
        hg, score, score_ = [], [], []
        for i in range(num_stacks):
            hg.append(Hourglass(Residual, num_blocks, feats, depth))
            score.append(nn.Conv2d(ch, num_classes, kernel_size=1, bias=True))
            if i < num_stacks-1:
                score_.append(nn.Conv2d(num_classes, ch, kernel_size=1, bias=True))
        self.hg, self.score, self.score_ = map(nn.ModuleList, (hg, score, score_))

    def forward(self, x):
        out = []
        x = self.stem(x)
        for i in range(self.num_stacks):
            y = self.hg[i](x)
            score = self.score[i](y)
            out.append(score)
            if i < self.num_stacks-1:
                x = x + y + self.score_[i](score)
        return out


def hg(**kwargs):
    return HourglassNet(num_stacks=kwargs['num_stacks'], num_blocks=kwargs.get('num_blocks', 1),
                        num_classes=kwargs.pop('num_classes', 16))
