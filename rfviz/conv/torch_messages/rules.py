"""The messages of torch that are recognised: a name, a pattern and an explanation each.

Collected by provoking torch on the CPU and on the meta device. Patterns have no nested repetition,
and every repetition has a bound.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from rfviz.conv.errors import Remedy
from rfviz.conv.torch_messages.explanations import (
    Told,
    bias,
    branch_sizes,
    cat_sizes,
    channels,
    conv_transposed_size,
    counted,
    dimensions,
    divisible,
    fold_columns,
    fold_rows,
    half_padding,
    half_padding_each,
    kernel_too_large,
    kinds,
    matmul,
    not_implemented,
    output_padding,
    pool_size,
    positive,
    reflect,
    said,
    unfold_size,
)

N = r"(-?\d{1,18})"
LIST = r"[\[(]([-\d, x]{0,120})[\])]"
WORD = r"([\w.]{1,60})"


class Rule(NamedTuple):
    """A name, the pattern of a message, and the explanation of a match."""

    name: str
    pattern: str
    explain: Callable[[re.Match[str]], Told]


FLATTEN = "Check the picture's size, or flatten with torch.flatten(x, 1)"

# The order matters where one pattern would also match the text of a more special one.
RULES: tuple[Rule, ...] = (
    Rule("kernel larger than picture",
         rf"padded input size per channel: \({N} x {N}\)\. Kernel size: \({N} x {N}\)",
         kernel_too_large),
    Rule("channels of the input",
         rf"Given (?:groups|transposed)=\d{{1,9}}, weight of size {LIST}, expected input ?{LIST} "
         rf"to have {N} channels, but got {N} channels",
         channels),
    Rule("transposed output too small",
         rf"input size per channel: {LIST}\. Calculated output size per channel: {LIST}\. Output",
         conv_transposed_size),
    Rule("pooled output too small",
         rf"Given input size: {LIST}\. Calculated output size: {LIST}\. Output size is too small",
         pool_size),
    Rule("unfold output too small",
         rf"input with spatial size {LIST}, kernel_size={LIST},.{{0,200}} sliding blocks "
         rf"(?:as|is) {LIST}",
         unfold_size),
    Rule("pooling padding",
         rf"pad should be at most half of effective kernel size, but got pad={N}, kernel_size={N}",
         half_padding),
    Rule("pooling padding of each axis",
         rf"half of kernel size, but got padW = {N}, padH = {N}, kW = {N}, kH = {N}",
         half_padding_each),
    Rule("output padding",
         rf"output_padding_height: {N} output_padding_width: {N} stride_height: {N} stride_width: "
         rf"{N} dilation_height: {N} dilation_width: {N}",
         output_padding),
    Rule("negative output padding", r"negative output_padding", positive("output_padding", 0)),
    Rule("same padding with a stride", r"padding='same' is not supported for strided convolutions",
         said("Padding 'same' keeps the size, which a stride above 1 does not; torch refuses "
               "the two together.",
               Remedy("Set stride to 1", {"stride": 1}),
               "Give the padding as a number: half of the kernel for an odd kernel")),
    Rule("padding name", r"Invalid padding string '?([^',]{0,60})",
         counted("'{0}' is no name of a padding; torch knows 'valid' and 'same'.",
                  "Use 'valid', 'same' or a number")),
    Rule("padding mode", r"padding_mode must be one of .{0,120}padding_mode='([^']{0,60})'",
         counted("'{0}' is no padding mode; torch knows zeros, reflect, replicate and circular.",
                  "Use one of the four")),
    Rule("padding mode of a transposed layer", r'Only "zeros" padding mode is supported',
         said("A transposed convolution pads with zeros only.",
               Remedy("Set padding mode to zeros", {"padding_mode": "zeros"}))),
    Rule("reflection padding",
         rf"less than the corresponding input dimension, but got: padding {LIST} at dimension {N} "
         rf"of input (?:torch\.Size\()?{LIST}",
         reflect),
    Rule("circular padding", r"Padding value causes wrapping around more than once",
         said("Circular padding takes its pixels from the picture once around, so it can be no "
               "larger than the picture.",
               "Pad by at most the picture's size",
               Remedy("Set padding mode to zeros", {"padding_mode": "zeros"}))),
    Rule("negative padding",
         r"negative padding is not supported|[Pp]ad(?:ding)? (?:must|should) be (?:non-negative|"
         rf"greater than zero)(?:, but got [\w:]{{0,20}} ?{N})?",
         positive("padding", 0)),
    Rule("stride", rf"non-positive stride is not supported|stride should not be zero|stride should "
         rf"be greater than zero(?:, but got \w{{0,20}}:? ?\[?{N})?",
         positive("stride", 1)),
    Rule("dilation", rf"dilation should be greater than zero(?:, but got \w{{0,20}}:? ?\[?{N})?",
         positive("dilation", 1)),
    Rule("kernel size",
         rf"kernel[ _]size should be greater than zero(?:, but got \w{{0,20}}:? ?\[?{N})?",
         positive("kernel_size", 1)),
    Rule("dimensions of the input",
         r"(?:Expected 3D|Expected 2D or 3D|non-empty 3D).{0,160} but got:? ?"
         r"(?:input of size: |torch\.Size\()?" + LIST,
         dimensions),
    Rule("empty or wrong input", r"non-empty 3D or 4D \(batch mode\) tensor expected for input",
         said("A pooling layer takes (channels, height, width) or (batch, channels, height, "
               "width), none of them empty.",
               "Add the missing dimension with unsqueeze(0), or flatten the extra one")),
    Rule("bias shape",
         rf"Given weight of size {LIST}, expected bias to be 1-dimensional with {N} elements, but "
         rf"got bias of size {LIST}",
         bias),
    Rule("number of strides",
         r"expected (\w{1,20}) to be a single integer value or a list of (\d{1,3}) values to match",
         counted("The {0} must be one number or {1} of them, one for each axis of the kernel.",
                  "Give one number or {1} of them")),
    Rule("kernel of two numbers",
         r"(\w{1,40}): kernel_size must either be a single int, or a tuple of two ints",
         counted("{0} takes one number or (height, width) as its kernel.",
                  "Give the kernel as one number or as (height, width)")),
    Rule("unfold takes two numbers",
         r"expected kernel_size equals to 2, but got size (\d{1,3})|only 2D kernel supported",
         said("unfold takes its kernel as one number or as (height, width).",
               "Give the kernel as (height, width)")),
    Rule("groups divide channels", r"(in_channels|out_channels) must be divisible by groups",
         divisible),
    Rule("groups", r"groups must be a positive integer|expected groups to be greater than 0",
         positive("groups", 1)),
    Rule("types of input and weight",
         rf"Input type \({WORD}\) and (?:weight|bias) type \({WORD}\) should be the same",
         kinds),
    Rule("types of a convolution", rf"expected scalar type {WORD} but found {WORD}", kinds),
    Rule("types of a product", r"have the same dtype, but got:? (\w{1,20}) (?:and|!=) (\w{1,20})",
         kinds),
    Rule("type of numbers", r"\"?(\w{1,60})\"? not implemented for '([\w.]{1,40})'",
         not_implemented),
    Rule("fold columns",
         rf"number of sliding blocks .{{0,60}} = {N}, but got input\.size\(\d\)={N}",
         fold_columns),
    Rule("fold rows",
         rf"divisible by the product of kernel_size, but got input\.\w{{1,10}}[\[(]-?\d[\])] ?= ?"
         rf"{N} and kernel_size={LIST}",
         fold_rows),
    Rule("requested output size",
         rf"requested an output size of {LIST}, but valid sizes range from {LIST} to {LIST}",
         counted("A transposed layer cannot give ({0}); output_padding reaches from ({1}) to "
                  "({2}).",
                  "Ask for a size from ({1}) to ({2})")),
    Rule("matrix product", rf"cannot be multiplied \({N}x{N} and {N}x{N}\)", matmul),
    Rule("concatenated maps", rf"Sizes of tensors must match.{{0,60}} Expected (?:size )?{N}"
         rf"(?: in dimension \d{{1,3}})? but got (?:size )?{N} for tensor", cat_sizes),
    Rule("added maps", rf"size of tensor a \({N}\) must match the size of tensor b \({N}\) at "
         rf"non-singleton dimension {N}", branch_sizes),
    Rule("view", rf"shape '{LIST}' is invalid for input of size {N}",
         counted("A view of shape ({0}) cannot hold the {1} entries of the map.", FLATTEN)),
    Rule("batch normalisation", rf"running_mean should contain {N} elements not {N}",
         counted("The map has {0} channels, but the batch normalisation was built for {1}.",
                  "Set num_features to {0}")),
    Rule("one value per channel", r"Expected more than 1 value per channel when training",
         said("Batch normalisation in training needs more than one value of each channel: here "
               "the map is 1 × 1 and the batch is one picture.",
               "Use a larger picture or batch, or call module.eval()")),
    Rule("padding of a transposed layer",
         r"conv_transpose2d\(\): argument 'padding' .{0,60} but found element of type str",
         said("A transposed convolution takes its padding as numbers, not as 'same' or 'valid'.",
               "Give the padding as one number or (height, width)")),
)  # fmt: skip
