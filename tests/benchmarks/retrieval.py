"""Which picture is an altered one of? Vectors of a trained network beside other descriptions.

    python tests/benchmarks/retrieval.py FOLDER --net FILE.onnx [--layer NAME] [--normalize HOW]

Every picture of the folder is altered in eight ways; the nearest of the originals by cosine distance
is right or not. Printed is the share that is right: of raw pixels (32x32, gray, mean 0), of dHash (Hamming
distance of 8x8 signs of differences), of the recipes with random filters, and of the network.
"""

import argparse
import io
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from convcli.features.extractor import extract_features

RNG = np.random.default_rng(0)


def compressed(picture):
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=10)
    return Image.open(io.BytesIO(stream.getvalue())).convert("RGB")


def noisy(picture):
    samples = np.asarray(picture, np.float64)
    noise = RNG.normal(0, 25, samples.shape)
    return Image.fromarray(np.clip(samples + noise, 0, 255).astype(np.uint8))


def cropped(picture):
    width, height = picture.size
    return picture.crop((width // 10, height // 10, width * 9 // 10, height * 9 // 10))


CHANGES = {
    "JPEG of quality 10": compressed,
    "a third as large": lambda p: p.resize((max(p.width // 3, 8), max(p.height // 3, 8))),
    "cropped to 80 %": cropped,
    "turned by 10 degrees": lambda p: p.rotate(10, Image.Resampling.BILINEAR),
    "mirrored": ImageOps.mirror,
    "half as bright": lambda p: ImageEnhance.Brightness(p).enhance(0.5),
    "noise of 25": noisy,
    "gray": lambda p: p.convert("L").convert("RGB"),
}


def pixels(path):
    values = np.asarray(Image.open(path).convert("L").resize((32, 32)), np.float64).ravel()
    return values - values.mean()


def differences(path):
    values = np.asarray(Image.open(path).convert("L").resize((9, 8)), np.int64)
    return np.where(values[:, 1:] > values[:, :-1], 1.0, -1.0).ravel()


def main(argv):
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--net", required=True)
    parser.add_argument("--layer", default="")
    parser.add_argument("--normalize", default="unit")
    options = parser.parse_args(argv)
    names = sorted(p for p in options.folder.iterdir() if p.suffix in (".png", ".jpg", ".jpeg"))

    def trained(path):
        layers = options.layer
        return extract_features(
            path, options.net, layers=layers, parts="mean", normalize=options.normalize
        ).vector

    ways = {
        "raw pixels": pixels,
        "dHash": differences,
        **{
            f"recipe {name}, random": lambda path, name=name: extract_features(path, name).vector
            for name in ("default", "digits", "texture")
        },
        "trained": trained,
    }
    with tempfile.TemporaryDirectory() as folder:
        originals, altered = [], {}
        for number, name in enumerate(names):
            picture = Image.open(name).convert("RGB")
            picture.thumbnail((512, 512))
            path = Path(folder) / f"{number}.png"
            picture.save(path)
            originals.append(str(path))
            for place, change in enumerate(CHANGES.values()):
                path = Path(folder) / f"{number}-{place}.png"
                change(picture).save(path)
                altered[number, place] = str(path)
        print(f"{len(names)} pictures, {len(CHANGES)} changes; share found by the nearest original")
        for way, describe in ways.items():
            table = np.stack([describe(path) for path in originals]).astype(np.float64)
            table /= np.linalg.norm(table, axis=1, keepdims=True)
            right = np.zeros(len(CHANGES))
            for (number, place), path in altered.items():
                right[place] += np.argmax(table @ np.asarray(describe(path), float)) == number
            shares = " ".join(f"{share:.2f}" for share in right / len(names))
            print(f"{way:<24} {right.sum() / len(altered):.3f}   {shares}", flush=True)
        print("changes:", ", ".join(CHANGES))


if __name__ == "__main__":
    main(sys.argv[1:])
