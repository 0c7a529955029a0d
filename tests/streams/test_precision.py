import torch
from torch.testing import assert_close

from mmseg_cen.streams.precision import at_least_float32, without_autocast


def test_only_low_precision_is_raised():
    for dtype in (torch.bfloat16, torch.float16):
        assert at_least_float32(torch.ones(1, dtype=dtype)).dtype == torch.float32
    for dtype in (torch.float32, torch.float64, torch.int64, torch.bool):
        x = torch.ones(1, dtype=dtype)
        assert at_least_float32(x) is x


def test_products_within_the_context_keep_the_precision_of_their_factors():
    x = torch.randn(4, 4)
    with torch.autocast('cpu', torch.bfloat16):
        assert (x @ x).dtype == torch.bfloat16
        with without_autocast(x):
            found = x @ x
    assert_close(found, x @ x)
    with without_autocast(x.to('meta')):  # which autocast does not know
        pass
