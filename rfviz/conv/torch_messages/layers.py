"""Messages of linear layers and products, of normalisation, of losses and of other layers."""

import re

from rfviz.conv.torch_messages.explanations import (
    LIST,
    N,
    Rule,
    Told,
    integers,
    number,
    said,
    shape,
    sizes,
    told,
    word,
)


def product(match: re.Match[str]) -> Told:
    """Explain a product whose inner sizes differ, as behind a flattened map."""
    rows, inner, expected, columns = map(int, match.groups())
    flat = rows * inner == expected
    return told(
        f"A product of {rows} × {inner} and {expected} × {columns} needs {inner} = {expected}: the "
        f"flattened map has {inner} entries, and the linear layer expects {expected}.",
        {"entries": inner, "expected": expected},
        *(["Flatten the map before the linear layer, with torch.flatten(x, 1)"] if flat or (
            inner and expected % inner == 0 and rows % (expected // inner) == 0) else []),
        f"Set in_features of the linear layer to {inner}",
        "Check the picture's size, or pool to a fixed size before flattening",
    )  # fmt: skip


def batched(match: re.Match[str]) -> Told:
    """Explain batched products whose batch or inner sizes differ."""
    expected, got = (integers(part) for part in match.groups())
    which = "batch" if expected[:1] != got[:1] else "inner size"
    return told(
        f"In a batched product, the second must have {shape(expected)} as its batch and rows, got "
        f"{shape(got)}: the {which} differs.",
        {"expected rows": expected[-1], "rows": got[-1]} if expected and got else {},
        "Exchange the last two axes with y.transpose(1, 2), if rows and columns are exchanged",
        "Give both the same batch, and as many rows to the second as the first has columns",
    )


def normalised(match: re.Match[str]) -> Told:
    """Explain a layer normalisation over other axes than the input's last."""
    wanted, given = integers(match.group(1)), integers(match.group(2))
    last = given[-len(wanted) :] if wanted else given
    remedies = [f"Set normalized_shape to {shape(last)}"]
    if len(wanted) == 1 and len(given) == 4 and given[1] == wanted[0]:
        remedies.insert(0, "Put the channels last, with x.permute(0, 2, 3, 1), or use "
                        f"nn.GroupNorm(1, {wanted[0]})")  # fmt: skip
    return told(
        f"The layer normalises over {shape(wanted)}, the last axes of its input, but the input "
        f"of shape {shape(given)} ends with {shape(last)}.",
        {"normalised axes": len(wanted)},
        *remedies,
    )


def target_class(match: re.Match[str]) -> Told:
    """Explain a class number that the output has no channel for."""
    target = int(match.group(1))
    if target < 0:
        return told(
            f"The target holds the class {target}; classes are counted from 0.",
            {"class": target},
            f"Leave such positions out with ignore_index={target}",
            "Give class numbers from 0 on",
        )
    return told(
        f"The target holds the class {target}, which the output has no channel for; classes are "
        "counted from 0.",
        {"class": target, "least channels": target + 1},
        f"Give the last layer at least {target + 1} outputs",
        "Give class numbers from 0 to the number of outputs less 1",
    )


def loss_sizes(match: re.Match[str]) -> Told:
    """Explain a target whose shape is not that of the output."""
    target, output = integers(match.group(1)), integers(match.group(2))
    remedies = []
    if output == [*target, 1] or (len(output) == len(target) + 1 and 1 in output):
        remedies.append(f"Add the missing axis with target.unsqueeze({_missing(output, target)})")
    elif target == [*output, 1]:
        remedies.append("Take off the last axis with target.squeeze(-1)")
    return told(
        f"This loss compares value by value: the output has the shape {shape(output)}, the target "
        f"{shape(target)}.",
        {"output dimensions": len(output), "target dimensions": len(target)},
        *remedies,
        f"Give a target of shape {shape(output)}",
    )


def _missing(output: list[int], target: list[int]) -> int:
    """Return where an axis of 1 makes the target's shape that of the output, -1 if nowhere."""
    places = [i for i in range(len(output)) if output[i] == 1
              and output[:i] + output[i + 1 :] == target]  # fmt: skip
    return places[0] if places else -1


def class_sizes(match: re.Match[str]) -> Told:
    """Explain a map of classes whose size is not that of the output."""
    output, target = integers(match.group(1)), integers(match.group(2))
    wanted = [*output[:1], *output[2:]]
    return told(
        f"An output of shape {shape(output)} needs a target of {shape(wanted)}, one class for each "
        f"position, got {shape(target)}.",
        {"output dimensions": len(output), "target dimensions": len(target)},
        f"Give a target of shape {shape(wanted)}",
        "Resize the output to the target's size with F.interpolate(output, size=target.shape[-2:])",
    )


LONG = "Give the target as class numbers with target.long()"

LAYER_RULES: tuple[Rule, ...] = (
    Rule("matrix product",
         rf"(?:cannot be multiplied \(|size mismatch, m1: \[|must have same reduction dim, but got "
         rf"\[){N} ?[x,] ?{N}\]?(?: and |, m2: \[| X \[){N} ?[x,] ?{N}[\])]", product),
    Rule("matrix product, without sizes", r"mat1 dim 1 must match mat2 dim 0",
         said("In a product of matrices, the columns of the first must be as many as the rows of "
              "the second: the flattened map has another number of entries than in_features.",
              "Set in_features of the linear layer to x.shape[1], which print(x.shape) shows",
              "Check the picture's size, or pool to a fixed size before flattening")),
    Rule("matrix and vector",
         r"size mismatch, (?:got (?:input|\d{1,9}, \d{1,9}x)[^,]{0,30},? ?)?(?:mat \()?"
         r"(?P<rows>\d{1,9})x(?P<columns>\d{1,9})\)?, ?(?:vec \()?(?P<length>\d{1,9})\)?",
         said("A matrix of {rows} × {columns} takes a vector of {columns}, got {length}.",
              "Give a vector of {columns}", "Exchange rows and columns of the matrix with .T")),
    Rule("two vectors",
         r"inconsistent tensor size, expected tensor \[[\dx ]{1,60}\] and src \[[\dx ]{1,60}\] "
         r"to have the same "
         rf"number of elements, but got {number('first')} and {number('second')}",
         said("The two tensors must have as many entries, got {first} and "
              "{second}.", "Give two of one length")),
    Rule("product of other dimensions",
         r"(?P<which>self|mat1|mat2|batch1|batch2|input) must be a (?P<kind>matrix|3D tensor)",
         said("mm takes matrices and bmm tensors of 3 dimensions; {which} is no {kind}.",
              "Use torch.matmul, which takes both")),
    Rule("batched product",
         rf"first two dimensions of batch2 tensor to be: {LIST} but got: {LIST}", batched),
    Rule("product of other dimensions, older",
         r"(?:1D tensors|matrices|vector and vector|matrix and matrix|3D tensors) expected, got "
         r"(?P<first>\d)D(?:, (?P<second>\d)D)?",
         said("This product takes other dimensions, got {first}.",
              "Use torch.matmul, which takes all", "Flatten the map with torch.flatten(x, 1)")),
    Rule("sum over an index",
         rf"subscript (?P<name>\w) has size {number('size')} for operand \d which does not "
         rf"broadcast with previously seen size {number('seen')}",
         said("The index {name} of einsum runs over {seen} in one operand and {size} in another.",
              "Name these axes differently, or give both the same size")),
    Rule("indices of a sum",
         r"number of subscripts in the equation \((?P<named>\d{1,3})\) does not match the number "
         r"of "
         rf"dimensions \({number('dimensions')}\) for operand {number('operand')}",
         said("einsum names {named} axes for operand {operand}, which has {dimensions}.",
              "Name {dimensions} axes, or write ... for the rest")),
    Rule("contracted axes",
         rf"contracted dimensions need to match, but first has size {number('first')} in dim -?\d "
         rf"and second has size {number('second')}",
         said("The axes that are summed have {first} and {second} entries.",
              "Name axes of one length in dims")),
    Rule("bilinear",
         rf"size does not match weight size: got {number('given')} but expected "
         rf"{number('expected')}",
         said("The layer takes {expected} features, got {given}.",
              "Give {expected} features, or make the layer for {given}")),
    Rule("batch normalisation",
         r"(?P<what>running_mean|running_var|weight|bias) should contain "
         rf"{number('channels')} elements not {number('features')}",
         said("The map has {channels} channels, but the batch normalisation was built for "
              "{features}.", "Set num_features to {channels}")),
    Rule("instance normalisation",
         rf"expected input's size at dim=\d to match num_features \({number('features')}\), but "
         rf"got: {number('channels')}",
         said("The map has {channels} channels, but the normalisation was built for {features}.",
              "Set num_features to {channels}")),
    Rule("dimensions of a normalisation",
         rf"[Ee]xpected (?P<wanted>\dD(?: or \dD)?) input \(got {number('dimensions')}D? ?input\)",
         said("This layer takes {wanted} inputs, got {dimensions} dimensions; for pictures it is "
              "BatchNorm2d, with (batch, channels, height, width).",
              "Add a missing batch dimension with x.unsqueeze(0)",
              "Use BatchNorm1d for 2 or 3 dimensions, BatchNorm2d for 4 and BatchNorm3d for 5")),
    Rule("one value per channel",
         rf"Expected more than 1 value per channel when training(?:, got input size "
         rf"{sizes('input')})?",
         said("Batch normalisation in training needs more than one value of each channel: here "
              "the map is 1 × 1 and the batch is one picture.",
              "Use a larger picture or batch, or call module.eval()",
              "Leave out the last incomplete batch with DataLoader(..., drop_last=True)")),
    Rule("one value per map",
         rf"Expected more than 1 spatial element when training, got input size {sizes('input')}",
         said("Instance normalisation needs more than one pixel: the input has the shape {input}.",
              "Use a larger picture, or leave out a pooling layer or a stride")),
    Rule("statistics", r"running_(?:mean|var) must be defined in evaluation mode",
         said("Evaluation needs the stored means and variances, which are missing.",
              "Give running_mean and running_var, or training=True")),
    Rule("groups of a normalisation",
         rf"num_channels \({number('channels')}\) must be divisible by num_groups "
         rf"\({number('groups')}\)",
         said("{groups} groups do not divide {channels} channels evenly.",
              "Choose num_groups that divides {channels}")),
    Rule("channels and groups of a normalisation",
         r"number of channels in input to be divisible by num_groups, but got input of shape "
         rf"{sizes('input')} and num_groups={number('groups')}",
         said("{groups} groups do not divide the channels of an input of shape {input} evenly.",
              "Choose num_groups that divides the channels")),
    Rule("channels of a normalisation",
         r"to be a vector of size equal to the number of channels in input, but got weight of "
         r"shape "
         rf"{sizes('weight')} and input of shape {sizes('input')}",
         said("The normalisation was built for {weight} channels, the input has the shape {input}.",
              "Set num_channels to the input's channels")),
    Rule("layer normalisation",
         rf"Given normalized_shape={LIST}, expected input with shape \[\*, ?[\d, ]{{1,60}}\], but "
         rf"got input of size ?{LIST}", normalised),
    Rule("dimensions of a layer",
         r"Expected (?:at least )?(?P<wanted>\d(?: to \d)?|\dD or higher) dimension[\w ]{0,60}"
         r"[^0-9]{0,20}(?:received|got) (?P<dimensions>\d{1,2})",
         said("This layer takes {wanted} dimensions, got {dimensions}.",
              "Add the missing dimension with unsqueeze(0)")),
    Rule("target's batch",
         rf"Expected input batch_size \({number('batch')}\) to match target batch_size "
         rf"\({number('targets')}\)",
         said("The output has {batch} rows and the target {targets}: a view or a flatten has mixed "
              "batch and channels, or the target is of another batch.",
              "Keep the batch with torch.flatten(x, 1) in place of view(-1, ...)",
              "Give one target for each picture")),
    Rule("target of classes and positions",
         rf"size mismatch \(got input: {LIST} ?, target: {LIST}", class_sizes),
    Rule("target's size",
         r"Expected target size [(\[]?(?P<wanted>[\d, ]{1,60})[)\]]?, got (?:torch\.Size\()?[(\[]?"
         r"(?P<given>[\d, ]{1,60})",
         said("The output needs a target of size ({wanted}), without the channels, got ({given}).",
              "Give a target of size ({wanted})",
              "Put the classes second in the output, as x.permute(0, 2, 1) of (batch, length, "
              "classes)")),
    Rule("target of pictures",
         r"only batches of spatial targets supported \((?:non-empty )?3D tensors\) but got targets "
         r"of dimension: (?P<dimensions>\d)",
         said("An output for each pixel needs a target of 3 dimensions, (batch, height, width), "
              "got {dimensions}.",
              "Give the class of each pixel, without channels: target.squeeze(1), or "
              "target.argmax(1)")),
    Rule("target of pictures, of size",
         r"only batches of spatial targets supported \((?:non-empty )?3D tensors\) but got targets "
         rf"of size: {{0,2}}:? {{0,2}}{sizes('target')}",
         said("An output for each pixel needs a target of 3 dimensions, (batch, height, width), "
              "got {target}.",
              "Give the class of each pixel, without channels: target.squeeze(1), or "
              "target.argmax(1)")),
    Rule("target of several classes",
         r"(?:0D or )?1D target tensor expected, multi-target not supported|multi-target not "
         r"supported",
         said("The target holds one class number for each picture, not a row of numbers.",
              "Give one class for each picture with target.squeeze(1), or target.argmax(1)",
              "Use BCEWithLogitsLoss, if a picture may have several classes")),
    Rule("class out of range", rf"Target {N} is out of bounds", target_class),
    Rule("class out of range, on the GPU",
         r"Assertion [`'\"]?\(?(?:cur_target|t) >= 0 && (?:cur_target|t) < n_classes|ClassNLL"
         r"Criterion.{0,120}[Aa]ssert",
         said("The target holds a class that the output has no channel for; classes are counted "
              "from 0.", "Give the last layer one output for each class",
              "Give class numbers from 0 to the number of outputs less 1, others by ignore_index")),
    Rule("class out of range, named",
         r"Class values must be (?:smaller than num_classes|non-negative)",
         said("A class number is not below the number of classes; they are counted from 0.",
              "Give num_classes of at least the largest class plus 1")),
    Rule("weights of classes",
         rf"weight tensor should be defined either for all {number('classes')} classes or no "
         rf"classes but got weight tensor of shape: {sizes('weight')}",
         said("The loss has {classes} classes and its weights the shape {weight}.",
              "Give {classes} weights, one for each class")),
    Rule("target of one row", r"For 1D input, 1D target must have size 1, but got target size: "
         rf"{number('targets')}",
         said("An output of one dimension is one picture, but there are {targets} targets.",
              "Give the output as (batch, classes)")),
    Rule("type of the target",
         rf"expected target dtype to be Long or Byte, but got {word('kind')}",
         said("Class numbers are whole numbers of 64 bits, got {kind}.", LONG)),
    Rule("type of the target, older",
         r"Expected object of (?:scalar )?type (?:Long|torch\.(?:cuda\.)?LongTensor) but (?:got "
         r"(?:scalar )?type|found type) (?P<kind>[\w.]{1,40}) for argument #\d '?target",
         said("Class numbers are whole numbers of 64 bits, got {kind}.", LONG)),
    Rule("target's shape",
         rf"Using a target size \({LIST}\)\)? that is different to the input size \({LIST}",
         loss_sizes),
    Rule("target's shape, of logits",
         rf"Target size \({LIST}\)\)? must be the same as input size \({LIST}", loss_sizes),
    Rule("target's entries",
         rf"Target and input must have the same number of elements\. target nelement "
         rf"\({number('target')}\) != input nelement \({number('output')}\)",
         said("This loss compares value by value: the output has {output} values, the target "
              "{target}.", "Give a target of the output's shape")),
    Rule("values of a probability",
         r"all elements of (?P<what>input|target) should be between 0 and 1|Assertion "
         r"[`']?\(?input_"
         r"val >= (?:zero|0)|input value should be between 0~1",
         said("This loss takes probabilities from 0 to 1.",
              "Use BCEWithLogitsLoss on the output without a sigmoid",
              "Put a sigmoid behind the last layer")),
    Rule("parameters per channel",
         rf"Found parameter numbers = {number('parameters')} and channel size = "
         rf"{number('channels')}",
         said("The layer has {parameters} slopes and the map {channels} channels.",
              "Set num_parameters to {channels}, or 1")),
    Rule("heads", r"embed_dim must be divisible by num_heads",
         said("The heads must divide the embedding evenly.",
              "Choose num_heads that divides embed_dim")),
    Rule("embedding",
         rf"was expecting embedding dimension of {number('expected')}, but got {number('given')}",
         said("The attention takes {expected} features, got {given}.",
              "Give {expected} features in the last dimension, or make the layer for {given}")),
    Rule("features of a recurrent layer",
         rf"input\.size\(-1\) must be equal to input_size\. Expected {number('expected')}, got "
         rf"{number('given')}",
         said("The recurrent layer takes {expected} features, got {given}.",
              "Set input_size to {given}",
              "Put the features of a map last: x.flatten(1, 2).transpose(1, 2)")),
    Rule("features of a recurrent layer, older",
         rf"input has inconsistent input_size: got {number('given')},? expected "
         rf"{number('expected')}",
         said("The recurrent layer takes {expected} features, got {given}.",
              "Set input_size to {given}")),
    Rule("dimensions, in short",
         r"[Ee]xpected (?:the )?(?:input|tensor) to be (?P<wanted>\dD(?: or \dD)?),? (?:but )?got "
         r"(?:a )?(?P<given>\d)-?D?",
         said("This layer takes {wanted} inputs, got {given} dimensions.",
              "Add the missing dimension with unsqueeze(0)")),
    Rule("dimensions of a recurrent layer",
         rf"(?P<layer>LSTM|GRU|RNN): Expected input to be 2D or 3D, got {number('dimensions')}D",
         said("{layer} takes (length, features) or (batch, length, features), got {dimensions} "
              "dimensions.",
              "Join the axes of a map, as x.flatten(1, 2).transpose(1, 2)")),
    Rule("half of the channels",
         rf"Halving dimension must be even, but dimension {number('dimension')} is size "
         rf"{number('size')}",
         said("Dimension {dimension} is split in two equal parts, but has {size}.",
              "Give an even number of channels")),
    Rule("columns of two",
         r"must have the same number of columns\. X1: (?P<first>\d{1,9}) X2: (?P<second>\d{1,9})",
         said("Distances need points of as many coordinates, got {first} and {second}.",
              "Give both the same last dimension")),
    Rule("square matrices",
         rf"must be batches of square matrices, but they are {number('rows')} by "
         rf"{number('columns')}",
         said("The operation takes square matrices, got {rows} × {columns}.",
              "Use torch.linalg.pinv or lstsq for others")),
)  # fmt: skip
