import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.acts = nn.ModuleList([
            nn.ReLU(), nn.ReLU6(), nn.LeakyReLU(0.1), nn.PReLU(), nn.PReLU(4), nn.ELU(), nn.GELU(), nn.SiLU(),
            nn.Hardswish(), nn.Sigmoid(), nn.Tanh(), nn.Softmax(dim=1), nn.LogSoftmax(dim=1), nn.Softplus(),
            nn.Mish(), nn.SELU(), nn.Hardtanh(),
        ])

    def forward(self, x):
        for act in self.acts:
            x = act(x)
        return x
