"""From what is known of a tensor to a row of the table: its size, its field, and how sure it is."""

from dataclasses import replace

from rfviz.conv.receptive_field.axis_map import AxisField, unit_bounds
from rfviz.conv.receptive_field.stack import Hulls, geometry_of
from rfviz.conv.spec.padding_modes import Pair
from rfviz.conv.trace.calls import Call
from rfviz.conv.trace.followed import Axes, Followed, fitted
from rfviz.conv.trace.hulls import BLANK
from rfviz.conv.trace.table import TracedLayer, projected

# A track is held against the hull of every unit up to so many of them.
MOST_UNITS = 4096


def row_of(known: Followed, name: str, picture: Pair, call: str = "") -> TracedLayer:
    """Return the row of a tensor; one without rows and columns counts as a map of one unit."""
    shown = _laid_out(known)
    dims = shown.axes
    rows, columns = (1 if dim is None else shown.shape[dim] for dim in dims)
    fields = (_field(shown, 0), _field(shown, 1))
    geometry = geometry_of(name, (rows, columns), fields, known.aligned, known.note)
    within = (_within(shown, 0), _within(shown, 1))
    reach = (projected(within[0], picture[0]), projected(within[1], picture[1]))
    own = {"call": call, "within": within, "projective_field": reach}
    geometry = TracedLayer(**{**vars(geometry), **own})
    whole = all(_is_whole(fields[axis], picture[axis]) for axis in (0, 1))
    word, reason = known.standing
    if whole and word == "exact":
        note = _with_whole(known.note)
        return replace(geometry, note=note, standing="whole input", reason=note)
    if word == "exact" and _differs(shown):
        word, reason = "upper bound", "units in the same place read different pixels: all are given"
    return replace(geometry, standing=word, reason=reason)


def shown_axes(known: Followed) -> Axes:
    """Return the dimensions of a tensor's rows and columns, None for what it has none of."""
    return _laid_out(known).axes


def channels_of(call: Call, known: Followed) -> tuple[int | None, int | None]:
    """Return how many channels a call reads and gives, None where there is no such dimension."""
    if call.name == "convolution":
        weight, groups = call.given["weight"], int(call.given["groups"])
        one, other = weight.shape[0], weight.shape[1] * groups
        return (one, other) if call.given["transposed"] else (other, one)
    read = call.inputs[:1]
    return (n_channels(read[0]) if read else None), n_channels(known)


def n_channels(known: Followed) -> int | None:
    """Return the length of the one dimension that is neither batch, rows nor columns, or None."""
    axes = _laid_out(known).axes
    others = [dim for dim in range(1, known.n_dims) if dim not in axes]
    return known.shape[others[0]] if len(others) == 1 else None


def _laid_out(known: Followed) -> Followed:
    return known.mapped() if _is_whole_map(known) else known.labelled()


def _is_whole_map(known: Followed) -> bool:
    """Whether a map has lost its rows and columns because all of it reads the same."""
    return known.labelled().axes == (None, None) and known.n_dims >= 4 and _constant(known)


def _constant(known: Followed) -> bool:
    return all(length == 1 for hull in known.hulls for length in hull.shape[1:])


def _field(known: Followed, axis: int) -> AxisField:
    """The track, unless the hulls say that a unit reads more than it."""
    profile = known.profile(axis)
    field = known.field(axis)
    n = profile.shape[1]
    if known.tracks[axis] is None or n > MOST_UNITS:
        return field
    lows, highs = profile.tolist()
    for unit, (low, high) in enumerate(zip(lows, highs, strict=True)):
        found = unit_bounds(field, unit)
        if low < BLANK and (found is None or found[0] > low or found[1] < -high):
            return fitted(profile)
    return field


def _within(known: Followed, axis: int) -> Hulls:
    """The hull of each unit, which ends at the picture's edges and at those of every map."""
    lows, highs = known.profile(axis).tolist()
    return tuple(
        None if low >= BLANK else (int(low), -int(high))
        for low, high in zip(lows, highs, strict=True)
    )


def _is_whole(field: AxisField, n: int) -> bool:
    """Whether every unit reads all of the axis, wherever it lies."""
    return any(
        not track.jump and bounds is not None and bounds[0] <= 0 and bounds[1] >= n - 1
        for track in field
        for bounds in track.bounds[:1]
    )


def _with_whole(note: str) -> str:
    words = "the whole picture"
    return note if words in note else f"{note}: {words}" if note else f"every unit reads {words}"


def _differs(known: Followed) -> bool:
    """Whether elements that share a place, of several channels or windows, read other pixels."""
    for axis in (0, 1):
        hull, dim = known.hulls[axis], known.axes[axis]
        if any(n > 1 for d, n in enumerate(hull.shape[1:]) if d != dim):
            return not _same_as_track(known, axis)
    return False


def _same_as_track(known: Followed, axis: int) -> bool:
    """Summed over channels, as a convolution reads them, the union is exact."""
    dims = known.axes
    others = {d for d, n in enumerate(known.hulls[axis].shape[1:]) if n > 1 and d != dims[axis]}
    channel = min((d for d in dims if d is not None), default=0) - 1
    return others <= {channel}
