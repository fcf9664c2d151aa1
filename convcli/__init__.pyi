from convcli.api import draw as draw
from convcli.api import filter_image as filter_image
from convcli.api import parse as parse
from convcli.api import summarize as summarize
from convcli.conv import conv2d as conv2d
from convcli.errors import OutputError as OutputError
from convcli.errors import PictureError as PictureError
from convcli.errors import Refusal as Refusal
from convcli.errors import SpecError as SpecError
from convcli.errors import UnfitError as UnfitError
from convcli.features.extractor import extract_features as extract_features
from convcli.images.kernels.parse import kernel as kernel

__version__: str
