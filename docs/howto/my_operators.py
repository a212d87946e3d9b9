"""An operator of one's own: the generalised mean of the weighted pixels."""

import torch

import rfviz


@rfviz.operator(title="Power mean", parameters={"exponent": (2.0, 1.0, 8.0)})
def power_mean(patches, weight, exponent):
    """From the mean, exponent 1, towards the largest product."""
    products = (weight[:, :, None] * patches).abs() + torch.finfo(patches.dtype).tiny
    return products.pow(exponent).mean(1).pow(1 / exponent)
