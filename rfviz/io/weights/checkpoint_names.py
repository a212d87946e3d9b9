"""Names for the tensors of a checkpoint: the model's own for the model, the full path for others.

Where exactly one part of a checkpoint is the model, such as "state_dict" or "model", its tensors
come first and are called what the state dict calls them. Where there are several, or a short name
would be another tensor's, every tensor is called by its full path.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

_MODEL = (
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "params",
    "net",
    "network",
    "module",
    "weights",
    "net_state_dict",
    "network_state_dict",
    "model_weights",
    "state_dict_model",
)
_AVERAGES = (
    "ema_state_dict",
    "params_ema",
    "model_ema",
    "ema_model",
    "state_dict_ema",
    "ema",
    "shadow",
    "swa_model",
)
_TRAINING = ("optim", "sched", "lr_sched", "scaler", "amp", "rng", "loss", "grad")
_PARALLEL = "module."  # in front of every name that DataParallel gives

Path = tuple[str, ...]


class Order(NamedTuple):
    """(number of a path, name) in the order in which they are offered, and which are the model."""

    names: list[tuple[int, str]]
    model: frozenset[int]


def model_part(paths: Sequence[Path]) -> Path:
    """Return the keys that lead to the one part that is the model; () where none or several do.

    An exponential average is taken for the model where there is nothing else.

    >>> model_part([("epoch",), ("state_dict", "conv.weight"), ("optimizer", "state", "0")])
    ('state_dict',)
    >>> model_part([("generator", "model", "a"), ("discriminator", "model", "a")])
    ()
    """
    for keys in (_MODEL, _AVERAGES):
        around = {path[:-1] for path in paths}
        starts = {start for each in around if (start := _start(each, keys))}
        if len(starts) == 1:
            (start,) = starts
            inside = [path[len(start) :] for path in paths if path[: len(start)] == start]
            return start + model_part(inside)
        if starts:
            return ()
    return ()


def names_of(paths: Sequence[Path], scalars: frozenset[int]) -> Order:
    """Name each path, the model's first; `scalars` are single numbers.

    >>> names_of([("best",), ("model", "module.weight")], frozenset({0})).names
    [(1, 'weight'), (0, 'best')]
    """
    part = model_part(paths)
    inside = [index for index, path in enumerate(paths) if path[: len(part)] == part]
    short = dict(zip(inside, _short([paths[index][len(part) :] for index in inside]), strict=True))
    full = {index: ".".join(path) for index, path in enumerate(paths)}
    names = full | short
    if len(set(names.values())) < len(set(full.values())):
        names = full
    around = {path[:-1] for path in paths}
    of_models = any(_start(each, _MODEL + _AVERAGES) for each in around)
    rank_in = {each: _rank(each) for each in around}
    ranks = [rank_in[path[:-1]] for path in paths]
    for index in range(len(paths)):
        if part and index in short:
            ranks[index] = (0, 0)
        elif of_models and index in scalars and ranks[index][0] == 1:
            ranks[index] = (4, 0)
    best = min(ranks, default=(0, 0))[0]
    order = sorted(range(len(paths)), key=lambda index: ranks[index])
    model = frozenset(index for index in order if ranks[index][0] == best)
    return Order([(index, names[index]) for index in order], model)


def _start(path: Path, keys: Sequence[str]) -> Path:
    """The keys around a tensor up to the first that names a model."""
    for length, key in enumerate(path, start=1):
        if _of_training(key) or (key in _AVERAGES and keys is _MODEL):
            return ()
        if key in keys:
            return path[:length]
    return ()


def _rank(path: Path) -> tuple[int, int]:
    """Where tensors in these keys come: of models, others, of averages, of the training."""
    start = _start(path, _MODEL)
    if start:
        return (0, _MODEL.index(start[-1]))
    if any(map(_of_training, path)):
        return (3, 0)
    return (2, 0) if any(key in _AVERAGES for key in path) else (1, 0)


@lru_cache(maxsize=4_096)
def _of_training(key: str) -> bool:
    return key.lower().startswith(_TRAINING)


def _short(paths: Sequence[Path]) -> list[str]:
    names = [".".join(path) for path in paths]
    if names and all(name.startswith(_PARALLEL) for name in names):
        return [name.removeprefix(_PARALLEL) for name in names]
    return names
