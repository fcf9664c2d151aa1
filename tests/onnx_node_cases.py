"""The node tests of ONNX's backend, which are made when their modules are imported."""

import warnings
from functools import cache
from importlib import import_module

import numpy as np
import pytest
from onnx.backend.test.case import node
from onnx.backend.test.case.test_case import TestCase
from onnx.reference.ops import op_pool_common


def without_three_axes(pool):
    """ONNX's own pool, but for volumes: loops of seconds, for cases that no test here runs."""

    def pooled(padded, shape, *rest, **options):
        return pool(padded, shape, *rest, **options) if len(shape) < 5 else np.empty(0)

    return pooled


@cache
def node_cases(module: str) -> dict[str, TestCase]:
    """The cases of a module by name; of volumes that are pooled, without values."""
    before = len(node._NodeTestCases)
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        patch.setattr(op_pool_common, "pool", without_three_axes(op_pool_common.pool))
        import_module(f"onnx.backend.test.case.node.{module}")
    return {case.name: case for case in node._NodeTestCases[before:]}
