"""Random features as a transformer: the vectors are those of `extract_features`, errors are scikit-learn's."""

import numpy as np
import pytest

from convcli import RandomConvFeatures, extract_features

NETWORK = "conv(4, 3, padding=1); abs"
RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("rows", "options", "picture"),
    [
        (RNG.random((3, 64)), {}, lambda row: row.reshape(8, 8, 1)),
        (RNG.random((3, 48)), {"image_shape": (4, 4, 3)}, lambda row: row.reshape(4, 4, 3)),
        (RNG.random((3, 10)), {}, lambda row: row.reshape(1, 10, 1)),
        (RNG.integers(0, 256, (2, 6, 5, 3), dtype=np.uint8), {}, lambda picture: picture),
        (RNG.random((2, 6, 5)), {"gray": True}, lambda picture: picture[..., np.newaxis]),
    ],
    ids=["square rows", "rows of colors", "rows of a line", "colors", "planes"],
)
def test_vectors_are_those_of_pictures(rows, options, picture):
    features = RandomConvFeatures(NETWORK, seed=7, **options)
    vectors = features.fit_transform(rows)
    gray = bool(options.get("gray"))
    for row, vector in zip(rows, vectors, strict=True):
        samples = picture(row)
        samples = samples if samples.dtype == np.uint8 else samples.astype(np.float32)
        alone = extract_features(samples, NETWORK, seed=7, parts="mean,std", gray=gray)
        np.testing.assert_array_equal(vector, alone.vector)
    assert list(features.get_feature_names_out()) == list(alone.names)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.zeros(4), "Expected 2D array, got 1D array"),
        (np.zeros((0, 4)), "0 sample"),
        (np.zeros((4, 0)), "0 feature"),
        (np.full((2, 4), np.nan), "NaN"),
        (np.zeros((2, 4), complex), "Complex data not supported"),
        (np.zeros((2, 9)), "X has 9 features, but RandomConvFeatures is expecting 4 features"),
    ],
)
def test_what_is_no_picture_is_refused_in_the_words_of_scikit_learn(rows, message):
    features = RandomConvFeatures(NETWORK).fit(np.zeros((2, 4)))
    with pytest.raises(ValueError, match=message):
        features.transform(rows)


def test_arguments_are_kept_and_changed_by_name():
    features = RandomConvFeatures(seed=3)
    assert features.set_params(seed=4, parts="max").get_params() == {
        "network": "conv(32, 3, padding=1, bias=False); abs", "seed": 4, "parts": "max",
        "gray": False, "image_shape": None,
    }  # fmt: skip
    with pytest.raises(ValueError, match="'depth' is none of network"):
        features.set_params(depth=3)
    with pytest.raises(ValueError, match="not fitted"):
        features.transform(np.zeros((1, 4)))
