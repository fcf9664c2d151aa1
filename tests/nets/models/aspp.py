from typing import Sequence
import torch
from torch import nn
from torch.nn import functional as F


class ASPPConv(nn.Sequential):
    def __init__(self, in_channels: int, out_channels: int, dilation: int) -> None:
        modules = [
            nn.Conv2d(in_channels, out_channels, 3, padding=dilation, dilation=dilation, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
        ]
        super().__init__(*modules)


class ASPPPooling(nn.Sequential):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(nn.AdaptiveAvgPool2d(1), nn.Conv2d(in_channels, out_channels, 1, bias=False),
                         nn.BatchNorm2d(out_channels), nn.ReLU())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        size = x.shape[-2:]
        for mod in self:
            x = mod(x)
        return F.interpolate(x, size=size, mode="bilinear", align_corners=False)


class ASPP(nn.Module):
    def __init__(self, in_channels: int, atrous_rates: Sequence[int], out_channels: int = 256) -> None:
        super().__init__()
        modules = [nn.Sequential(nn.Conv2d(in_channels, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels), nn.ReLU())]
        rates = tuple(atrous_rates)
        for rate in rates:
            modules.append(ASPPConv(in_channels, out_channels, rate))
        modules.append(ASPPPooling(in_channels, out_channels))
        self.convs = nn.ModuleList(modules)
        self.project = nn.Sequential(nn.Conv2d(len(self.convs) * out_channels, out_channels, 1, bias=False),
                                     nn.BatchNorm2d(out_channels), nn.ReLU(), nn.Dropout(0.5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        _res = []
        for conv in self.convs:
            _res.append(conv(x))
        res = torch.cat(_res, dim=1)
        return self.project(res)


class DeepLab(nn.Module):
    def __init__(self, num_classes: int = 21, rates=(6, 12, 18), width: int = 64) -> None:
        super().__init__()
        self.backbone = nn.ModuleDict({
            "stem": nn.Conv2d(3, width, 3, stride=2, padding=1),
            "body": nn.Conv2d(width, 2 * width, 3, stride=2, padding=1),
        })
        self.backbone["deep"] = nn.Conv2d(2 * width, 4 * width, 3, padding=2, dilation=2)
        self.aspp = ASPP(4 * width, rates, out_channels=width)
        self.low = nn.Conv2d(width, 48, 1)
        self.head = nn.Sequential(nn.Conv2d(width + 48, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, num_classes, 1))

    def forward(self, x):
        skip = None
        feat = x
        for key, layer in self.backbone.items():
            feat = F.relu(layer(feat))
            if key == "stem":
                skip = self.low(feat)
        out = F.interpolate(self.aspp(feat), size=skip.shape[2:], mode="bilinear", align_corners=False)
        out = self.head(torch.cat([out, skip], dim=1))
        return {"out": F.interpolate(out, size=x.shape[2:], mode="bilinear", align_corners=False)}["out"]
