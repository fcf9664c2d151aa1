import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(5, 3, 3, 3))
        self.bias = nn.Parameter(torch.zeros(5))
        self.fc = nn.Parameter(torch.randn(7, 5 * 5 * 5))

    def forward(self, x):
        x = F.relu(F.conv2d(x, self.weight, self.bias))
        x = F.max_pool2d(x, 2)
        return F.linear(x.flatten(1), self.fc)
