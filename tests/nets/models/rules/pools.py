import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 6, 3, padding=1)
        self.max = nn.MaxPool2d(3, 2, 1)
        self.avg = nn.AvgPool2d(2, ceil_mode=True)
        self.lp = nn.LPPool2d(2, 2)

    def forward(self, x):
        return self.lp(self.avg(self.max(self.conv(x))))
