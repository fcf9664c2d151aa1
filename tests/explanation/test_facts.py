"""The worked arithmetic of textbooks, digit for digit, in what `explain` prints."""

import pytest

from convcli.cli.main import run

BLOCK = "1 2 3 0 1; 0 1 5 2 0; 1 0 2 1 1; 3 1 0 2 4; 0 2 1 1 0"
CROSS = "1 0 1; 0 1 0; 1 0 1"
EIGHT = "1·1 + 2·0 + 3·1 + 0·0 + 1·1 + 5·0 + 1·1 + 0·0 + 2·1 = 8"


@pytest.fixture
def printed(capfd):
    """Runs convcli and gives what it prints."""

    def call(*words):
        assert run(list(words)) == 0, capfd.readouterr().err
        return capfd.readouterr().out

    return call


def test_the_first_window_of_a_5x5_image_gives_8(printed):
    out = printed("explain", "--input", BLOCK, "--kernel", CROSS)
    assert f"z[0,0] = {EIGHT}\n" in out
    assert printed("explain", "--input", BLOCK, "--kernel", CROSS, "--cell", "0,0", "-q") == "8\n"


# three channels of a 2x2 window whose sums are 7, 15 and 4
RGB = ("1 2; 3 1 | 5 4; 3 3 | 1 1; 1 1", "1 1; 1 1")


def test_an_rgb_window_sums_over_channels_then_the_bias(printed):
    words = ["explain", "--input", RGB[0], "--kernel", RGB[1]]
    assert "z[0,0] = 7 + 15 + 4 = 26\n" in printed(*words)
    out = printed(*words, "--bias", "b")
    assert "red: 1·1 + 2·1 + 3·1 + 1·1 = 7\n" in out
    assert "green: 5·1 + 4·1 + 3·1 + 3·1 = 15\n" in out
    assert "blue: 1·1 + 1·1 + 1·1 + 1·1 = 4\n" in out
    assert "all channels: 7 + 15 + 4 = 26\n" in out
    assert "z[0,0] = 26 + b\n" in out
    assert "z[0,0] = 26 + 4 = 30\n" in printed(*words, "--bias", "4")


def test_the_output_unit_is_the_textbook_formula(printed):
    formula = "z[i,j,k] = b[k] + Σ_u Σ_v Σ_k' x[i·s_h+u, j·s_w+v, k'] · w[u,v,k',k]"
    out = printed("explain", "--input", "2x2", "--kernel", "2", "--symbols", "--bias", "b")
    assert f"{formula}\n" in out
    assert "x00·w00 + x01·w01 + x10·w10 + x11·w11" in out
    assert "z[0,0] = s0 + b\n" in out


def test_lrn_says_whose_alpha_it_takes(printed):
    words = ["explain", "--input", "1 | 2 | 3", "--activation"]
    out = printed(*words, "lrn:3,alpha=0.5,beta=0.75,k=2")
    assert "b_i = a_i·(k + α·Σ a_j²)^(−β)" in out
    assert "α as it is (TensorFlow)" in out
    # 2·(2 + 0.5·14)^−0.75 = 2 / 9^0.75
    assert "z[0,0,1] = 2·(2 + 0.5·(1² + 2² + 3²))^(−0.75) = 0.3849\n" in out
    assert "z[0,0,0] = 1·(2 + 0.5·(1² + 2²))^(−0.75) = " in out
    out = printed(*words, "lrn:3,alpha=0.5,beta=0.75,k=2,rule=pytorch")
    assert "α divided by the window size (PyTorch)" in out
    assert "z[0,0,1] = 2·(2 + 0.5/3·(1² + 2² + 3²))^(−0.75) = " in out


@pytest.mark.parametrize("size", [1, 4, 5])
def test_lrn_is_that_of_the_core_under_the_pytorch_rule(printed, size):
    import numpy as np

    from convcli.conv import local_response_norm

    out = printed(
        *["explain", "--input", "2x3x7", "--random", "3", "-q", "--activation"],
        f"lrn:{size},alpha=0.1,beta=0.5,k=1,rule=pytorch",
    )
    got = np.array(
        [[row.split() for row in grid.split("\n")] for grid in out.strip().split("\n\n")]
    )
    x = printed(*["explain", "--input", "2x3x7", "--random", "3", "-q", "--activation", "relu"])
    x = np.array([[row.split() for row in grid.split("\n")] for grid in x.strip().split("\n\n")])
    expected = local_response_norm(x.astype(float)[np.newaxis], size, alpha=0.1, beta=0.5)[0]
    np.testing.assert_allclose(got.astype(float), expected, rtol=1e-3)


def test_leaky_relu_and_the_stretch_of_feature_maps(printed):
    out = printed("explain", "--input", "-3 2", "--activation", "leaky_relu:0.1")
    assert "x where x ≥ 0, 0.1·x below" in out
    assert "z[0,0] = 0.1·(-3) = -0.3\n" in out
    assert "z[0,1] = 2 (≥ 0) = 2\n" in out
    assert printed("explain", "--input", "-1 0 3", "--activation", "minmax", "-q") == "0 64 255\n"


def test_signals_flip_slide_and_sum(printed):
    words = ["explain", "--signal", "0 1 2 1 0", "--kernel", "1 0 -1", "--mode"]
    out = printed(*words, "convolution")
    assert "(f∗g)(t) = Σ f(τ)g(t−τ)\n" in out
    assert "f(0)·g(2) + f(1)·g(1) + f(2)·g(0) = 0·(-1) + 1·0 + 2·1 = 2\n" in out
    assert "f∗g = 0 1 2 0 -2 -1 0   (t = 0 to 6)\n" in out
    assert "g∗f = 0 1 2 0 -2 -1 0   (t = 0 to 6)\n" in out
    assert out.endswith("f∗g = g∗f: convolution commutes\n")
    out = printed(*words, "cross-correlation")
    assert "(f⋆g)(t) = Σ f(τ)g(t+τ)\n" in out
    assert "f⋆g = 0 1 2 0 -2 -1 0   (t = -4 to 2)\n" in out
    assert "g⋆f = 0 -1 -2 0 2 1 0   (t = -2 to 4)\n" in out
    assert out.endswith("f⋆g ≠ g⋆f: f⋆g is g⋆f reversed\n")
    out = printed("explain", "--signal", "1 2 4", "--mode", "autocorrelation")
    assert "f⋆f = 4 10 21 10 4   (t = -2 to 2)\n" in out
    assert out.endswith("f⋆f is the same backwards: autocorrelation is symmetric\n")


def test_the_gradient_of_a_convolution(printed):
    out = printed(
        *["explain", "--backward", "--input"],
        "1 2 3; 4 5 6; 7 8 9",
        "--kernel",
        "1 2; 3 4",
        "--grad",
        "1 0; 2 3",
    )
    # the correlation of the input with the output gradient
    assert "dL/dw[0,0] = 1·1 + 0·2 + 2·4 + 3·5 = 24\n" in out
    # the full convolution with the flipped kernel: what each output sends back
    assert "dL/dx[1,1] = 1·4 + 0·3 + 2·2 + 3·1 = 11\n" in out
    assert "dL/db = 1 + 0 + 2 + 3 = 6\n" in out
