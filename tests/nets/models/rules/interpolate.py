import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3, padding=1)
        self.conv2 = nn.Conv2d(4, 2, 1)

    def forward(self, x):
        size = x.shape[2:]
        x = self.conv1(x)
        x = F.interpolate(x, scale_factor=2, mode="nearest")
        x = F.interpolate(self.conv2(x), size=(24, 20), mode="bilinear", align_corners=False)
        return F.interpolate(x, size=size)
