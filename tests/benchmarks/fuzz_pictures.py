"""Mutated pictures of every format that Pillow writes, through `convcli filter` and `extract`.

    python tests/benchmarks/fuzz_pictures.py [files] [seed]        2,400 files unless said otherwise

Bits are flipped, ends cut off, numbers set to extremes, parts of one file put into another. Fails
where a run shows a traceback, ends with another exit code than 0 and 1, takes longer than it may,
takes more memory than it may, or leaves an output that is not whole.
"""

import json
import random
import re
import resource
import struct
import subprocess
import sys
import tempfile
from collections import Counter
from io import BytesIO
from pathlib import Path
from time import perf_counter

import numpy as np
from PIL import Image, features

COMMAND = [sys.executable, "-W", "error::ResourceWarning", "-m", "convcli"]
CHUNK = 200
LONGEST = 120.0  # seconds for a chunk
MAX_MEMORY = 1500 * 2**20
"""Bytes of any process: Pillow's limit in pixels lets 179 megapixels pass."""

ALONE = 60  # files that get a process of their own too
REFUSALS = {
    "PictureError",
    "TooLargeError",
    "UnfitError",
    "OutputError",
    "SpecError",
    "OSError",
    "WorkerDied",
}


def seeds() -> dict[str, bytes]:
    """A picture in every format, and those we read in their modes and compressions too."""
    Image.init()
    generator = np.random.default_rng(0)
    colour = Image.fromarray(generator.integers(0, 256, (24, 32, 3), np.uint8))
    made: dict[str, bytes] = {}

    def add(name: str, image: Image.Image, form: str, **words: object) -> None:
        stream = BytesIO()
        try:
            image.save(stream, form, **words)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError):
            return
        made[name] = stream.getvalue()

    for form in sorted(Image.SAVE):
        for mode in ("RGB", "L", "1", "P", "RGBA", "CMYK", "I;16", "F", "LA"):
            add(
                f"{form}-{mode.replace(';', '')}",
                colour.convert("L" if mode == "I;16" else mode).convert(mode),
                form,
            )
    frames = [colour.rotate(angle) for angle in (0, 90, 180)]
    for form in sorted(Image.SAVE_ALL):
        add(f"{form}-frames", frames[0], form, save_all=True, append_images=frames[1:])
    for packing in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "group4", "lzma", "zstd"):
        image = colour.convert("1") if packing == "group4" else colour
        add(f"TIFF-{packing}", image, "TIFF", compression=packing)
    exif = Image.Exif()
    exif[0x0112] = 6
    for form in ("JPEG", "PNG", "WEBP", "TIFF"):
        add(f"{form}-exif", colour, form, exif=exif.tobytes())
    add("JPEG-progressive", colour, "JPEG", progressive=True)
    add("WEBP-lossless", colour, "WEBP", lossless=True)
    return made


def mutated(data: bytes, other: bytes, chance: random.Random) -> tuple[str, bytes]:
    """A file with one kind of damage."""
    out = bytearray(data)
    kind = chance.choice(
        ["flip", "flip", "header", "cut", "splice", "extreme", "insert", "zero", "repeat"]
    )
    place = chance.randrange(max(1, len(out)))
    if kind == "flip":
        for _ in range(chance.choice([1, 1, 4, 32])):
            out[chance.randrange(len(out))] ^= 1 << chance.randrange(8)
    elif kind == "header":
        for _ in range(chance.choice([1, 2, 4])):
            out[chance.randrange(min(64, len(out)))] = chance.randrange(256)
    elif kind == "cut":
        del out[place:]
    elif kind == "splice":
        out = bytearray(data[:place]) + bytearray(other[chance.randrange(len(other)) :])
    elif kind == "extreme":
        number = chance.choice([0, 1, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x10000, 100_000])
        text = struct.pack(chance.choice("<>") + "I", number)[: chance.choice([2, 4])]
        out[place : place + len(text)] = text
    elif kind == "insert":
        out[place:place] = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 40)))
    elif kind == "zero":
        out[place : place + 16] = bytes(len(out[place : place + 16]))
    else:
        out[place:place] = out[place : place + 200] * 3
    return kind, bytes(out)


def check(
    folder: Path, words: list[str], problems: list[str]
) -> tuple[float, list[dict[str, object]]]:
    """Run a chunk as one batch; gives the seconds and the failures."""
    report = folder / "report.jsonl"
    started = perf_counter()
    line = [*COMMAND, *words, "--report", str(report), "--force", "-q"]
    try:
        ended = subprocess.run(line, capture_output=True, check=False, timeout=LONGEST, cwd=folder)
    except subprocess.TimeoutExpired:
        problems.append(f"{words}: longer than {LONGEST} s")
        return LONGEST, []
    if b"Traceback" in ended.stderr or ended.returncode not in (0, 1):
        problems.append(
            f"{words}: exit {ended.returncode}\n{ended.stderr[-3000:].decode(errors='replace')}"
        )
    failures = [json.loads(text) for text in report.read_text().splitlines()]
    problems += [
        f"{one['path']}: {one['kind']}: {one['error']}"
        for one in failures
        if one["kind"] not in REFUSALS
    ]
    return perf_counter() - started, failures


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2400
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    chance, known = random.Random(seed), seeds()
    names = sorted(known)
    formats = {name.partition("-")[0] for name in names}
    print(f"{len(names)} seeds of {len(formats)} formats: {', '.join(sorted(formats))}")
    print(f"Pillow with {', '.join(features.get_supported())}; seed {seed}")
    problems: list[str] = []
    kinds, refusals, seconds, whole = Counter[str](), Counter[str](), 0.0, 0
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for start in range(0, count, CHUNK):
            folder = root / f"{start}"
            (folder / "in").mkdir(parents=True)
            for number in range(start, min(start + CHUNK, count)):
                one = names[number % len(names)]
                kind, data = mutated(known[one], known[chance.choice(names)], chance)
                kinds[kind] += 1
                (folder / "in" / f"{number:05}.{one}.png").write_bytes(data)
            took, failures = check(
                folder, ["filter", "in", "-k", "blur", "-o", "out/{stem}.png"], problems
            )
            check(
                folder,
                ["extract", "in", "--vector", "mean", "--resize", "16", "-o", "v.jsonl"],
                problems,
            )
            seconds += took
            refusals.update(
                re.sub(r"^.*?(is not a|cannot be|: )", r"\1", str(one["error"]))[:40]
                for one in failures
            )
            made = list((folder / "out").iterdir()) if (folder / "out").exists() else []
            expected = len(list((folder / "in").iterdir())) - len(failures)
            if len(made) != expected:
                problems.append(f"chunk {start}: {len(made)} outputs for {expected} successes")
            for path in made:
                try:
                    with Image.open(path) as image:
                        image.load()
                    whole += 1
                except Exception as error:  # whatever it is, the output is not whole
                    problems.append(f"{path.name}: {error}")
            if start == 0:
                for path in sorted((folder / "in").iterdir())[:ALONE]:
                    words = [
                        *COMMAND,
                        "filter",
                        str(path),
                        "-k",
                        "sobel",
                        "-o",
                        f"{folder}/one.png",
                        "--force",
                    ]
                    ended = subprocess.run(words, capture_output=True, check=False, timeout=60)
                    if b"Traceback" in ended.stderr or ended.returncode not in (0, 1):
                        problems.append(
                            f"alone {path.name}: {ended.returncode} {ended.stderr[-2000:]!r}"
                        )
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    if peak > MAX_MEMORY:
        problems.append(f"a process took {peak:,} bytes")
    print(f"{count} files ({', '.join(f'{n} {k}' for k, n in kinds.most_common())})")
    print(
        f"{whole} filtered whole, {sum(refusals.values())} refused, {seconds:.1f} s, peak {peak / 2**20:,.0f} MiB"
    )
    for text, number in refusals.most_common(8):
        print(f"  {number:5} {text}")
    for text in problems[:20]:
        print("PROBLEM", text)
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
