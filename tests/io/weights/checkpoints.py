"""Checkpoints as libraries lay them out, each with the convolution that its layers must be.

Run it to see the counts: `PYTHONPATH=. python tests/io/weights/checkpoints.py`.
"""

import copy
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize, prune
from torch.optim.swa_utils import AveragedModel

from rfviz.io.weights.layers import layer, layers_of

Tensors = dict[str, Tensor]
Module = nn.Conv2d | nn.ConvTranspose2d


class Expected(NamedTuple):
    """A layer of a checkpoint by its name and as torch runs it; None where it must not be one."""

    name: str
    module: Module | None


class Checkpoint(NamedTuple):
    """Tensors as a library stores them, and every layer that must be found in them."""

    title: str
    tensors: Tensors
    layers: tuple[Expected, ...]


def answers(module: Module, weight: Tensor, bias: Tensor | None) -> bool:
    """Whether a convolution by (weight, bias) gives what the module does, in evaluation mode."""
    module.eval()
    image = torch.randn(2, module.in_channels, 14, 15)
    if weight.shape[0] != module.out_channels or weight.shape[1] * module.groups != image.shape[1]:
        return False
    if isinstance(module, nn.ConvTranspose2d):
        given: Any = zip(module.dilation, module.kernel_size, module.padding, strict=True)
        pads = [d * (k - 1) - p for d, k, p in given]
        ours = F.conv2d(spread(image, module.stride), weight, bias, 1, pads, module.dilation,
                        module.groups)  # fmt: skip
    else:
        ours = F.conv2d(image, weight, bias, module.stride, module.padding, module.dilation,
                        module.groups)  # fmt: skip
    with torch.no_grad():
        theirs = module(image)
    return ours.shape == theirs.shape and bool(torch.allclose(ours, theirs, 1e-4, 1e-4))


def spread(image: Tensor, stride: tuple[int, ...]) -> Tensor:
    """The picture with zeros between its pixels, on which a transposed convolution slides."""
    height, width = ((n - 1) * s + 1 for n, s in zip(image.shape[2:], stride, strict=True))
    wide = image.new_zeros(*image.shape[:2], height, width)
    wide[:, :, :: stride[0], :: stride[1]] = image
    return wide


def wrong_in(checkpoint: Checkpoint) -> list[str]:
    """What the library finds wrong in a checkpoint: layers missing, more than there are, other."""
    entries = {entry.name: entry for entry in layers_of(checkpoint.tensors)}
    found = {name for name, entry in entries.items() if entry.is_conv2d}
    expected = {one.name for one in checkpoint.layers if one.module is not None}
    wrong = [f"{checkpoint.title}: found {sorted(found)}, not {sorted(expected)}"]
    wrong = wrong if found != expected else []
    for name, module in checkpoint.layers:
        entry = entries.get(name)
        if module is None:
            if entry is None or not entry.reason:
                wrong.append(f"{checkpoint.title}: {name} has no reason")
        elif entry is not None and entry.is_conv2d:
            if not answers(module, *layer(checkpoint.tensors, entry)):
                wrong.append(f"{checkpoint.title}: {name} answers otherwise, {entry.notes}")
            if module.bias is not None and entry.bias is None:
                wrong.append(f"{checkpoint.title}: the bias of {name} is lost")
    return wrong


def checkpoints(seed: int = 0) -> Iterator[Checkpoint]:
    """Every checkpoint, of sizes that follow from the seed."""
    torch.manual_seed(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        yield from _wrapped()
        yield from _networks()
        yield from _keras()
        yield from _others()


def channels() -> tuple[int, int]:
    reads, filters = torch.randint(2, 20, (2,)).tolist()
    return 2 * reads, 2 * filters + (2 if reads == filters else 0)


def conv(bias: bool = True, kernel: Any = 3) -> nn.Conv2d:
    return nn.Conv2d(*channels(), kernel, padding=1, bias=bias)


def deconv(bias: bool = True, groups: int = 1) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(*channels(), 4, 2, 1, bias=bias, groups=groups)


def stepped(module: Any) -> Any:
    """The module after training steps, so that u and v are those of a trained one."""
    module.train()
    for _ in range(5):
        module(torch.randn(1, module.in_channels, 9, 9))
    return module.eval()


def alone(title: str, module: Any, prefix: str = "net.0.") -> Checkpoint:
    tensors = {f"{prefix}{name}": t.clone() for name, t in module.state_dict().items()}
    return Checkpoint(title, tensors, (Expected(f"{prefix}weight", module),))


def _wrapped() -> Iterator[Checkpoint]:
    old_weight: Callable[..., Any] = nn.utils.weight_norm
    old_spectral: Callable[..., Any] = nn.utils.spectral_norm
    new_weight: Callable[..., Any] = parametrizations.weight_norm
    pruned: Callable[..., Any] = prune.random_unstructured
    for dim in (0, 1, 2, 3, None):
        title = f"weight_norm, dim {dim}"
        yield alone(f"parametrizations.{title}", new_weight(conv(), dim=dim))
        yield alone(f"older {title}", stepped(old_weight(conv(), dim=dim)))
    for form, wrap in (("new", parametrizations.spectral_norm), ("older", old_spectral)):
        yield alone(f"{form} spectral_norm", stepped(wrap(conv())), "module.d.0.")
        yield alone(f"{form} spectral_norm without bias", stepped(wrap(conv(bias=False))), "")
        square = nn.Conv2d(8, 8, 3)
        yield alone(f"{form} spectral_norm, square", stepped(wrap(square)))
        yield alone(f"{form} spectral_norm, transposed", stepped(wrap(deconv())), "up.")
        yield alone(f"{form} spectral_norm, square up",
                    stepped(wrap(nn.ConvTranspose2d(8, 8, 4))), "deconv.")  # fmt: skip
    yield alone("pruned", pruned(conv(), "weight", 0.5))
    both = pruned(conv(), "weight", 0.5)
    yield alone("pruned with its bias", pruned(both, "bias", 0.5))
    inner = stepped(pruned(old_weight(conv()), "weight_v", 0.3))
    yield alone("weight_norm, pruned inside", inner)
    masked = parametrizations.weight_norm(conv())
    yield alone("weight_norm, compiled", masked, "_orig_mod.layers.3.")
    orthogonal = parametrizations.orthogonal(nn.Conv2d(3, 4, 3))
    yield Checkpoint("orthogonal", dict(orthogonal.state_dict()), (Expected("weight", None),))
    own = nn.Conv2d(3, 4, 3)
    parametrize.register_parametrization(own, "weight", nn.Softplus())
    yield Checkpoint("one's own", dict(own.state_dict()), (Expected("weight", None),))


def block(reads: int, filters: int) -> list[nn.Module]:
    return [nn.Conv2d(reads, filters, 3, bias=False), nn.BatchNorm2d(filters), nn.ReLU()]


def of_network(title: str, net: nn.Module, prefix: str = "", **more: Tensor) -> Checkpoint:
    kinds = (nn.Conv2d, nn.ConvTranspose2d)
    layers = tuple(
        Expected(f"{prefix}{name}.weight", module)
        for name, module in net.named_modules() if isinstance(module, kinds)
    )  # fmt: skip
    tensors = {f"{prefix}{name}": tensor for name, tensor in net.state_dict().items()}
    return Checkpoint(title, tensors | more, layers)


def _networks() -> Iterator[Checkpoint]:
    net = nn.Sequential(
        *block(3, 16), *block(16, 32), nn.Conv2d(32, 32, 3, groups=32), nn.Conv2d(32, 8, 1),
        nn.Conv2d(8, 8, (1, 7)), nn.Flatten(), nn.Linear(8, 4),
    )  # fmt: skip
    for prefix in ("", "module.", "_orig_mod.", "module._orig_mod.", "model.backbone.", "ema."):
        yield of_network(f"network, {prefix or 'plain'}", net, prefix)
    averaged = AveragedModel(net)
    yield of_network("AveragedModel", averaged)
    generator = nn.Sequential(
        nn.ConvTranspose2d(100, 64, 4, bias=False), nn.BatchNorm2d(64),
        nn.ConvTranspose2d(64, 32, 4, 2, 1, bias=False), nn.BatchNorm2d(32),
        nn.ConvTranspose2d(32, 3, 4, 2, 1, bias=False),
    )  # fmt: skip
    yield of_network("DCGAN's generator", generator, "main.")
    unet = nn.ModuleDict({
        "down": nn.Conv2d(3, 16, 3), "middle": nn.Conv2d(16, 32, 3),
        "up": nn.ConvTranspose2d(32, 16, 2, 2), "after": nn.Conv2d(32, 16, 3),
        "out": nn.Conv2d(16, 2, 1),
    })  # fmt: skip
    yield of_network("U-Net", unet)
    yield alone("ConvTranspose2d, bias tells", nn.ConvTranspose2d(16, 8, 2))
    yield alone("ConvTranspose2d, grouped", nn.ConvTranspose2d(16, 8, 2, 2, groups=2))
    yield alone("ConvTranspose2d, named", nn.ConvTranspose2d(12, 12, 2, bias=False), "deconv1.")
    other = nn.ModuleDict({
        "a": nn.Conv1d(3, 8, 3), "b": nn.Conv3d(3, 8, 3), "c": nn.Embedding(9, 4),
        "d": nn.LSTM(4, 4), "e": nn.LayerNorm(4), "conv_g": nn.Conv2d(4, 6, 3),
    })  # fmt: skip
    yield of_network("no convolutions but one", other)


def keras(module: nn.Conv2d, name: str) -> Tensors:
    tensors = {f"{name}/kernel:0": module.weight.detach().permute(2, 3, 1, 0).contiguous()}
    return tensors if module.bias is None else tensors | {f"{name}/bias:0": module.bias.detach()}


def _keras() -> Iterator[Checkpoint]:
    for reads, filters, kernel in ((3, 32, 3), (1, 32, 3), (3, 64, 7), (64, 128, 1), (8, 8, 5)):
        for bias in (True, False):
            module = nn.Conv2d(reads, filters, kernel, bias=bias)
            tensors = keras(module, "conv2d")
            title = f"Keras {tuple(tensors['conv2d/kernel:0'].shape)}, bias {bias}"
            yield Checkpoint(title, tensors, (Expected("conv2d/kernel:0", module),))
            values = list(tensors.values())
            listed = {f"arr_{index}": tensor for index, tensor in enumerate(values)}
            if reads != filters:
                yield Checkpoint(f"{title}, listed", listed, (Expected("arr_0", module),))
    first, second = nn.Conv2d(3, 32, 3, bias=False), nn.Conv2d(16, 16, 3)
    depth = nn.Conv2d(32, 32, 3, groups=32)
    point = nn.Conv2d(32, 16, 1)
    assert depth.bias is not None
    tensors = keras(first, "stem") | {
        "stem_bn/gamma:0": torch.ones(32), "stem_bn/moving_mean:0": torch.ones(32),
        "dw/depthwise_kernel:0": depth.weight.detach().permute(2, 3, 0, 1).contiguous(),
        "dw/bias:0": depth.bias.detach(),
    } | keras(point, "point") | keras(second, "last")  # fmt: skip
    yield Checkpoint("Keras MobileNet", tensors, (
        Expected("stem/kernel:0", first), Expected("dw/depthwise_kernel:0", depth),
        Expected("point/kernel:0", point), Expected("last/kernel:0", second),
    ))  # fmt: skip
    up = nn.ConvTranspose2d(16, 8, 4, 2, 1)
    assert up.bias is not None
    stored = up.weight.detach().permute(2, 3, 1, 0).contiguous()
    yield Checkpoint("Keras Conv2DTranspose", {
        "conv2d_transpose/kernel:0": stored, "conv2d_transpose/bias:0": up.bias.detach(),
    }, (Expected("conv2d_transpose/kernel:0", up),))  # fmt: skip


def _others() -> Iterator[Checkpoint]:
    layers = [nn.Conv2d(3, 16, 3), nn.Conv2d(16, 32, 3), nn.Conv2d(32, 64, 5)]
    tensors: Tensors = {}
    for index, module in enumerate(layers):
        assert module.bias is not None
        stored = module.weight.detach().permute(0, 2, 3, 1).contiguous()
        tensors |= {f"conv{index}/filter": stored, f"conv{index}/bias": module.bias.detach()}
    expected = tuple(Expected(f"conv{i}/filter", module) for i, module in enumerate(layers))
    yield Checkpoint("TFLite", tensors, expected)
    module = conv()
    assert module.bias is not None
    scale = module.weight.detach().abs().amax((1, 2, 3)) / 127
    codes = (module.weight.detach() / scale[:, None, None, None]).round().to(torch.int8)
    module.weight.data = codes.float() * scale[:, None, None, None]
    yield Checkpoint("int8", {
        "c.weight": codes, "c.weight_scale": scale, "c.bias": module.bias.detach(),
    }, (Expected("c.weight", module),))  # fmt: skip
    shifted = (codes.int() + 128).to(torch.uint8)
    yield Checkpoint("uint8 with a zero point", {
        "c.weight": shifted, "c.weight_scale": scale, "c.weight_zero_point": torch.tensor(128),
        "c.bias": module.bias.detach(),
    }, (Expected("c.weight", module),))  # fmt: skip
    base, merged = conv(), conv()
    merged = copy.deepcopy(base)
    down, up = torch.randn(4, base.in_channels, 3, 3), torch.randn(base.out_channels, 4, 1, 1)
    delta = torch.einsum("or,rikl->oikl", up[:, :, 0, 0], down)
    merged.weight.data += 2 * delta
    parts = {
        "c.base_layer.weight": base.weight.detach(), "c.base_layer.bias": base.bias.detach(),  # type: ignore[union-attr]
        "c.lora_A.default.weight": down, "c.lora_B.default.weight": up,
    }  # fmt: skip
    name = "c.base_layer.weight"
    yield Checkpoint("LoRA without its scale", parts, (Expected(name, None),))
    with_alpha = parts | {"c.alpha": torch.tensor(8.0)}
    yield Checkpoint("LoRA with alpha", with_alpha, (Expected(name, merged),))
    zero = parts | {"c.lora_B.default.weight": torch.zeros_like(up)}
    yield Checkpoint("LoRA before training", zero, (Expected(name, base),))
    adapter = {"x.lora_down.weight": down, "x.lora_up.weight": up, "x.alpha": torch.tensor(4.0)}
    yield Checkpoint("LoRA alone", adapter, (Expected("x.weight", None),))


def main() -> int:
    every = list(checkpoints())
    wrong = [line for checkpoint in every for line in wrong_in(checkpoint)]
    layers = sum(len(checkpoint.layers) for checkpoint in every)
    sys.stdout.write("".join(f"{line}\n" for line in wrong))
    sys.stdout.write(f"{len(every)} checkpoints, {layers} layers; wrong {len(wrong)}\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
