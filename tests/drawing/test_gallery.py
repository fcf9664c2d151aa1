"""The contact sheet of the catalogue: a tile a kernel, in the order of the listing."""

import numpy as np
import pytest

from convcli.drawing.kernel_gallery import CAPTION, COLUMNS, GAP, INK, TILE, gallery
from convcli.images.filters.apply import filter_picture
from convcli.images.image import Picture
from convcli.images.kernels.catalogue import CATALOGUE
from convcli.images.kernels.parse import kernel

PIXELS = np.random.default_rng(2).integers(0, 256, (20, 30, 3)).astype(np.uint8)


def test_every_kernel_has_its_tile_and_its_name_below():
    sheet = gallery(Picture(PIXELS, False, "PNG", {})).pixels
    for number, name in enumerate(CATALOGUE):
        row, column = divmod(number, COLUMNS)
        top, left = GAP + row * (20 + CAPTION + GAP), GAP + column * (TILE + GAP)
        tile = sheet[top : top + 20, left + (TILE - 30) // 2 :][:, :30]
        true = filter_picture(Picture(PIXELS, False, "PNG", {}), kernel(name)).pixels
        np.testing.assert_array_equal(tile, true, name)
        words = sheet[top + 20 : top + 20 + CAPTION, left : left + TILE]
        assert (words == INK).all(axis=2).any(), name


@pytest.mark.parametrize(
    ("pixels", "has_alpha", "mode", "colour"),
    [
        (np.full((2, 2, 1), 200, np.uint8), False, "", (200, 200, 200)),
        (np.full((2, 2, 1), 200 << 8, np.uint16), False, "", (200, 200, 200)),
        (np.full((2, 2, 2), (0, 51), np.uint8), True, "", (204, 204, 204)),
        (np.full((2, 2, 4), (255, 0, 0, 0), np.uint8), True, "", (255, 255, 255)),
        (np.full((2, 2, 4), (255, 0, 0, 0), np.uint8), False, "CMYK", (0, 255, 255)),
        (np.full((2, 2, 1), 0.5, np.float32), False, "F", (0, 0, 0)),
    ],
)
def test_tiles_show_what_people_see(pixels, has_alpha, mode, colour):
    sheet = gallery(Picture(pixels, has_alpha, "PNG", {}, mode=mode)).pixels
    assert tuple(sheet[GAP, GAP + (TILE - 2) // 2]) == colour
