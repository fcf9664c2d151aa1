import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTMCell(8, 16)
        self.gru = nn.GRUCell(16, 12)
        self.rnn = nn.RNNCell(12, 10)

    def forward(self, x):
        h, c = x.new_zeros(x.size(0), 16), x.new_zeros(x.size(0), 16)
        g, r = x.new_zeros(x.size(0), 12), x.new_zeros(x.size(0), 10)
        for t in range(x.size(1)):
            h, c = self.lstm(x[:, t], (h, c))
            g = self.gru(h, g)
            r = self.rnn(g, r)
        return r
