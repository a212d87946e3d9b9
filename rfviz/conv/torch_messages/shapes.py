"""Messages of operations on shapes: joining, adding, viewing, choosing an axis or an index."""

import re

from rfviz.conv.torch_messages.explanations import (
    LIST,
    N,
    Rule,
    Told,
    axis_name,
    integers,
    number,
    said,
    shape,
    sizes,
    told,
)


def branch_sizes(match: re.Match[str]) -> Told:
    """Explain tensors of different sizes that are added, or combined otherwise."""
    first, second, dimension = (int(part) for part in match.groups())
    remedies = {
        0: "Give both the same batch, or a batch of 1",
        1: "Give both branches the same number of filters, as by a convolution of 1 × 1",
    }
    return told(
        f"Two tensors that are added, or combined otherwise, differ in {axis_name(dimension)}: "
        f"{first} and {second}.",
        {"first": first, "second": second, "dimension": dimension},
        remedies.get(
            dimension, "Give both branches the same stride, and padding that keeps the size"
        ),
        f"Give both the same size, or 1, in dimension {dimension}",
    )


def cat_sizes(match: re.Match[str]) -> Told:
    """Explain maps of different sizes that are concatenated, in old and new wording."""
    along, older_first, older_second, older_axis, first, second = match.groups()
    numbers = {
        "first": int(older_first or first),
        "second": int(older_second or second),
        "along": int(along),
    }
    if older_axis:
        numbers["dimension"] = int(older_axis)
    where = f" in {axis_name(numbers['dimension'])}" if older_axis else ""
    batch = "Bring all pictures to one size before they are stacked, as in the dataset"
    return told(
        f"Maps that are concatenated along dimension {along} must agree in every other one: they "
        f"differ{where}, {numbers['first']} and {numbers['second']}.",
        numbers,
        "Give both branches the same stride and padding, or crop or pad the larger one",
        *([batch] if along == "0" else []),
    )


def stack_sizes(match: re.Match[str]) -> Told:
    """Explain tensors of different shapes that are stacked, as a loader does with a batch."""
    first, second = integers(match.group(1)), integers(match.group(3))
    apart = [i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b]
    remedies = ["Bring all pictures to one size first, as with Resize((height, width))"]
    if len(first) == 3 and {first[0], second[0]} <= {1, 3, 4} and 0 in apart:
        remedies.insert(0, "Bring all pictures to the same channels first, as image.convert('RGB')")
    return told(
        f"A batch needs tensors of one shape: {match.group(2)} has {shape(first)}, "
        f"{match.group(4)} {shape(second)}"
        + (f"; they differ in dimension {' and '.join(map(str, apart))}." if apart else "."),
        {"dimensions that differ": len(apart)},
        *remedies,
    )


def view_entries(match: re.Match[str]) -> Told:
    """Explain a view that cannot hold the entries of a tensor."""
    wanted, entries = integers(match.group(1)), int(match.group(2))
    known = 1
    for length in wanted:
        known *= length if length != -1 else 1
    left = "" if -1 not in wanted or not known else f": {entries} is no multiple of {known}"
    return told(
        f"A view of shape {shape(wanted)} cannot hold the {entries} entries of the tensor{left}.",
        {"entries": entries, "wanted": known},
        "Check the picture's size, or flatten with torch.flatten(x, 1)",
    )


def axis_range(match: re.Match[str]) -> Told:
    """Explain an axis that a tensor does not have."""
    least, most, got = map(int, match.groups())
    return told(
        f"The axis {got} does not exist: of a tensor of this many dimensions the axes are {least} "
        f"to {most}.",
        {"axis": got, "least": least, "most": most},
        f"Name an axis from {least} to {most}",
        "Add a missing batch or channel dimension with unsqueeze(0)",
    )


def expanded(match: re.Match[str]) -> Told:
    """Explain a tensor that cannot be repeated to a size."""
    wanted, existing, dimension = (int(part) for part in match.groups()[:3])
    target, given = match.groups()[3:]
    shapes = f" Wanted {shape(target)}, given {shape(given)}." if target else ""
    is_turned = target and integers(given)[-1:] + integers(given)[:-1] == integers(target)
    return told(
        f"Only a dimension of 1 can be repeated: dimension {dimension} has {existing}, not "
        f"{wanted}.{shapes}",
        {"wanted": wanted, "existing": existing, "dimension": dimension},
        *(["Put the channels first with picture.permute(2, 0, 1)"] if is_turned else []),
        f"Give a tensor that has 1 or {wanted} in dimension {dimension}",
        f"Ask for {existing}, or -1, in dimension {dimension}",
    )


FLATTEN = "Flatten with torch.flatten(x, 1)"

SHAPE_RULES: tuple[Rule, ...] = (
    Rule("concatenated maps",
         rf"Sizes of tensors must match except in dimension (\d{{1,3}})\.? (?:Got {N} and {N}"
         rf"(?: in dimension (\d{{1,3}}))?|Expected (?:size )?{N}(?: in dimension \d{{1,3}})? but "
         rf"got (?:size )?{N} for tensor)", cat_sizes),
    Rule("concatenated dimensions",
         rf"Tensors must have same number of dimensions: got {number('first')} and "
         rf"{number('second')}",
         said("Tensors that are concatenated need the same number of dimensions, got {first} and "
              "{second}.", "Add the missing dimension with unsqueeze(0), or flatten the extra "
                           "one")),
    Rule("nothing to join",
         r"expected a non-empty list of Tensors|expects a non-empty TensorList|need at least one "
         r"(?:tensor|array) to (?:concatenate|stack)",
         said("There is nothing to join: the list of tensors is empty.",
              "Check why no map was collected, and give at least one")),
    Rule("nothing but numbers to join",
         r"zero-dimensional tensor \(at position (?P<position>\d{1,9})\) cannot be concatenated",
         said("A tensor of one number has no axis to join along.",
              "Join with torch.stack, which makes the axis")),
    Rule("stacked shapes",
         rf"stack expects each tensor to be equal size, but got {LIST} at (entry \d{{1,9}}) and "
         rf"{LIST} at (entry \d{{1,9}})", stack_sizes),
    Rule("batch of other sizes",
         r"each element in list of batch should be of equal size|Trying to resize storage that is "
         r"not resizable",
         said("The loader cannot make one batch of tensors of different shapes.",
              "Bring all pictures to one size first, as with Resize((height, width))",
              "Give the loader a collate_fn that returns a list")),
    Rule("batch of other things",
         r"default_collate: batch must contain tensors.{0,80}found <class '(?P<kind>[\w.]{1,60})'>",
         said("The loader makes batches of tensors, arrays and numbers, but the dataset gives "
              "{kind}.",
              "Return tensors from the dataset, as by torchvision's ToTensor")),
    Rule("added maps", rf"size of tensor a \({N}\) must match the size of tensor b \({N}\) at "
         rf"non-singleton dimension {N}", branch_sizes),
    Rule("broadcast shape",
         rf"output with shape {sizes('output')} doesn't match the broadcast shape {sizes('shape')}",
         said("A result in place keeps the shape {output}, but the two together have {shape}.",
              "Write x = x + y in place of x += y")),
    Rule("broadcast shapes",
         r"(?:shape mismatch: (?:objects|indexing tensors) could not be broadcast|Shape mismatch: "
         r"objects cannot be broadcast)",
         said("Two shapes do not agree: from the last dimension on, they must be equal or 1.",
              "Give both the same size, or 1, in each dimension")),
    Rule("view", rf"shape '{LIST}' is invalid for input of size {N}", view_entries),
    Rule("view, older",
         rf"size '{LIST}' is invalid for input with {N} elements",
         view_entries),
    Rule("view of a permuted tensor",
         r"view size is not compatible with input tensor's size and stride|input is not contiguous"
         r"|view\(\) can only be called on contiguous|tensor is not contiguous|contiguous at "
         r"/.{0,60}TH",
         said("The entries do not lie in the order of the view, as after permute or transpose.",
              "Use x.reshape(...) in place of x.view(...)",
              "Call x.contiguous() before the view")),
    Rule("two unknown sizes", r"only one dimension can be inferred",
         said("Only one size may be -1, since torch computes it from the others.",
              "Give all sizes but one")),
    Rule("ambiguous size", r"cannot reshape tensor of 0 elements into shape",
         said("An empty tensor leaves the size -1 undetermined: a map before has become empty.",
              "Use a larger picture, or leave out a pooling layer or a stride")),
    Rule("number of axes",
         r"input\.dim\(\) = (?P<dimensions>\d{1,3}) is not equal to len\(dims\) = "
         r"(?P<named>\d{1,3})",
         said("The tensor has {dimensions} dimensions and the order names {named}.",
              "Name each of the {dimensions} dimensions once",
              "Without a batch, permute(2, 0, 1) brings the channels to the front")),
    Rule("number of axes, older", r"number of dims don't match in permute",
         said("permute names another number of dimensions than the tensor has.",
              "Name each dimension once",
              "Without a batch, permute(2, 0, 1) brings the channels to the front")),
    Rule("repeated axis", r"(?:duplicate|repeated) dims? (?:are|is) not allowed|"
         r"repeated dim in permute|dim \d{1,3} appears multiple times in the list of dims",
         said("One axis is named twice.", "Name each dimension once")),
    Rule("transpose of pictures",
         r"t\(\) expects a (?:2D )?tensor(?: with <= 2 dimensions)?, but self is "
         r"(?P<dimensions>\d{1,3})D",
         said("t() exchanges rows and columns of a matrix; this tensor has {dimensions} "
              "dimensions.", "Use x.transpose(-2, -1)")),
    Rule("axis that does not exist",
         rf"[Dd]imension out of range \(expected to be in range of \[{N}, {N}\], but got {N}\)",
         axis_range),
    Rule("order of flattening", r"flatten\(\) has invalid args: start_dim cannot come after "
                                r"end_dim",
         said("flatten goes from an earlier axis to a later one.", FLATTEN)),
    Rule("unflattened sizes",
         rf"Provided sizes {sizes('wanted')} don't multiply up to the size of dim "
         rf"{number('dimension')} \({number('size')}\)",
         said("The sizes {wanted} do not multiply to {size}, the size of dimension {dimension}.",
              "Give sizes whose product is {size}, or -1 for one of them")),
    Rule("repeated size",
         rf"expanded size of the tensor \({N}\) must match the existing size \({N}\) at "
         rf"non-singleton dimension {N}(?:\. {{1,4}}Target sizes: {LIST}\. {{1,4}}Tensor sizes: "
         rf"{LIST})?", expanded),
    Rule("repeated dimensions",
         r"the number of sizes provided \((?P<wanted>\d{1,3})\) must be greater or equal to the "
         r"number of dimensions in the tensor \((?P<dimensions>\d{1,3})\)",
         said("A tensor of {dimensions} dimensions cannot be repeated to {wanted}.",
              "Give {dimensions} sizes, -1 for those that stay")),
    Rule("number of pieces", rf"chunk expects `chunks` to be greater than 0, got: "
                             rf"{number('given')}",
         said("A tensor is cut in at least one piece, got {given}.", "Ask for at least 1 piece")),
    Rule("sizes of pieces",
         r"split_sizes to sum exactly to (?P<size>\d{1,18}) \(input tensor's size at dimension "
         rf"(?P<dimension>-?\d{{1,3}})\), but got split_sizes={sizes('pieces')}",
         said("The pieces {pieces} do not sum to {size}, the size of dimension {dimension}.",
              "Give sizes that sum to {size}")),
    Rule("cut outside",
         rf"start \({number('start')}\) \+ length \({number('length')}\) exceeds dimension size "
         rf"\({number('size')}\)",
         said("A cut from {start} of {length} goes past the size {size}.",
              "Cut within {size}, or pad the map first")),
    Rule("index outside",
         rf"index {number('index')} is out of bounds for dimension {number('dimension')} with size "
         rf"{number('size')}",
         said("Index {index} does not exist in dimension {dimension}, which has {size}; counting "
              "begins at 0.", "Use an index below {size}")),
    Rule("index outside, chosen",
         rf"index {number('index')} out of range for tensor of size {sizes('given')} at dimension "
         rf"{number('dimension')}",
         said("Index {index} does not exist in dimension {dimension} of a tensor of shape {given}; "
              "counting begins at 0.", "Use an index below the size of that dimension")),
    Rule("too many indices",
         r"too many indices for tensor of dimension (?P<dimensions>\d{1,3})",
         said("The tensor has {dimensions} dimensions and is given more indices.",
              "Give at most {dimensions} indices", "Add a missing dimension with unsqueeze(0)")),
    Rule("mask of other shape",
         rf"shape of the mask {sizes('mask')} at index {number('dimension')} does not match the "
         rf"shape of the indexed tensor {sizes('given')} at index \d{{1,3}}",
         said("A mask of shape {mask} does not fit a tensor of shape {given} at dimension "
              "{dimension}.", "Make the mask from the tensor that it selects from")),
    Rule("row outside of a table",
         r"index out of range in self|index out of range: Tried to access index|INDICES element is "
         r"out of DATA bounds, id=(?P<index>-?\d{1,18}) "
         r"axis_dim=(?P<size>\d{1,18})|indexSelectLarge"
         r"Index.{0,80}Assertion",
         said("An index is larger than the table that it chooses from, or negative.",
              "Use indices from 0 to the size less 1", "Give the table, as num_embeddings, more "
              "rows")),
    Rule("indices to gather",
         rf"Size does not match at dimension {number('dimension')} expected index "
         rf"{sizes('index')} to be (?:no larger|smaller) than self {sizes('given')}",
         said("The index of shape {index} is larger than the tensor of shape {given} in dimension "
              "{dimension}.", "Give an index that is no larger in the other dimensions")),
    Rule("number of elements for one value",
         rf"a Tensor with {number('entries')} elements cannot be converted to Scalar|only one "
         r"element tensors can be converted to Python scalars",
         said("Only a tensor of one value gives a number; this one has more.",
              "Take one value, or a sum or mean, before item()")),
    Rule("truth of a tensor",
         r"[Bb]oolean value of Tensor with (?:more than one|no) values? is ambiguous|bool value of "
         r"Tensor with more than one value is ambiguous",
         said("A tensor of many values is neither true nor false, as where a tensor stands where "
              "a loss takes its settings, or in an if.",
              "Ask x.any(), x.all() or x is None",
              "Make the loss first and call it then: nn.CrossEntropyLoss()(output, target)")),
    Rule("rows of other lengths",
         rf"expected sequence of length {number('expected')} at dim {number('dimension')} \(got "
         rf"{number('given')}\)",
         said("Lists of different lengths make no tensor: dimension {dimension} has {expected} and "
              "{given}.", "Give lists of one length, or pad them")),
    Rule("index of a number",
         r"invalid index of a 0-dim tensor|(?:slice\(\) cannot be applied|iteration over) (?:to "
         r")?a "
         r"0-(?:dim|d) tensor|len\(\) of a 0-d tensor",
         said("A tensor of one number has no axes.", "Take its value with x.item()")),
    Rule("index that is no number", r"only integer tensors of a single element can be converted",
         said("A list or slice takes one whole number, not a tensor of many.",
              "Choose from a tensor with x[index], and from a list with index.item()")),
    Rule("dimensions of an index", r"Index tensor must have the same number of dimensions as",
         said("gather and scatter take an index of as many dimensions as the tensor.",
              "Add the missing dimension to the index with unsqueeze")),
    Rule("number of indices",
         rf"Number of indices \({number('indices')}\) should be equal to source\.size\(dim\): "
         rf"\({number('size')}\)",
         said("There are {indices} indices for {size} entries.", "Give one index for each entry")),
    Rule("array",
         r"expected np\.ndarray \(got (?P<kind>[\w.]{1,40})\)|can't convert np\.ndarray of type "
         r"(?P<type>[\w.]{1,40})",
         said("torch takes numpy arrays of floating point numbers, of whole numbers that it has, "
              "and of truth values; this is none of them.",
              "Convert it first: torch.from_numpy(np.asarray(x, dtype='float32'))")),
    Rule("picture for torchvision",
         r"(?:pic|img) should be (?:PIL Image|Tensor)[\w ,]{0,60}\. ?[Gg]ot <class '(?P<kind>[\w.]"
         r"{1,60})'>|Unexpected type <class '(?P<type>[\w.]{1,60})'>",
         said("This transform takes pictures, and was given something else: a tensor is no longer "
              "one.",
              "Put ToTensor behind the transforms of pictures, and only once")),
    Rule("negative strides",
         r"strides? in the given numpy array (?:is|are) negative|tensors with negative strides are "
         r"not currently supported",
         said("The array is read backwards, as after array[::-1] or a flip, which torch does not "
              "take.", "Copy it first: torch.from_numpy(array.copy())")),
    Rule("windows of another size",
         r"vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
         rf"{sizes('given')}",
         said("vmap goes along dimensions of one length, got {given}.",
              "Give tensors of one length in the mapped dimension")),
)  # fmt: skip
