"""What `extract` over a folder is compared with: a PyTorch script, and the network that both run.

    python tests/benchmarks/loader.py FOLDER VECTORS.npy [NETWORK.onnx]

Pictures come from a DataLoader of two workers in batches of 16. Without a network the vectors are
those of the recipe texture (means and spreads of 32 rectified maps), with one the means of its
last maps. `write_network` draws that network, a ResNet of eight convolutions, with He weights.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

BLOCKS = ((32, 1), (64, 2), (128, 2))
"""Filters and stride of each residual block, behind a 7×7/2 convolution and a 3×3/2 pool."""


def arrays() -> dict[str, Any]:
    """Filters and biases by name; batch normalization is folded into them, as in exported files."""
    rng, found, channels = np.random.default_rng(0), {}, 32

    def conv(name: str, filters: int, channels: int, side: int) -> None:
        spread = np.float32(np.sqrt(2 / (channels * side**2)))
        shape = filters, channels, side, side
        found[f"{name}.w"] = spread * rng.standard_normal(shape, np.float32)
        found[f"{name}.b"] = np.full(filters, 0.01, np.float32)

    conv("stem", channels, 3, 7)
    for number, (filters, stride) in enumerate(BLOCKS):
        conv(f"{number}.first", filters, channels, 3)
        conv(f"{number}.second", filters, filters, 3)
        if stride > 1:
            conv(f"{number}.skip", filters, channels, 1)
        channels = filters
    return found


def write_network(path: Path) -> None:
    """The network as a model of ONNX for pictures of 224×224."""
    import onnx
    from onnx import helper, numpy_helper

    nodes, weights = [], arrays()

    def node(kind: str, name: str, *inputs: str, **options: Any) -> str:
        nodes.append(helper.make_node(kind, inputs, [name], name, **options))
        return name

    def conv(name: str, x: str, side: int, stride: int) -> str:
        sizes = {"kernel_shape": [side] * 2, "strides": [stride] * 2, "pads": [side // 2] * 4}
        return node("Conv", name, x, f"{name}.w", f"{name}.b", **sizes)

    x = node("Relu", "stem.relu", conv("stem", "image", 7, 2))
    x = node("MaxPool", "pool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    for number, (_, stride) in enumerate(BLOCKS):
        skip = conv(f"{number}.skip", x, 1, stride) if stride > 1 else x
        first = node("Relu", f"{number}.relu", conv(f"{number}.first", x, 3, stride))
        total = node("Add", f"{number}.sum", conv(f"{number}.second", first, 3, 1), skip)
        x = node("Relu", f"{number}.out", total)
    node("GlobalAveragePool", "vector", x)
    ends = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name, shape in (("image", [1, 3, 224, 224]), ("vector", [1, 128, 1, 1]))
    ]
    held = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    graph = helper.make_graph(nodes, "small", ends[:1], ends[1:], held)
    opset = helper.make_opsetid("", 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)


def run(folder: Path, target: str, network: bool) -> None:
    import torch
    from PIL import Image
    from torch.nn.functional import conv2d, max_pool2d

    torch.set_num_threads(1)  # beside two workers on two cores
    bank = torch.nn.Conv2d(1, 32, 5, bias=False)
    weights = {name: torch.from_numpy(array) for name, array in arrays().items()}

    class Pictures(torch.utils.data.Dataset[Any]):
        paths = sorted(folder.glob("*.jpg"))

        def __len__(self) -> int:
            return len(self.paths)

        def __getitem__(self, index: int) -> Any:
            image = Image.open(self.paths[index]).convert("RGB" if network else "L")
            values = torch.from_numpy(np.array(image)) / 255.0
            return (
                values.permute(2, 0, 1)
                if network
                else (values[None] - values.mean()) / values.std()
            )

    def conv(name: str, x: Any, stride: int) -> Any:
        w = weights[f"{name}.w"]
        return conv2d(x, w, weights[f"{name}.b"], stride, w.shape[2] // 2)

    def means(x: Any) -> Any:
        x = max_pool2d(conv("stem", x, 2).relu_(), 3, 2, 1)
        for number, (_, stride) in enumerate(BLOCKS):
            skip = conv(f"{number}.skip", x, stride) if stride > 1 else x
            first = conv(f"{number}.first", x, stride).relu_()
            x = conv(f"{number}.second", first, 1).add_(skip).relu_()
        return x.mean((2, 3))

    def recipe(x: Any) -> Any:
        maps = bank(x).abs()
        return torch.cat([maps.mean((2, 3)), maps.std((2, 3))], 1)

    with torch.no_grad():
        batches = torch.utils.data.DataLoader(Pictures(), 16, num_workers=2)
        rows = [(means if network else recipe)(x) for x in batches]
    np.save(target, torch.cat(rows).numpy())


if __name__ == "__main__":
    run(Path(sys.argv[1]), sys.argv[2], len(sys.argv) > 3)
