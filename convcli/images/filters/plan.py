"""What a filter will do, in words and as data: matrices, sums, engines, memory."""

from typing import Any

from convcli.images.engines import box_sums, gaussian_grid
from convcli.images.engines.correlate import Responder
from convcli.images.engines.quantize import Statistics
from convcli.images.engines.row_bands import Bands, Window
from convcli.images.filters.apply import is_direct
from convcli.images.filters.output_range import auto_gain
from convcli.images.filters.spec import Recipe
from convcli.images.filters.write import expected_bytes
from convcli.images.image import Picture
from convcli.images.kernels.kernel import Kernel
from convcli.images.kernels.listing import kernel_record, kernel_text, number


def engine(kernel: Kernel, recipe: Recipe, picture: Picture) -> str:
    """How a kernel is computed on a picture."""
    direct, blends = is_direct(picture, recipe), recipe.blends_alpha(picture)
    if _on_grid(kernel, recipe, picture):
        step = gaussian_grid.spacing(kernel.smooth, picture.pixels.dtype != "uint8")
        return f"on a grid of every {step} pixels, within 0.01 of a grey level before rounding"
    window = Window(kernel.shape, kernel.centre, recipe.stride, recipe.border)
    if direct and not blends and box_sums.suits(kernel, Bands(picture.pixels, window)):
        return "running sums in uint32"
    floating = not direct and (
        blends or picture.pixels.dtype.kind != "u" or recipe.linear or recipe.channels == "luma"
    )
    full = picture.full or 1
    responder = Responder(kernel, full * full if blends else full, floating, floating, 2**22)
    return responder.engines + (", of colour times alpha" if blends else "")


def _on_grid(kernel: Kernel, recipe: Recipe, picture: Picture) -> bool:
    return (
        is_direct(picture, recipe)
        and not recipe.blends_alpha(picture)
        and gaussian_grid.suits(kernel, picture, recipe.border, recipe.exact)
    )


def plan_record(recipe: Recipe, picture: Picture, words: dict[str, Any]) -> dict[str, Any]:
    """The whole plan as data."""
    height, width, _ = picture.pixels.shape
    return {
        "schema": 1,
        "picture": {
            "height": height,
            "width": width,
            "colours": picture.colours,
            "alpha": picture.has_alpha,
            "dtype": str(picture.pixels.dtype),
            "frames": 1 + len(picture.frames),
        },
        "kernels": [
            {**kernel_record(one), "engine": engine(one, recipe, picture)} for one in recipe.kernels
        ],
        "flip": bool(words.get("flip")),
        "border": recipe.border.text,
        "stride": list(recipe.stride),
        "channels": recipe.channels,
        "range": recipe.range.text,
        "gain": str(auto_gain(recipe.kernels[-1])[0]) if recipe.range.name == "auto" else "1",
        "bias": str(recipe.bias),
        "amount": str(recipe.amount),
        "linear": recipe.linear,
        "exact": is_direct(picture, recipe)
        and all(one.exact for one in recipe.kernels)
        and not any(_on_grid(one, recipe, picture) for one in recipe.kernels),
        "expected_bytes": expected_bytes(picture, recipe),
    }


def plan_text(recipe: Recipe, picture: Picture, record: dict[str, Any]) -> list[str]:
    """The whole plan in lines."""
    lines = []
    for one, data in zip(recipe.kernels, record["kernels"], strict=True):
        lines += kernel_text(one)
        lines.append(f"  engine     {data['engine']}")
    turned = "turned by 180° (convolution)" if record["flip"] else "as drawn (correlation)"
    share = f", {number(recipe.amount)} of it blended with the input" if recipe.amount != 1 else ""
    lines += [
        f"kernels      {turned}",
        f"border       {recipe.border.text}, stride {'x'.join(map(str, recipe.stride))}",
        f"channels     {recipe.channels}{', in linear light' if recipe.linear else ''}",
        f"range        {recipe.range.text}, gain {record['gain']}{share}",
        f"memory       about {record['expected_bytes'] / 2**20:,.0f} MiB beside the picture, "
        f"which has {picture.pixels.nbytes / 2**20:,.0f}",
    ]
    return lines


def statistics_record(statistics: Statistics) -> dict[str, Any]:
    """The statistics as data; none of a picture without samples."""
    some = statistics.least <= statistics.most
    return {
        "minimum": statistics.least if some else None,
        "maximum": statistics.most if some else None,
        "clipped": statistics.clipped,
        "samples": statistics.samples,
    }
