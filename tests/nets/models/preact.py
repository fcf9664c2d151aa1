import math
from functools import partial

import torch.nn as nn
import torch.nn.functional as F


class PreActBlock(nn.Module):
    '''BN, ReLU, conv; the shortcut leaves after the first activation.'''
    expansion = 1

    def __init__(self, in_planes, planes, stride=1, norm=nn.BatchNorm2d):
        super(PreActBlock, self).__init__()
        self.bn1 = norm(in_planes)
        self.conv1 = nn.Conv2d(in_planes, planes, 3, stride, 1, bias=False)
        self.bn2 = norm(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        if stride != 1 or in_planes != self.expansion * planes:
            self.shortcut = nn.Sequential(nn.Conv2d(in_planes, self.expansion * planes, 1, stride, bias=False))

    def forward(self, x):
        out = F.relu(self.bn1(x))
        shortcut = self.shortcut(out) if hasattr(self, 'shortcut') else x
        out = self.conv1(out)
        out = self.conv2(F.relu(self.bn2(out)))
        out += shortcut
        return out


class PreActBottleneck(PreActBlock):
    expansion = 4

    def __init__(self, in_planes, planes, stride=1, norm=nn.BatchNorm2d):
        super(PreActBottleneck, self).__init__(in_planes, planes, stride, norm)
        self.conv1 = nn.Conv2d(in_planes, planes, 1, bias=False)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride, 1, bias=False)
        self.bn3 = norm(planes)
        self.conv3 = nn.Conv2d(planes, self.expansion * planes, 1, bias=False)

    def forward(self, x):
        out = F.relu(self.bn1(x))
        shortcut = self.shortcut(out) if hasattr(self, 'shortcut') else x
        for bn, conv in ((None, self.conv1), (self.bn2, self.conv2), (self.bn3, self.conv3)):
            out = conv(F.relu(bn(out)) if bn else out)
        return out + shortcut


class PreActResNet(nn.Module):
    def __init__(self, block, num_blocks, num_classes=10, norm=nn.BatchNorm2d):
        super(PreActResNet, self).__init__()
        self.in_planes = 64
        self.conv1 = nn.Conv2d(3, 64, kernel_size=3, stride=1, padding=1, bias=False)
        self.layer1 = self._make_layer(block, 64, num_blocks[0], 1, norm)
        self.layer2 = self._make_layer(block, 128, num_blocks[1], 2, norm)
        self.layer3 = self._make_layer(block, 256, num_blocks[2], 2, norm)
        self.layer4 = self._make_layer(block, 512, num_blocks[3], 2, norm)
        self.linear = nn.Linear(512 * block.expansion, num_classes)
        bound = 1 / math.sqrt(self.linear.in_features)
        nn.init.uniform_(self.linear.weight, -bound, bound)

    def _make_layer(self, block, planes, num_blocks, stride, norm):
        strides = [stride] + [1] * (num_blocks - 1)
        layers = []
        for stride in strides:
            layers.append(block(self.in_planes, planes, stride, norm))
            self.in_planes = planes * block.expansion
        return nn.Sequential(*layers)

    def forward(self, x):
        out = self.conv1(x)
        out = self.layer1(out)
        out = self.layer2(out)
        out = self.layer3(out)
        out = self.layer4(out)
        out = F.avg_pool2d(out, 4)
        out = out.view(out.size(0), -1)
        return self.linear(out)


def PreActResNet18(): return PreActResNet(PreActBlock, [2, 2, 2, 2])
def PreActResNet50(): return PreActResNet(PreActBottleneck, [3, 4, 6, 3])
PreActGroup18 = lambda classes=10: PreActResNet(PreActBlock, [2]*4, classes, partial(nn.GroupNorm, 8, eps=1e-6))
