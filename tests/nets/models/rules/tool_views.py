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


class Soft(nn.Module):
    def __init__(self):
        super().__init__()
        self.a=nn.Softmax2d()
        self.b=nn.Upsample(size=4,mode="area")
        self.c=nn.LogSoftmax(1)
        self.d=nn.Softmin(1)
        self.e=nn.Dropout2d()
    def forward(self,x):
        return self.e(self.d(self.c(self.b(self.a(x)))))
class Emb(nn.Module):
    def __init__(self):
        super().__init__()
        self.a=nn.Conv2d(3,6,3)
        self.b=nn.GroupNorm(2,6)
        self.c=nn.Hardswish()
        self.d=nn.ConvTranspose2d(6,4,3,2,1,1)
        self.f=nn.Softplus()
        self.g=nn.LPPool2d(2,2)
        self.h=nn.AdaptiveMaxPool2d(2)
    def forward(self,x):
        return self.h(self.g(self.f(self.d(self.c(self.b(self.a(x)))))))
class LN2(nn.LayerNorm):
    def forward(self,x):
        x=x.permute(0,2,3,1)
        x=F.layer_norm(x,self.normalized_shape,self.weight,self.bias,self.eps)
        return x.permute(0,3,1,2)
class Cnx(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem=nn.Sequential(nn.Conv2d(3,8,4,4),LN2(8))
        self.dw=nn.Conv2d(8,8,7,padding=3,groups=8)
        self.norm=LN2(8)
        self.pw1=nn.Linear(8,32)
        self.act=nn.GELU()
        self.pw2=nn.Linear(32,8)
        self.gamma=nn.Parameter(torch.ones(8))
        self.head=nn.Linear(8,5)
    def forward(self,x):
        x=self.stem(x)
        y=self.norm(self.dw(x)).permute(0,2,3,1)
        y=self.gamma*self.pw2(self.act(self.pw1(y)))
        x=x+y.permute(0,3,1,2)
        return self.head(x.mean([-2,-1]))
class GruNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.e=nn.Embedding(50,8)
        self.g=nn.GRU(8,6,2,batch_first=True,bidirectional=True)
        self.f=nn.Linear(12,4)
    def forward(self,x):
        o,h=self.g(self.e(x))
        return self.f(torch.cat((h[-1],h[-2]),1))
class Unet(nn.Module):
    def __init__(self):
        super().__init__()
        self.d=nn.Conv2d(3,8,3,padding=1)
        self.p=nn.MaxPool2d(2)
        self.m=nn.Conv2d(8,16,3,padding=1)
        self.u=nn.ConvTranspose2d(16,8,2,2)
        self.b=nn.BatchNorm2d(8)
        self.o=nn.Conv2d(16,2,1)
    def forward(self,x):
        a=F.relu(self.d(x))
        y=F.relu(self.m(self.p(a)))
        return torch.sigmoid(self.o(torch.cat([a,self.b(self.u(y))],1)))
class SE(nn.Module):
    def __init__(self):
        super().__init__()
        self.c=nn.Conv2d(3,8,3)
        self.fc1=nn.Conv2d(8,2,1)
        self.fc2=nn.Conv2d(2,8,1)
        self.r=nn.ReLU6()
        self.hs=nn.Hardsigmoid()
    def forward(self,x):
        x=self.c(x)
        s=F.adaptive_avg_pool2d(x,1)
        s=self.hs(self.fc2(F.relu(self.fc1(s))))
        return self.r(x*s)
class Mha(nn.Module):
    def __init__(self):
        super().__init__()
        self.a=nn.MultiheadAttention(12,3,batch_first=True)
        self.n=nn.LayerNorm(12)
        self.f=nn.Linear(12,2)
    def forward(self,x):
        y,_=self.a(x,x,x,need_weights=False)
        return self.f(self.n(x+y)[:,0])
class Dec(nn.Module):
    def __init__(self):
        super().__init__()
        self.l=nn.TransformerDecoderLayer(16,2,32,batch_first=True)
        self.e=nn.TransformerEncoderLayer(16,4,24,batch_first=True,activation="gelu",norm_first=True)
    def forward(self,x):
        return self.l(x,self.e(x))
class Vol(nn.Module):
    def __init__(self):
        super().__init__()
        self.a=nn.Conv3d(2,4,3)
        self.b=nn.BatchNorm3d(4)
        self.p=nn.AvgPool3d(2)
        self.i=nn.InstanceNorm3d(4,affine=True)
        self.u=nn.Upsample(scale_factor=2,mode="trilinear")
        self.t=nn.ConvTranspose3d(4,2,2)
    def forward(self,x):
        return self.t(self.u(self.i(self.p(self.b(self.a(x))))))
class Wave(nn.Module):
    def __init__(self):
        super().__init__()
        self.a=nn.Conv1d(1,4,9,4)
        self.b=nn.BatchNorm1d(4)
        self.e=nn.ELU()
        self.p=nn.MaxPool1d(2)
        self.l=nn.LSTM(4,5,batch_first=True)
        self.ad=nn.AdaptiveAvgPool1d(3)
    def forward(self,x):
        x=self.p(self.e(self.b(self.a(x))))
        x,_=self.l(x.transpose(1,2))
        return self.ad(x.transpose(1,2))
class Ein(nn.Module):
    def __init__(self):
        super().__init__()
        self.q=nn.Linear(8,8,bias=False)
        self.k=nn.Linear(8,8)
    def forward(self,x):
        a=torch.einsum("bid,bjd->bij",self.q(x),self.k(x)).softmax(-1)
        return torch.bmm(a,x)
class Fold(nn.Module):
    def __init__(self):
        super().__init__()
        self.c=nn.Conv2d(3,4,3)
        self.n=nn.BatchNorm2d(4)
        self.f=nn.Linear(4*6*6,3)
    def forward(self,x):
        b,t=x.shape[:2]
        x=self.n(self.c(x.flatten(0,1))).flatten(1)
        return self.f(x).view(b,t,-1).mean(1)
class Share(nn.Module):
    def __init__(self):
        super().__init__()
        self.h=nn.Conv2d(4,4,3,padding=1)
        self.s=nn.Conv2d(3,4,1)
        self.r=nn.ReLU()
        self.ms=nn.ModuleList([self.h,nn.Conv2d(4,4,1)])
    def forward(self,x):
        x=self.s(x)
        for m in self.ms:
            x=self.r(m(x))
        return self.h(x)
class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.e=nn.Embedding(20,6)
        self.l=nn.Linear(6,6)
        self.o=nn.Linear(6,20,bias=False)
        self.o.weight=self.e.weight
    def forward(self,x):
        return self.o(self.l(self.e(x)))
class Pix(nn.Module):
    def __init__(self):
        super().__init__()
        self.a=nn.Conv2d(3,16,3,padding="same",padding_mode="reflect")
        self.p=nn.PixelShuffle(2)
        self.pr=nn.PReLU(4)
        self.b=nn.Conv2d(4,3,5,padding=2,bias=False)
        self.z=nn.ZeroPad2d(1)
        self.bn=nn.SyncBatchNorm(3)
    def forward(self,x):
        return self.z(self.b(self.pr(self.p(self.a(x)))))
class Cell(nn.Module):
    def __init__(self):
        super().__init__()
        self.c=nn.GRUCell(6,5)
        self.o=nn.Linear(5,2)
    def forward(self,x):
        h=torch.zeros(x.shape[0],5)
        for t in range(x.shape[1]):
            h=self.c(x[:,t],h)
        return self.o(h)
class Alias(nn.Module):
    def __init__(self):
        super().__init__()
        self.body=nn.Sequential(nn.Conv2d(3,4,3),nn.BatchNorm2d(4),nn.ReLU(inplace=True))
        self.first=self.body[0]
        self.head=nn.Linear(4,2)
    def forward(self,x):
        return self.head(F.avg_pool2d(self.body(x),6).flatten(1))
class Deep(nn.Module):
    def __init__(self):
        super().__init__()
        self.b=nn.utils.weight_norm(nn.Conv1d(4,8,3,dilation=2,padding=4))
        self.d=nn.utils.weight_norm(nn.Conv1d(8,8,3))
        self.r=nn.LeakyReLU(0.1)
        self.ds=nn.Conv1d(4,8,1)
    def forward(self,x):
        return self.r(self.d(self.r(self.b(x)))[...,:10]+self.ds(x)[...,:10])
class Custom(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale=nn.Parameter(torch.ones(1))
        self.lin=Lin(5,4)
        self.lin2=Lin(4,3)
    def forward(self,x):
        return self.lin2(self.lin(x)*self.scale)
class Lin(nn.Module):
    def __init__(self,i,o):
        super().__init__()
        self.weight=nn.Parameter(torch.zeros(o,i))
        self.bias=nn.Parameter(torch.zeros(o))
    def forward(self,x):
        return x @ self.weight.t() + self.bias


class Removed(nn.Module):
    def __init__(self):
        super().__init__()
        from torch.nn.utils import parametrize, remove_weight_norm, spectral_norm

        self.a = nn.utils.weight_norm(nn.Conv1d(4, 6, 3))
        self.b = nn.utils.parametrizations.weight_norm(nn.Conv1d(6, 5, 3))
        self.c = spectral_norm(nn.Linear(6, 4))
        remove_weight_norm(self.a)
        parametrize.remove_parametrizations(self.b, "weight")
        nn.utils.remove_spectral_norm(self.c)

    def forward(self, x):
        return self.c(self.b(self.a(x)))
