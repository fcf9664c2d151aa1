import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3, padding=1)
        self.near = nn.Upsample(scale_factor=2)
        self.conv2 = nn.Conv2d(4, 4, 3, padding=1)
        self.bil = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        self.size = nn.Upsample(size=(40, 48), mode="nearest")
        self.cub = nn.Upsample(scale_factor=2, mode="bicubic")

    def forward(self, x):
        x = self.near(self.conv1(x))
        x = self.bil(self.conv2(x))
        return self.cub(self.size(x))
