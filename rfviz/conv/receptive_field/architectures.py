"""Well-known networks as tables of layers, to be read, drawn and edited.

Each is written from its publication, up to the last feature map that has rows and columns.
Published receptive fields: Araujo, Norris & Sim, Distill 2019, and the papers named below.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from rfviz.conv.errors import InputError
from rfviz.conv.layers.layer import Layer
from rfviz.conv.receptive_field.stack import Branches
from rfviz.conv.spec.padding_modes import Pair
from rfviz.conv.wording import shown

Stack = tuple[Layer | Branches, ...]
# "SAME" of TensorFlow on an even size at stride 2, as MobileNet was published: one zero at the end.
AFTER = ((0, 1), (0, 1))


class Architecture(NamedTuple):
    """A named stack, the (height, width) and channels of its picture, and its source."""

    name: str
    input_size: Pair
    in_channels: int
    layers: Stack
    source: str


def architecture_names() -> tuple[str, ...]:
    """Return the names that `architecture` knows.

    >>> architecture_names()[:3]
    ('LeNet-5', 'AlexNet', 'VGG-16')
    """
    return tuple(ARCHITECTURES)


def architecture(name: object) -> Architecture:
    """Return a network by its name; `InputError` with the known ones for any other.

    >>> architecture("VGG-16").layers[0].label()
    'conv1_1'
    """
    build = ARCHITECTURES.get(name) if isinstance(name, str) else None
    if build is None:
        raise InputError(
            f"There is no architecture called {shown(name)}.",
            remedy=f"Choose one of {', '.join(ARCHITECTURES)}",
        )
    return build()


def _conv(name: str, channels: int, kernel: int, stride: int = 1, **given: object) -> Layer:
    """Return a convolution that keeps the size at stride 1, unless its padding is given."""
    fields = {"padding": kernel // 2, **given}
    return Layer("Conv2d", kernel, stride, out_channels=channels, name=name, **fields)


def _pool(name: str, kernel: int = 2, stride: int = 2, padding: int = 0) -> Layer:
    return Layer("MaxPool2d", kernel, stride, padding, name=name)


def _lenet() -> Architecture:
    layers = (
        _conv("C1", 6, 5, padding=0),
        Layer("AvgPool2d", 2, name="S2"),
        _conv("C3", 16, 5, padding=0),
        Layer("AvgPool2d", 2, name="S4"),
        _conv("C5", 120, 5, padding=0),
    )
    return Architecture("LeNet-5", (32, 32), 1, layers, "LeCun et al., 1998")


def _alexnet() -> Architecture:
    layers = (
        _conv("conv1", 64, 11, 4, padding=0),
        _pool("pool1", 3),
        _conv("conv2", 192, 5),
        _pool("pool2", 3),
        _conv("conv3", 384, 3),
        _conv("conv4", 384, 3),
        _conv("conv5", 256, 3),
        _pool("pool5", 3),
    )
    source = "Krizhevsky, arXiv:1404.5997, in the one-tower form of Araujo et al."
    return Architecture("AlexNet", (224, 224), 3, layers, source)


def _vgg16() -> Architecture:
    layers: list[Layer] = []
    for block, (channels, n_convs) in enumerate(
        ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)), start=1
    ):
        layers += [_conv(f"conv{block}_{i}", channels, 3) for i in range(1, n_convs + 1)]
        layers.append(_pool(f"pool{block}"))
    source = "Simonyan & Zisserman, arXiv:1409.1556"
    return Architecture("VGG-16", (224, 224), 3, tuple(layers), source)


def _resnet(name: str, n_blocks: Iterable[int], bottleneck: bool) -> Architecture:
    """Build a residual network; the stride is on the first convolution of a stage's first block."""
    layers: list[Layer | Branches] = [
        _conv("conv1", 64, 7, 2, bias=False),
        _pool("pool1", 3, 2, 1),
    ]
    before = 64
    for stage, count in enumerate(n_blocks, start=2):
        width = 64 * 2 ** (stage - 2)
        after = width * 4 if bottleneck else width
        for block in range(1, count + 1):
            stride = 2 if stage > 2 and block == 1 else 1
            label = f"conv{stage}_{block}"
            kernels = ((1, width), (3, width), (1, after)) if bottleneck else ((3, width),) * 2
            main = tuple(
                _conv(f"{label}.{i}", channels, kernel, stride if i == 1 else 1, bias=False)
                for i, (kernel, channels) in enumerate(kernels, start=1)
            )
            shortcut: Stack = ()
            if stride > 1 or before != after:
                shortcut = (_conv(f"{label}.shortcut", after, 1, stride, bias=False),)
            layers.append(Branches((main, shortcut), "add", label))
            before = after
    source = "He et al., arXiv:1512.03385"
    return Architecture(name, (224, 224), 3, tuple(layers), source)


def _inception() -> Architecture:
    """Build GoogLeNet, whose modules join four branches of different receptive fields."""
    table = {
        "3a": (64, 96, 128, 16, 32, 32), "3b": (128, 128, 192, 32, 96, 64),
        "4a": (192, 96, 208, 16, 48, 64), "4b": (160, 112, 224, 24, 64, 64),
        "4c": (128, 128, 256, 24, 64, 64), "4d": (112, 144, 288, 32, 64, 64),
        "4e": (256, 160, 320, 32, 128, 128), "5a": (256, 160, 320, 32, 128, 128),
        "5b": (384, 192, 384, 48, 128, 128),
    }  # fmt: skip
    layers: list[Layer | Branches] = [
        _conv("conv1", 64, 7, 2),
        _pool("pool1", 3, 2, 1),
        _conv("conv2.reduce", 64, 1),
        _conv("conv2", 192, 3),
        _pool("pool2", 3, 2, 1),
    ]
    for label, (one, reduce3, three, reduce5, five, pooled) in table.items():
        if label in {"4a", "5a"}:
            layers.append(_pool(f"pool{int(label[0]) - 1}", 3, 2, 1))
        paths = (
            (_conv(f"{label}.1x1", one, 1),),
            (_conv(f"{label}.3x3.reduce", reduce3, 1), _conv(f"{label}.3x3", three, 3)),
            (_conv(f"{label}.5x5.reduce", reduce5, 1), _conv(f"{label}.5x5", five, 5)),
            (_pool(f"{label}.pool", 3, 1, 1), _conv(f"{label}.pool.1x1", pooled, 1)),
        )
        layers.append(Branches(paths, "concat", label))
    source = "Szegedy et al., arXiv:1409.4842"
    return Architecture("Inception (GoogLeNet)", (224, 224), 3, tuple(layers), source)


def _mobilenet() -> Architecture:
    layers = [_conv("conv0", 32, 3, 2, padding=AFTER, bias=False)]
    before = 32
    widths = (64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
    for block, after in enumerate(widths, start=1):
        stride = 2 if block in {2, 4, 6, 12} else 1
        padding = AFTER if stride == 2 else 1
        layers += [
            _conv(f"dw{block}", before, 3, stride, padding=padding, groups=before, bias=False),
            _conv(f"pw{block}", after, 1, bias=False),
        ]
        before = after
    return Architecture("MobileNetV1", (224, 224), 3, tuple(layers), "Howard et al., 1704.04861")


def _context() -> Architecture:
    layers = tuple(
        _conv(f"layer{i}", 3, 3, padding=d, dilation=d)
        for i, d in enumerate((1, 1, 2, 4, 8, 16, 1), start=1)
    )
    layers = (*layers, _conv("layer8", 3, 1))
    return Architecture("Dilated context", (128, 128), 3, layers, "Yu & Koltun, arXiv:1511.07122")


def _unet() -> Architecture:
    layers: list[Layer] = []
    for level, channels in enumerate((64, 128, 256, 512, 1024), start=1):
        layers += [_conv(f"conv{level}_{i}", channels, 3, padding=0) for i in (1, 2)]
        if level < 5:
            layers.append(_pool(f"pool{level}"))
    source = "Ronneberger et al., arXiv:1505.04597"
    return Architecture("U-Net encoder", (572, 572), 1, tuple(layers), source)


ARCHITECTURES: Mapping[str, Callable[[], Architecture]] = MappingProxyType(
    {
        "LeNet-5": _lenet,
        "AlexNet": _alexnet,
        "VGG-16": _vgg16,
        "ResNet-18": lambda: _resnet("ResNet-18", (2, 2, 2, 2), bottleneck=False),
        "ResNet-50": lambda: _resnet("ResNet-50", (3, 4, 6, 3), bottleneck=True),
        "Inception (GoogLeNet)": _inception,
        "MobileNetV1": _mobilenet,
        "Dilated context": _context,
        "U-Net encoder": _unet,
    }
)
