"""Sharing work: all of it is done, and BLAS has its threads back whatever happens."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from convcli.conv import blas, conv2d, threads
from convcli.conv.algorithms import ALGORITHMS
from convcli.conv.functional import problem_of

LAYER = np.ones((1, 64, 64, 64), np.float32), np.ones((64, 64, 3, 3), np.float32)


def blas_threads():
    return [library.get_num_threads() for library in blas.LIBRARIES]


def test_every_piece_is_done_once():
    done = []
    threads.share(list(range(1000)), lambda pieces: done.extend(pieces))
    assert sorted(done) == list(range(1000))


def test_an_error_in_a_piece_is_raised_and_blas_has_its_threads_back():
    before = blas_threads()

    def work(pieces):
        for piece in pieces:
            if piece == 3:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        threads.share(list(range(100)), work)
    assert blas_threads() == before


def test_blas_has_one_thread_while_pieces_run():
    seen = []
    threads.share([0, 1], lambda pieces: seen.extend(blas_threads() for _ in pieces))
    assert {count for counts in seen for count in counts} <= {1}


def test_little_work_is_done_alone():
    seen = []
    threads.share([0, 1], lambda pieces: seen.append((blas_threads(), list(pieces))), False)
    ((limits, pieces),) = seen
    assert set(limits) <= {1}
    assert pieces == [0, 1]


def test_a_limit_of_the_caller_holds():
    with threadpool_limits(1):
        assert threads.threads() == 1
        conv2d(*LAYER, padding=1)
        assert set(blas_threads()) <= {1}


@pytest.mark.slow
def test_callers_at_the_same_time_get_what_they_would_alone():
    before, expected = blas_threads(), conv2d(*LAYER, padding=1)
    results = []
    callers = [
        threading.Thread(target=lambda: results.append(conv2d(*LAYER, padding=1))) for _ in range(4)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(results) == 4
    for result in results:
        np.testing.assert_array_equal(result, expected)
    assert blas_threads() == before


SIZE, BANK = (1, 4, 200, 300), (8, 4, 5, 5)
WIDE = problem_of(SIZE, BANK, 1, 2, 1, 1, np.dtype(np.float64))
FAST = [
    name for name, one in ALGORITHMS.items() if name != "reference" and one.refuses(WIDE) is None
]


@pytest.mark.parametrize("algorithm", FAST)
def test_the_number_of_threads_does_not_change_the_result(algorithm):
    rng = np.random.default_rng(0)
    x, weight = rng.standard_normal(SIZE), rng.standard_normal(BANK)
    shared = conv2d(x, weight, padding=2, algorithm=algorithm)
    with threadpool_limits(1):
        alone = conv2d(x, weight, padding=2, algorithm=algorithm)
    np.testing.assert_allclose(alone, shared, rtol=0, atol=1e-11)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_convolves_too():
    code = (
        "import os, numpy as np; from convcli.conv import conv2d\n"
        "x, w = np.ones((1, 64, 96, 96), 'f'), np.ones((64, 64, 3, 3), 'f')\n"
        "y = conv2d(x, w)\n"
        "child = os.fork()\n"
        "if child == 0: os._exit(not np.array_equal(conv2d(x, w), y))\n"
        "raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0
