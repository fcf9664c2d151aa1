"""Random features as a step of a scikit-learn pipeline, which is not imported for it."""

import inspect
import os
import sys
from collections.abc import Sequence
from math import isqrt
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convcli.features.config_options import read_setup
from convcli.features.extractor import Extractor, Source
from convcli.features.options import FeatureOptions

Pictures = ArrayLike | Sequence[str | os.PathLike[str]]


class RandomConvFeatures:
    """Vectors of the feature maps of random filters: a transformer with scikit-learn's methods.

    `network`, `seed`, `parts` and `gray` are those of `extract_features`. `transform` takes arrays
    (n, h, w) or (n, h, w, c), paths of pictures, or rows of samples (n, h·w·c). The pictures of
    rows are of `image_shape`, (h, w) or (h, w, c); without it they are square where the number of
    samples is a square, else one line of pixels. The result is (n, features), float64. Pictures
    may differ in size where the vector does not depend on it, as means and spreads do not.

    >>> digits = np.zeros((5, 64))
    >>> RandomConvFeatures("conv(4, 3, padding=1); abs", seed=7).fit_transform(digits).shape
    (5, 8)

    Filters are random: `fit` learns the shape of a row alone. Raises SpecError for a network that
    is not understood, ValueError for arrays of other shapes or with values that are not finite.
    """

    def __init__(
        self,
        network: str = "conv(32, 3, padding=1, bias=False); abs",
        *,
        seed: int = 0,
        parts: str = "mean,std",
        gray: bool = False,
        image_shape: tuple[int, ...] | None = None,
    ) -> None:
        self.network = network
        self.seed = seed
        self.parts = parts
        self.gray = gray
        self.image_shape = image_shape

    def fit(self, X: Pictures, y: object = None) -> Self:
        """Learn the shape of a row, and the names of the features from the first picture."""
        pictures = self._pictures(X, is_fit=True)
        options = FeatureOptions(
            net=self.network, seed=self.seed, vector=self.parts, gray=self.gray
        )
        self._extractor = Extractor(read_setup((), options))
        self._names = self._extractor.features(pictures[0], keeps=False).names
        return self

    def transform(self, X: Pictures) -> NDArray[np.float64]:
        """One vector per picture, (n, features)."""
        self._check_fitted()
        features = (self._extractor.features(x, keeps=False) for x in self._pictures(X))
        return np.stack([picture.vector for picture in features]).astype(np.float64)

    def fit_transform(self, X: Pictures, y: object = None) -> NDArray[np.float64]:
        """Fit, and transform the same pictures."""
        return self.fit(X, y).transform(X)

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:
        """The name of each feature: `abs1.mean.0`."""
        self._check_fitted()
        return np.array(self._names, object)

    def get_params(self, deep: bool = True) -> dict[str, object]:
        """The arguments of this transformer by name."""
        return {name: getattr(self, name) for name in _arguments()}

    def set_params(self, **params: object) -> Self:
        """Change arguments by name. Raises ValueError for a name that is none."""
        for name, value in params.items():
            if name not in _arguments():
                raise ValueError(f"{name!r} is none of {', '.join(_arguments())}")
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.network!r}, seed={self.seed}, parts={self.parts!r})"

    def __sklearn_tags__(self) -> object:
        """What scikit-learn, which asks for it, may expect of this transformer."""
        from sklearn.utils import Tags, TargetTags, TransformerTags

        return Tags(
            estimator_type=None,
            target_tags=TargetTags(required=False),
            transformer_tags=TransformerTags(),
        )

    def _check_fitted(self) -> None:
        """Raise scikit-learn's NotFittedError where it runs, else its base, ValueError."""
        if hasattr(self, "_names"):
            return
        text = f"This {type(self).__name__} instance is not fitted yet: call fit"
        if "sklearn" in sys.modules:
            from sklearn.exceptions import NotFittedError

            raise NotFittedError(text)
        raise ValueError(text)

    def _pictures(self, X: Pictures, is_fit: bool = False) -> list[Source]:
        """The pictures as paths or arrays (h, w, c); of rows, `fit` notes the number of samples."""
        if isinstance(X, list | tuple) and X and isinstance(X[0], str | os.PathLike):
            return [os.fspath(path) for path in X]
        if hasattr(X, "toarray"):
            raise TypeError("A sparse matrix was passed, but dense data is required: X.toarray()")
        array = np.asarray(X)
        if array.dtype.kind == "c":
            raise ValueError("Complex data not supported: pictures are real numbers")
        if array.dtype.kind not in "buif":
            array = array.astype(np.float64)
        if array.ndim < 2:
            raise ValueError(
                f"Expected 2D array, got {array.ndim}D array instead. Reshape your data: pictures "
                "are (n, h, w), (n, h, w, c) or rows of samples (n, h·w·c), one picture (1, -1)"
            )
        if array.ndim > 4:
            raise ValueError(f"pictures are (n, h, w, c) at most, not {array.ndim}D")
        if not len(array):
            raise ValueError(f"0 sample(s) (shape={array.shape}) while a minimum of 1 is required.")
        if 0 in array.shape:
            raise ValueError(
                f"0 feature(s) (shape={array.shape}) while a minimum of 1 is required."
            )
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError("Input X contains NaN or infinity: samples are finite numbers")
        if array.ndim == 2:
            array = self._unfolded(array, is_fit)
        elif is_fit:
            self.__dict__.pop("n_features_in_", None)
        if array.dtype != np.uint8:
            array = array.astype(np.float32)
        return list(array if array.ndim == 4 else array[..., np.newaxis])

    def _unfolded(self, rows: NDArray[np.generic], is_fit: bool) -> NDArray[np.generic]:
        """Rows of samples as pictures."""
        count = rows.shape[1]
        if is_fit:
            self.n_features_in_ = count
        expected = getattr(self, "n_features_in_", count)
        if count != expected:
            raise ValueError(
                f"X has {count} features, but {type(self).__name__} is expecting {expected} "
                "features as input"
            )
        side = isqrt(count)
        shape = self.image_shape or ((side, side) if side * side == count else (1, count))
        if np.prod(shape) != count:
            raise ValueError(f"rows of {count} samples are not pictures of image_shape={shape}")
        return rows.reshape(len(rows), *shape)


def _arguments() -> list[str]:
    return [*inspect.signature(RandomConvFeatures).parameters]
