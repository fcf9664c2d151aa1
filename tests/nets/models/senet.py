import torch.nn as nn
import torch.nn.functional as F
import torch.utils.model_zoo as model_zoo

model_urls = dict(senet18='https://example.org/senet18.pth')


class SELayer(nn.Module):
    def __init__(self, channel, reduction=16):
        super(SELayer, self).__init__()
        self.avg_pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Sequential(
                nn.Linear(channel, channel // reduction, bias=False),
                nn.ReLU(inplace=True),
                nn.Linear(channel // reduction, channel, bias=False),
                nn.Sigmoid()
        )

    def forward(self, x):
        b, c, _, _ = x.size()
        y = self.avg_pool(x).view(b, c)
        y = self.fc(y).view(b, c, 1, 1)
        return x * y.expand_as(x)


class SEConv(SELayer):
    """The same gate from 1x1 convolutions."""
    def __init__(self, channel, reduction=16):
        super(SEConv, self).__init__(channel, reduction)
        del self.fc
        self.fc1 = nn.Conv2d(channel, channel // reduction, 1)
        self.fc2 = nn.Conv2d(channel // reduction, channel, 1)

    def forward(self, x):
        w = F.avg_pool2d(x, (x.size(2), x.size(3)))
        w = self.fc2(F.relu(self.fc1(w))).sigmoid()
        return x.mul(w)


class SEBasicBlock(nn.Module):
    expansion = 1

    def __init__(self, inplanes, planes, stride=1, gate=SELayer, reduction=16):
        super(SEBasicBlock, self).__init__()
        self.conv1 = nn.Conv2d(inplanes, planes, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.se = gate(planes, reduction) if gate is not None else None
        self.shortcut = nn.Sequential()
        if stride != 1 or inplanes != planes:
            self.shortcut.add_module('conv', nn.Conv2d(inplanes, planes, 1, stride, bias=False))
            self.shortcut.add_module('bn', nn.BatchNorm2d(planes))

    def forward(self, x):
        residual = x
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.se: out = self.se(out)
        return F.relu(out + self.shortcut(residual))


class SENet(nn.Module):
    GATES = {'linear': SELayer, 'conv': SEConv, 'none': None}

    def __init__(self, depths=(2, 2, 2, 2), gate='linear', num_classes=10):
        super(SENet, self).__init__()
        assert gate in self.GATES, 'unknown gate %r' % gate
        make = SENet.GATES[gate]
        self.stem = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
        planes, blocks = 64, []
        for stage, depth in enumerate(depths):
            for index in range(depth):
                width = 64 * 2 ** stage
                blocks += [SEBasicBlock(planes, width, 2 if stage and not index else 1, make)]
                planes = width
        self.blocks = nn.ModuleList(blocks)
        self.head = nn.Linear(planes, num_classes)

    def forward(self, x):
        x = self.stem(x)
        for i, l in enumerate(self.blocks):
            x = self.blocks[i](x)
        x = F.adaptive_avg_pool2d(x, 1).squeeze(-1).squeeze(-1)
        return self.head(x)


def senet18(num_classes=10, pretrained=False):
    model = SENet([2] * 4, num_classes=num_classes)
    if pretrained:
        model.load_state_dict(model_zoo.load_url(model_urls['senet18']))
    return model
