"""Single calls of torch on a map of 3 channels, as people write them."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

GRID = torch.linspace(-0.9, 0.9, 7 * 6 * 2).reshape(1, 7, 6, 2)
BLUR = torch.tensor([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]])


def dynamic(x: torch.Tensor) -> torch.Tensor:
    return F.conv2d(x, x.mean((2, 3)).reshape(1, 3, 1, 1).expand(2, 3, 3, 3))


def canvas(x: torch.Tensor) -> torch.Tensor:
    out = torch.zeros(1, 3, 20, 24, dtype=x.dtype, device=x.device)
    out[:, :, 3:19, 2:22] = x
    return out


def in_place(x: torch.Tensor) -> torch.Tensor:
    y = x.clone()
    y[:, :, 1:] += x[:, :, :-1]
    return y


def windows(x: torch.Tensor) -> torch.Tensor:
    parts = x.view(1, 3, 4, 4, 5, 4).permute(0, 2, 4, 3, 5, 1).reshape(20, 16, 3)
    mixed = torch.softmax(parts @ parts.transpose(1, 2), -1) @ parts
    return mixed.view(1, 4, 5, 4, 4, 3).permute(0, 5, 1, 3, 2, 4).reshape(1, 3, 16, 20)


def attention(x: torch.Tensor) -> torch.Tensor:
    tokens = x.flatten(2).transpose(1, 2)
    return F.scaled_dot_product_attention(tokens, tokens, tokens).transpose(1, 2).view(1, 3, 16, 20)


def patched(x: torch.Tensor) -> torch.Tensor:
    return x.unfold(2, 4, 4).unfold(3, 4, 4).mean((4, 5))


def circular(x: torch.Tensor) -> torch.Tensor:
    return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="circular"), torch.ones(2, 3, 3, 3, dtype=x.dtype))


def blurred(x: torch.Tensor) -> torch.Tensor:
    return F.conv2d(x, BLUR.to(x.dtype).expand(3, 1, 3, 3), padding=1, groups=3)


def columns_mixed(x: torch.Tensor) -> torch.Tensor:
    sequence = x.mean(2).permute(2, 0, 1)
    mixed: torch.Tensor = nn.Linear(3, 4, dtype=x.dtype, device=x.device)(sequence)
    return mixed


CALLS: Mapping[str, Callable[[torch.Tensor], Any]] = MappingProxyType(
    {
        "relu": F.softplus,
        "add": lambda x: x + x.exp(),
        "transpose": lambda x: x.transpose(2, 3),
        "permute": lambda x: x.permute(0, 2, 3, 1),
        "permute and back": lambda x: x.permute(0, 3, 1, 2).permute(0, 2, 3, 1),
        "movedim": lambda x: x.movedim(1, -1),
        "swapaxes": lambda x: x.swapaxes(1, 2),
        "T": lambda x: x[0, 0].T,
        "flip rows": lambda x: x.flip(2),
        "flip columns": lambda x: torch.fliplr(x[0].movedim(0, -1)),
        "rot90": lambda x: torch.rot90(x, 1, (2, 3)),
        "rot180": lambda x: torch.rot90(x, 2, (2, 3)),
        "einsum order": lambda x: torch.einsum("nchw->nwhc", x),
        "einsum channels": lambda x: torch.einsum(
            "nchw,dc->ndhw", x, torch.ones(4, 3, dtype=x.dtype)
        ),
        "einsum rows": lambda x: torch.einsum("nchw,hk->nckw", x, torch.ones(16, 5, dtype=x.dtype)),
        "matmul channels": lambda x: x.movedim(1, -1) @ torch.ones(3, 4, dtype=x.dtype),
        "matmul columns": lambda x: x @ torch.ones(20, 4, dtype=x.dtype),
        "slice": lambda x: x[:, :, 2:-3, 4:],
        "strided slice": lambda x: x[:, :, ::2, 1::3],
        "focus": lambda x: torch.cat(
            [x[..., ::2, ::2], x[..., 1::2, ::2], x[..., ::2, 1::2], x[..., 1::2, 1::2]], 1
        ),
        "narrow": lambda x: x.narrow(2, 3, 9),
        "select": lambda x: x.select(1, 0),
        "index": lambda x: x[:, :, torch.tensor([0, 3, 5])],
        "index_select": lambda x: x.index_select(3, torch.tensor([5, 2, 9])),
        "chunk rows": lambda x: x.chunk(2, 2)[1],
        "split columns": lambda x: torch.split(x, 5, 3)[2],
        "unbind": lambda x: torch.stack(x.unbind(1), 1),
        "roll": lambda x: x.roll(3, 2),
        "roll both": lambda x: torch.roll(x, (2, -4), (2, 3)),
        "tile": lambda x: x.tile(1, 1, 2, 2),
        "repeat": lambda x: x.repeat(1, 2, 1, 3),
        "repeat_interleave": lambda x: x.repeat_interleave(2, 2),
        "expand": lambda x: x[:, :1].expand(-1, 3, -1, -1),
        "stack": lambda x: torch.stack([x, x.flip(3)], 2),
        "cat channels": lambda x: torch.cat([x, x.exp()], 1),
        "cat rows": lambda x: torch.cat([x, x], 2),
        "cat columns with zeros": lambda x: torch.cat([torch.zeros_like(x), x], 3),
        "cat offsets": lambda x: torch.cat([x[:, :, 2:], x[:, :, :-2]], 1),
        "mean of all": lambda x: x.mean((2, 3)),
        "mean kept": lambda x: x - x.mean((2, 3), keepdim=True),
        "mean of columns": lambda x: x.mean(3),
        "mean of rows kept": lambda x: x.mean(2, keepdim=True),
        "mean of channels": lambda x: x.mean(1, keepdim=True),
        "max of columns": lambda x: x.logsumexp(3),
        "sum": lambda x: x.sum(),
        "var": lambda x: x.var((2, 3)),
        "norm": lambda x: x.norm(dim=1),
        "normalize": lambda x: F.normalize(x, dim=1),
        "normalize all": lambda x: x / x.flatten(1).norm(dim=1)[:, None, None, None],
        "softmax channels": lambda x: x.softmax(1),
        "softmax columns": lambda x: x.softmax(3),
        "log_softmax rows": lambda x: x.log_softmax(2),
        "cumsum": lambda x: x.cumsum(3),
        "flatten": lambda x: x.flatten(1),
        "view and back": lambda x: x.view(1, 3, -1).view(1, 3, 16, 20),
        "pool by view": lambda x: x.view(1, 3, 8, 2, 10, 2).mean((3, 5)),
        "patches by unfold": patched,
        "tensor unfold": lambda x: x.unfold(2, 4, 4),
        "F.unfold": lambda x: F.unfold(x, 3, padding=1),
        "fold of unfold": lambda x: F.fold(F.unfold(x, 3, stride=2), (16, 20), 3, stride=2),
        "pixel shuffle": lambda x: F.pixel_shuffle(x.repeat(1, 4, 1, 1), 2),
        "pixel unshuffle": lambda x: F.pixel_unshuffle(x, 2),
        "channel shuffle": lambda x: F.channel_shuffle(x, 3),
        "pad": lambda x: F.pad(x, (1, 2, 3, 0)),
        "crop by pad": lambda x: F.pad(x, (-1, -2, -3, 1)),
        "pad reflect": lambda x: F.pad(x, (3, 3, 2, 2), mode="reflect"),
        "pad replicate": lambda x: F.pad(x, (3, 3, 2, 2), mode="replicate"),
        "pad circular": circular,
        "nearest": lambda x: F.interpolate(x, scale_factor=2),
        "nearest odd": lambda x: F.interpolate(x, size=(23, 9)),
        "nearest-exact": lambda x: F.interpolate(x, size=(23, 9), mode="nearest-exact"),
        "bilinear": lambda x: F.interpolate(x, scale_factor=1.7, mode="bilinear"),
        "bilinear corners": lambda x: F.interpolate(
            x, size=(31, 39), mode="bilinear", align_corners=True
        ),
        "bicubic": lambda x: F.interpolate(x, scale_factor=2, mode="bicubic"),
        "antialias": lambda x: F.interpolate(x, size=(5, 7), mode="bilinear", antialias=True),
        "antialias cubic": lambda x: F.interpolate(x, size=(5, 7), mode="bicubic", antialias=True),
        "area": lambda x: F.interpolate(x, size=(5, 7), mode="area"),
        "avg_pool2d": lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True),
        "adaptive pool": lambda x: F.adaptive_avg_pool2d(x, (5, 3)),
        "global pool": lambda x: F.adaptive_avg_pool2d(x, 1),
        "lp_pool2d": lambda x: F.lp_pool2d(x, 2, 2),
        "local response norm": lambda x: F.local_response_norm(x, 3),
        "layer_norm channels": lambda x: F.layer_norm(x.movedim(1, -1), (3,)).movedim(-1, 1),
        "layer_norm columns": lambda x: F.layer_norm(x, (20,)),
        "group_norm": lambda x: F.group_norm(x, 1),
        "instance_norm": F.instance_norm,
        "batch statistics": lambda x: F.batch_norm(x, None, None, training=True),
        "fft": lambda x: torch.fft.rfft2(x).abs(),
        "ifft of fft": lambda x: torch.fft.ifft2(torch.fft.fft2(x)).real,
        "attention": attention,
        "windows": windows,
        "dynamic filters": dynamic,
        "fixed filters": blurred,
        "canvas": canvas,
        "in place": in_place,
        "columns as a sequence": columns_mixed,
        "gather by a grid": lambda x: F.grid_sample(x, GRID.to(x.dtype), align_corners=False),
        "where": lambda x: torch.where(x > 1, x, x * 2),
        "masked": lambda x: x * torch.ones(16, 20, dtype=x.dtype).tril(),
        "masked_fill": lambda x: x.masked_fill(torch.eye(16, 20) > 0, 0.0),
        "conv1d of columns": lambda x: F.conv1d(x.mean(2), torch.ones(2, 3, 3, dtype=x.dtype)),
        "conv3d": lambda x: F.conv3d(x[None], torch.ones(2, 1, 3, 3, 3, dtype=x.dtype)),
        "transposed": lambda x: F.conv_transpose2d(
            x, torch.ones(3, 2, 3, 3, dtype=x.dtype), stride=2, padding=1, output_padding=1
        ),
        "dilated": lambda x: F.conv2d(x, torch.ones(2, 3, 3, 3, dtype=x.dtype), dilation=(2, 3)),
        "sorted": lambda x: x.sort(3).values,
        "cdist": lambda x: torch.cdist(x, x),
        "outer": lambda x: x[:, :, :, :1] * x[:, :, :1, :],
        "diagonal": lambda x: x.diagonal(dim1=2, dim2=3),
        "kron": lambda x: torch.kron(x, torch.ones(1, 1, 2, 2, dtype=x.dtype)),
        "checkpoint": lambda x: torch.utils.checkpoint.checkpoint(
            F.softplus, x, use_reentrant=False
        ),
    }
)
