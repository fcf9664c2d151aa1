from convcli.api.lessons import explain as explain
from convcli.api.lessons import fit as fit
from convcli.api.networks import draw as draw
from convcli.api.networks import layers as layers
from convcli.api.networks import parse as parse
from convcli.api.networks import solve as solve
from convcli.api.networks import summarize as summarize
from convcli.api.networks import zoo as zoo
from convcli.api.pictures import filter_image as filter_image
from convcli.api.pictures import kernels as kernels
from convcli.conv import conv2d as conv2d
from convcli.errors import OutputError as OutputError
from convcli.errors import PictureError as PictureError
from convcli.errors import Refusal as Refusal
from convcli.errors import SpecError as SpecError
from convcli.errors import UnfitError as UnfitError
from convcli.features.extractor import extract_features as extract_features
from convcli.features.transformer import RandomConvFeatures as RandomConvFeatures
from convcli.images.kernels.parse import kernel as kernel

__version__: str
