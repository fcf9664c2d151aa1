"""Networks as tools that count see them: classes, names, weights of other names."""
import torch
from torch import nn
import torch.nn.functional as F
class MyLinear(nn.Linear): pass
class Norm2d(nn.LayerNorm):
    def forward(self, x):
        return super().forward(x.permute(0,2,3,1)).permute(0,3,1,2)
class MyConv(nn.Conv2d): pass
class Same(nn.Conv2d):
    def forward(self, x): return super().forward(F.pad(x,(1,1,1,1)))
class MyPool(nn.AvgPool2d): pass
class Act(nn.ReLU): pass
class Sub(nn.Module):
    def __init__(self):
        super().__init__()
        self.a=MyConv(3,4,3)
        self.b=Same(4,4,3)
        self.n=Norm2d(4)
        self.act=Act()
        self.p=MyPool(2)
        self.f=MyLinear(4*6*6,3)
    def forward(self, x): return self.f(self.p(self.act(self.n(self.b(self.a(x))))).flatten(1))
class Lists(nn.Module):
    def __init__(self):
        super().__init__()
        self.c=nn.Conv2d(3,4,3)
        self.l=[nn.Conv2d(4,4,3),nn.ReLU(),nn.BatchNorm2d(4)]
    def forward(self, x):
        x=self.c(x)
        for m in self.l: x=m.eval()(x)
        return nn.ReLU()(nn.MaxPool2d(2)(x))
class Block(nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.conv=conv
        self.act=nn.ReLU()
    def forward(self, x): return self.act(self.conv(x))
class Shared(nn.Module):
    def __init__(self):
        super().__init__()
        b=Block(nn.Conv2d(3,3,3,padding=1))
        self.one=nn.Sequential(b,nn.BatchNorm2d(3))
        self.two=nn.Sequential(b,nn.BatchNorm2d(3))
        self.alias=self.two[1]
    def forward(self, x): return self.alias(self.two(self.one(x)))
class Same2(nn.Module):
    def __init__(self):
        super().__init__()
        self.c=nn.Conv2d(3,4,3,padding="same")
        self.d=nn.Conv2d(4,4,3,padding="valid",stride=2)
        self.e=nn.Conv2d(4,4,5,padding="same",dilation=2)
    def forward(self, x): return F.conv2d(self.e(self.d(self.c(x))), self.d.weight, padding="same")
class BN(nn.Module):
    def __init__(self):
        super().__init__()
        self.c=nn.BatchNorm2d(3,track_running_stats=False)
        self.d=nn.BatchNorm2d(3,affine=False,track_running_stats=False)
        self.i=nn.InstanceNorm2d(3,track_running_stats=True,affine=True)
        self.j=nn.InstanceNorm2d(3,track_running_stats=True)
    def forward(self, x): return self.j(self.i(self.d(self.c(x))))
class Groups(nn.Module):
    def __init__(self):
        super().__init__()
        self.a=nn.ConvTranspose2d(8,12,3,stride=2,groups=4)
        self.b=nn.ConvTranspose2d(12,16,2,groups=2,bias=False)
        self.c=nn.ConvTranspose2d(16,16,2,stride=2,groups=16)
    def forward(self, x): return self.c(self.b(self.a(x)))
class Ups(nn.Module):
    def __init__(self):
        super().__init__()
        self.a=nn.Upsample(scale_factor=1.5)
        self.b=nn.Upsample(scale_factor=(2,1.5))
        self.c=nn.Upsample(size=20)
        self.d=nn.UpsamplingNearest2d(scale_factor=2)
        self.e=nn.UpsamplingBilinear2d(size=(21,23))
    def forward(self, x):
        x=self.e(self.d(self.c(self.b(self.a(x)))))
        return F.interpolate(F.interpolate(x,scale_factor=0.6),scale_factor=(1.7,2.2),mode="bilinear")
class Ups2(nn.Module):
    def __init__(self):
        super().__init__()
        self.a=nn.Upsample(scale_factor=1.5,mode="bilinear")
        self.d=nn.UpsamplingNearest2d(scale_factor=2)
        self.c=nn.Conv2d(3,3,1)
    def forward(self, x): return self.c(self.d(self.a(x)))
class Mm(nn.Module):
    def __init__(self):
        super().__init__()
        self.w=nn.Parameter(torch.zeros(6,5))
        self.b=nn.Parameter(torch.zeros(5))
        self.w3=nn.Parameter(torch.zeros(1,5,7))
        self.b3=nn.Parameter(torch.zeros(7))
        self.bi=nn.Bilinear(7,7,4)
        self.lin=nn.Linear(4,2)
    def forward(self, x):
        y=torch.addmm(self.b,x[0],self.w)
        y=torch.baddbmm(self.b3,y[None],self.w3)
        y=self.bi(y[0],y[0])
        return self.lin(y)
class Proj(nn.Module):
    def __init__(self):
        super().__init__()
        self.a=nn.LSTM(8,12,2,batch_first=True,proj_size=5,bidirectional=True)
        self.b=nn.LSTM(10,6,batch_first=True,proj_size=4,bias=False)
        self.f=nn.Linear(4,3)
    def forward(self, x):
        x,_=self.a(x)
        x,(h,c)=self.b(x)
        return self.f(h[-1])
class WN(nn.Module):
    def __init__(self):
        super().__init__()
        from torch.nn.utils import weight_norm, spectral_norm
        from torch.nn.utils.parametrizations import weight_norm as wn, spectral_norm as sn, orthogonal
        self.a=weight_norm(nn.Linear(8,6))
        self.b=wn(nn.Linear(6,5))
        self.c=spectral_norm(nn.Linear(5,7))
        self.d=sn(nn.Linear(7,7))
        self.e=orthogonal(nn.Linear(7,7))
    def forward(self, x): return self.e(self.d(self.c(self.b(self.a(x)))))
class WN2(nn.Module):
    def __init__(self):
        super().__init__()
        import torch.nn.utils.parametrizations as P
        self.a=P.weight_norm(nn.Conv2d(3,6,3))
        self.b=nn.utils.spectral_norm(nn.Conv2d(6,5,3))
        self.c=nn.utils.weight_norm(nn.ConvTranspose2d(5,4,3),dim=1)
    def forward(self, x): return self.c(self.b(self.a(x)))
class Dead(nn.Module):
    def __init__(self):
        super().__init__()
        self.a=nn.Conv2d(3,4,3)
        self.aux=nn.Sequential(nn.Conv2d(4,8,3),nn.ReLU())
        self.never=nn.Linear(10,10)
        self.f=nn.Linear(4,2)
    def forward(self, x):
        x=self.a(x)
        aux=self.aux(x)
        return self.f(x.mean((2,3)))
class Tok(nn.Module):
    def __init__(self):
        super().__init__()
        self.a=nn.Linear(6,8)
        self.n=nn.LayerNorm(8)
        self.p=nn.PReLU(8)
        self.b=nn.Linear(8,3)
    def forward(self, x):
        x=x.reshape(-1,6)
        x=self.p(self.n(self.a(x)))
        return self.b(x).view(1,-1,3)
class Perm(nn.Module):
    def __init__(self):
        super().__init__()
        self.c=nn.Conv2d(3,8,1)
        self.a=nn.Linear(8,8)
        self.b=nn.Linear(8,4)
        self.n=nn.LayerNorm(8)
    def forward(self, x):
        x=self.c(x).permute(0,2,3,1)
        y=self.n(self.a(F.relu(x)))
        return self.b(x+y)
class Perm2(nn.Module):
    def __init__(self):
        super().__init__()
        self.c=nn.Conv1d(6,8,1)
        self.a=nn.Linear(9,9)
        self.b=nn.Linear(8,4)
    def forward(self, x):
        x=self.c(x).transpose(1,2)
        y=self.b(x)
        return self.a(y.transpose(1,2)).contiguous()
class Lazy(nn.Module):
    def __init__(self):
        super().__init__()
        self.c=nn.LazyConv2d(8,3)
        self.n=nn.LazyBatchNorm2d()
        self.f=nn.LazyLinear(3)
    def forward(self, x): return self.f(self.n(self.c(x)).mean((2,3)))
class Root(nn.Linear):
    def __init__(self): super().__init__(8,3)
class ConvRoot(nn.Conv2d):
    def __init__(self): super().__init__(3,4,3)
class OwnConv2d(nn.Conv2d):
    def forward(self, x):
        return F.conv2d(F.pad(x, (1, 1, 1, 1)), self.weight, self.bias, self.stride)


class Scale(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim, 1, 1))

    def forward(self, x):
        return x * self.weight


class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = OwnConv2d(3, 8, 3)
        self.scale = Scale(8)
        self.plain = nn.Conv2d(8, 4, 1)

    def forward(self, x):
        return self.plain(self.scale(self.conv(x)))
