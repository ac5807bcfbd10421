"""Products by oneDNN equal PyTorch's, and so do their gradients."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from gnl_core.matrix_products import SMALLEST_LEARNT, multiplies_in_onednn, multiply

ROWS = (1, SMALLEST_LEARNT - 1, SMALLEST_LEARNT)
needs_onednn = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="PyTorch without oneDNN")


@pytest.mark.parametrize("count", ROWS)
def test_products_and_gradients_are_pytorchs(count: int):
    rows, weight = torch.randn(count, 40, requires_grad=True), torch.randn(30, 40, requires_grad=True)
    found, expected = multiply(rows, weight), F.linear(rows, weight)
    torch.testing.assert_close(found, expected)
    upstream = torch.randn_like(expected)
    for ours, theirs in zip(
        torch.autograd.grad(found, (rows, weight), upstream),
        torch.autograd.grad(expected, (rows, weight), upstream),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("count", ROWS)
def test_rows_and_weights_may_lie_in_any_order(count: int):
    rows, weight = torch.randn(40, count).t(), torch.randn(40, 30).t()
    torch.testing.assert_close(multiply(rows, weight), F.linear(rows, weight))


@needs_onednn
def test_onednn_multiplies_single_precision_on_the_cpu():
    rows, weight = torch.randn(4, 40), torch.randn(30, 40)
    assert multiplies_in_onednn(rows, weight)
    assert not multiplies_in_onednn(rows.double(), weight.double())
    with torch.autocast("cpu", torch.bfloat16):
        assert not multiplies_in_onednn(rows, weight)
        assert multiply(rows, weight).dtype == torch.bfloat16


@needs_onednn
def test_gradients_of_few_rows_are_left_to_pytorch():
    weight = torch.randn(30, 40, requires_grad=True)
    assert not multiplies_in_onednn(torch.randn(SMALLEST_LEARNT - 1, 40), weight)
    assert multiplies_in_onednn(torch.randn(SMALLEST_LEARNT, 40), weight)
    with torch.no_grad():
        assert multiplies_in_onednn(torch.randn(SMALLEST_LEARNT - 1, 40), weight)


def test_a_traced_graph_keeps_pytorchs_product():
    class Product(torch.nn.Module):
        def forward(self, rows: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
            return multiply(rows, weight)

    program = torch.export.export(Product(), (torch.randn(4, 40), torch.randn(30, 40)))
    assert {str(node.target) for node in program.graph.nodes if node.op == "call_function"} == {"aten.linear.default"}
