import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1)
        self.gn = nn.GroupNorm(4, 8)
        self.conv2 = nn.Conv2d(8, 8, 3, padding=1)
        self.inorm = nn.InstanceNorm2d(8)
        self.conv3 = nn.Conv2d(8, 8, 3, padding=1)
        self.inorm_affine = nn.InstanceNorm2d(8, affine=True)
        self.ln = nn.LayerNorm([8, 16, 16])
        self.ln_plain = nn.LayerNorm(16, elementwise_affine=False)
        self.gn_plain = nn.GroupNorm(2, 8, affine=False)

    def forward(self, x):
        x = self.gn(self.conv1(x))
        x = self.inorm(self.conv2(x))
        x = self.inorm_affine(self.conv3(x))
        return self.gn_plain(self.ln_plain(self.ln(x)))
