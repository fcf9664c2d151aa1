import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.GRU(5, 6, 2, batch_first=True, bidirectional=True)

    def forward(self, x):
        return self.layer(x)[0]
