"""Which order of axes a stored weight has, by all that its file says: every reason is told.

The shape alone does not decide: (16, 8, 2, 2) is a convolution of 16 filters and a transposed one
of 8. The length of the bias, the normalisation after it, the layers around it and its name do.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from rfviz.io.weights.layouts import LAYOUTS, Layout, Shape, fits

_FOUR = tuple(layout for layout in LAYOUTS.values() if layout.dimensions == 4)
_TRANSPOSED = re.compile(
    r"deconv|transpose|conv_?t\d*$|^t_?conv|trans_?conv|conv_?trans", re.IGNORECASE
)
_UP = re.compile(r"^up|up$|_up", re.IGNORECASE)
_DEPTHWISE = re.compile(r"depthwise|^dw|dw$|_dw", re.IGNORECASE)
# So much more must speak for another layout than for torch's own; and more where the shape alone
# speaks, of a tensor by itself: a kernel of 3 × 5 of torch's is no rarity.
_MARGIN, _MARGIN_OF_SHAPE = 2, 4
# The last axes of torch's own are rarely as long and of two lengths.
_SHORT = 6


class Seen(NamedTuple):
    """A tensor of four axes in its file: lengths of its bias and of the normalisation after it."""

    name: str
    shape: Shape
    bias: int | None
    norm: int | None


class Decision(NamedTuple):
    """The layout and groups of a tensor, the reasons, and other layouts that are as likely."""

    layout: Layout
    groups: int
    reasons: tuple[str, ...]
    others: tuple[Layout, ...]


class _Scored(NamedTuple):
    layout: Layout
    groups: int
    score: int
    reasons: tuple[str, ...]


def decided(seen: Sequence[Seen], families: frozenset[str] = frozenset()) -> list[Decision]:
    """Decide the layout of every tensor of a file, in order; `families` are those its names tell.

    >>> one = decided([Seen("up.weight", (16, 8, 2, 2), 8, None)])[0]
    >>> one.layout.name, one.reasons
    ('IOHW', ('its name', 'the bias of 8'))
    """
    alone = [_scores(each, families) for each in seen]
    first = [_best(scores, each.shape) for scores, each in zip(alone, seen, strict=True)]
    own = [_vote(scores) for scores in alone]
    votes = Counter(own)
    # One answer for each of the few libraries, not one for each of many thousand tensors.
    families_of_others = {each: _family(votes, each) for each in votes}
    # By neighbours alone no layer is transposed: branches and shortcuts break the chain as well.
    some_transposed = any(best.layout.transposed for best in first)
    found = []
    for index, scores in enumerate(alone):
        before = first[index - 1] if index else None
        after = index + 1 < len(seen)
        linked = [
            scored
            if scored.layout.transposed and not some_transposed
            else _linked(
                scored, seen[index].shape,
                None if before is None else _filters(before, seen[index - 1].shape),
                (first[index + 1], seen[index + 1].shape) if after else None,
            )
            for scored in scores
        ]  # fmt: skip
        found.append(
            _decision(
                [_of_family(scored, families_of_others[own[index]]) for scored in linked],
                seen[index].shape,
            )
        )
    return found


def groups_in(layout: Layout, shape: Shape, filters: int | None) -> int:
    """Groups of a transposed layer whose filters are known, of which the shape has out / groups.

    >>> groups_in(LAYOUTS["IOHW"], (16, 4, 2, 2), 8)
    2
    """
    if layout.name != "IOHW" or filters is None or not shape[1] or filters % shape[1]:
        return 1
    groups = filters // shape[1]
    return groups if groups and shape[0] % groups == 0 else 1


def _scores(seen: Seen, families: frozenset[str]) -> list[_Scored]:
    found, name = [], _ends(seen.name)
    for layout in _FOUR:
        groups = groups_in(layout, seen.shape, seen.bias or seen.norm)
        if fits(layout, seen.shape, groups):
            height = layout.sizes(seen.shape, groups)[2]
            named = _by_name(layout, name, height)
            found.append(_score(layout, groups, seen, families, named))
    return _without_misfits(found, seen)


def _score(
    layout: Layout, groups: int, seen: Seen, families: frozenset[str], named: int
) -> _Scored:
    _, _, height, width = layout.sizes(seen.shape, groups)
    score = _kernel(height, width) + named + _rarity(layout, groups)
    score += 2 * (layout.family in families)
    # A single large kernel is as likely as a 1 × 1 convolution of Keras.
    if layout.name == "OIHW" and seen.shape[:2] == (1, 1) and height == width:
        score += 3
    reasons = ["its name"] if named > 1 else []
    if layout.family in families:
        reasons.append(f"names as {layout.family} gives them")
    return _Scored(layout, groups, score, tuple(reasons))


def _without_misfits(scores: list[_Scored], seen: Seen) -> list[_Scored]:
    """Weigh the lengths of the bias and the normalisation, where they fit any layout at all."""
    for length, what, weight in ((seen.bias, "bias", 4), (seen.norm, "normalisation", 3)):
        matches = [length == _filters(scored, seen.shape) for scored in scores]
        if any(matches):
            told = f"the {what} of {length}"
            scores = [
                scored._replace(score=scored.score + weight, reasons=(*scored.reasons, told))
                if match
                else scored._replace(score=scored.score - weight)
                for scored, match in zip(scores, matches, strict=True)
            ]
    return scores


def _filters(scored: _Scored, shape: Shape) -> int:
    return scored.layout.sizes(shape, scored.groups)[0]


def _kernel(height: int, width: int) -> int:
    """How usual a kernel of that size is."""
    largest = max(height, width)
    if largest > 64:
        return -4
    if height == width:
        return 3 if largest <= 7 else 2 if largest <= 31 else -2
    odd = height % 2 and width % 2
    return 1 if odd and largest <= 15 else -1 if largest <= 15 else -2


class _Ends(NamedTuple):
    """The module and the parameter of a tensor's name, and whether it is a name by itself."""

    module: str
    parameter: str
    alone: bool


def _ends(name: str) -> _Ends:
    segments = [part for part in re.split(r"[./:]", name.removesuffix(":0")) if part]
    last = segments[-1] if segments else ""
    several = len(segments) > 1
    return _Ends(segments[-2] if several else last, last, not several and not name.endswith(":0"))


def _by_name(layout: Layout, name: _Ends, height: int) -> int:
    module, last, alone = name
    score = 0
    if layout.family == "TensorFlow":
        # By itself, anybody's kernel is called so.
        score += 2 * (last.endswith("kernel") and not alone)
    if layout.family == "torch":
        score += last.endswith("weight")
    if layout.name in {"HWIM", "1HWO"}:
        score += 4 * bool(_DEPTHWISE.search(module) or _DEPTHWISE.search(last))
    if layout.transposed:
        even = height % 2 == 0
        says = _TRANSPOSED.search(module) or (even and _UP.search(module))
        score += 3 * bool(says)
    return score


def _rarity(layout: Layout, groups: int) -> int:
    if layout.name in {"HWIM", "1HWO"}:
        return -1
    return -2 if layout.name == "HWOI" or (layout.name == "IOHW" and groups > 1) else 0


def _reads(layout: Layout, shape: Shape, groups: int, channels: int) -> bool:
    """Whether a layer reads a map of so many channels."""
    filters, reads, _, _ = layout.sizes(shape, groups)
    if layout.name in {"HWIM", "1HWO"}:
        return channels == (shape[2] if layout.name == "HWIM" else filters)
    if layout.name == "IOHW":
        return channels == shape[0]
    return channels == reads or (reads == 1 and channels == filters)


def _linked(
    scored: _Scored, shape: Shape, before: int | None, after: tuple[_Scored, Shape] | None
) -> _Scored:
    """Weigh whether this reads what the layer before gives, and gives what the next one reads."""
    links = []
    if before is not None and _reads(scored.layout, shape, scored.groups, before):
        links.append(f"the layer before it gives {before} channels")
    if after is not None:
        following, its_shape = after
        gives = _filters(scored, shape)
        if _reads(following.layout, its_shape, following.groups, gives):
            links.append(f"the next layer reads {gives} channels")
    return scored._replace(score=scored.score + 2 * len(links), reasons=(*scored.reasons, *links))


def _is_worth_a_word(scored: _Scored, shape: Shape) -> bool:
    """Whether another layout may be meant, more than any shape could be of a rarer layer."""
    if scored.reasons:
        return True
    if scored.layout.transposed or scored.layout.name == "1HWO":
        return False
    return scored.layout.name != "HWIM" or shape[3] == 1


def _vote(scores: list[_Scored]) -> str | None:
    """The library whose layout a tensor clearly has."""
    tops: dict[str, int] = {}
    for scored in scores:
        family = scored.layout.family
        tops[family] = max(tops.get(family, scored.score), scored.score)
    first, second, *_ = [*sorted(tops, key=lambda family: -tops[family]), "", ""]
    return first if second and tops[first] - tops[second] >= _MARGIN else None


def _family(votes: Counter[str | None], own: str | None) -> str | None:
    """The library whose layout most other tensors clearly have."""
    others = votes - Counter([own])
    del others[None]
    first, second, *_ = [*others.most_common(2), (None, 0), (None, 0)]
    return first[0] if first[1] > second[1] else None


def _of_family(scored: _Scored, family: str | None) -> _Scored:
    if scored.layout.family != family:
        return scored
    reason = f"other layers in the file are {family}'s"
    return scored._replace(score=scored.score + 2, reasons=(*scored.reasons, reason))


def _best(scores: list[_Scored], shape: Shape) -> _Scored:
    """The likeliest; torch's own where no other is likelier by far."""
    best = max(scores, key=lambda scored: scored.score)
    by_shape = not best.reasons
    if by_shape and max(shape[-2:]) < _SHORT:
        return scores[0]
    # A torch kernel of 4 × 7 is as rare as a map of 7 channels in TFLite's order.
    margin = _MARGIN_OF_SHAPE + (best.layout.name == "OHWI") if by_shape else _MARGIN
    return best if best.score - scores[0].score >= margin else scores[0]


def _decision(scores: list[_Scored], shape: Shape) -> Decision:
    best = _best(scores, shape)
    others = tuple(
        scored.layout for scored in scores
        if scored.layout != best.layout and scored.score > best.score - _MARGIN
        and _is_worth_a_word(scored, shape)
    )  # fmt: skip
    return Decision(best.layout, best.groups, best.reasons, others)
