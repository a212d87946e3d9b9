"""Messages about types of numbers and about devices: torch writes both in one name."""

import re
from types import MappingProxyType

from rfviz.conv.errors import Remedy
from rfviz.conv.torch_messages.explanations import Rule, Told, number, said, told, word

# A type as torch writes it: torch.cuda.FloatTensor, c10::Half, unsigned char, MPSFloatType.
TYPE = r"([\w.: ]{1,60})"
DEVICES = ("cuda", "mps", "xpu", "hpu", "xla", "npu", "meta", "cpu")
WHOLE = ("uint8", "int8", "int16", "int32", "int64", "bool")
NAMES = MappingProxyType({
    "float": "float32", "float32": "float32", "double": "float64", "float64": "float64",
    "half": "float16", "float16": "float16", "bfloat16": "bfloat16", "byte": "uint8",
    "unsigned char": "uint8", "uint8": "uint8", "char": "int8", "signed char": "int8",
    "int8": "int8", "short": "int16", "int16": "int16", "int": "int32", "int32": "int32",
    "long": "int64", "long int": "int64", "long long": "int64", "int64": "int64",
    "__int64": "int64",
    "bool": "bool", "complexfloat": "complex64", "complexdouble": "complex128",
    "complex64": "complex64", "complex128": "complex128",
})  # fmt: skip
HALVES = ("float16", "bfloat16")
METHODS = MappingProxyType(
    {"float32": "float", "float64": "double", "float16": "half", "bfloat16": "bfloat16"}
)
MOVE_MODEL = "Move the layer to the picture's device with layer.to(picture.device)"
MOVE_PICTURE = (
    "Move the picture to the layer's device with picture = picture.to(layer.weight.device)"
)
GPU = MappingProxyType({"cuda": "a GPU (cuda)", "cpu": "the CPU", "mps": "Apple's GPU (mps)"})


def device_and_type(text: str) -> tuple[str, str]:
    """Return the device and the dtype that a name of torch's means, empty where it says none.

    >>> device_and_type("torch.cuda.HalfTensor"), device_and_type("c10::Half")
    (('cuda', 'float16'), ('', 'float16'))
    """
    plain = text.strip().lower().replace("struct ", "").replace("c10::", "")
    is_tensor = plain.endswith(("tensor", "type"))
    plain = plain.removeprefix("torch.").removesuffix("tensor").removesuffix("type")
    plain = plain.removesuffix("<float>").strip(".")
    device = next((d for d in DEVICES if plain.startswith(d)), "")
    plain = plain.removeprefix(device).strip(".")
    return device or ("cpu" if is_tensor else ""), NAMES.get(plain, plain)


def input_and_weight(match: re.Match[str]) -> Told:
    """Explain an input and weights that differ in their device, their type or both."""
    (device, kind), (other_device, other_kind) = (device_and_type(part) for part in match.groups())
    if device != other_device:
        return devices(device, other_device, (kind, other_kind))
    return types(kind, other_kind)


def devices(device: str, other: str, kinds: tuple[str, str] = ("", "")) -> Told:
    """Explain a picture on one device and weights on another."""
    apart = kinds[0] != kinds[1]
    also = f" Their types differ too: {kinds[0]} and {kinds[1]}." if apart else ""
    remedies = [MOVE_PICTURE, MOVE_MODEL]
    if device != "cpu":
        remedies.reverse()
    return told(
        f"The input is on {GPU.get(device, device)} and the weights are on "
        f"{GPU.get(other, other)}; one operation needs both on one device.{also}",
        {},
        *remedies,
        *([f"Then convert, such as picture.{METHODS[kinds[1]]}()"]
          if apart and kinds[1] in METHODS else []),
    )  # fmt: skip


def types(kind: str, other: str) -> Told:
    """Explain a picture of one type and weights of another."""
    remedies = []
    if other in METHODS:
        convert = f"picture.{METHODS[other]}()"
        remedies.append(f"Convert the picture to the weights' type, such as {convert}")
    if kind in METHODS:
        convert = f"layer.{METHODS[kind]}()"
        remedies.append(f"Convert the layer to the picture's type, such as {convert}")
    if {kind, other} & set(HALVES):
        remedies.append("Run the layer under torch.autocast, which converts both")
    return told(
        f"The input and the layer have different types: {kind} and {other}.",
        {},
        *(remedies or ["Give both one type, with picture.float() and layer.float()"]),
    )


def two_types(match: re.Match[str]) -> Told:
    """Explain two types in one operation, where the message does not say whose they are."""
    first, second = (device_and_type(part)[1] for part in match.groups()[:2])
    whole = [kind for kind in (first, second) if kind in WHOLE]
    remedies = ["Give both one type, with picture.float() and layer.float()"]
    if len(whole) == 1:
        remedies = [f"Convert the tensor of {whole[0]} with .float(), if it is the picture"]
    if "int64" in whole:
        remedies.append("Convert the other with .long(), if it is a target or an index")
    return told(
        f"Two tensors of one operation have different types: {first} and {second}.", {}, *remedies
    )


def scalar_types(match: re.Match[str]) -> Told:
    """Explain an argument of another type or device, in the wording of torch 0.4 to 1.7."""
    first, second = (device_and_type(part) for part in match.groups()[:2])
    if first[0] != second[0]:
        return of_argument(match)
    return two_types(match)


def of_argument(match: re.Match[str]) -> Told:
    """Explain tensors on two devices, where the message names the argument."""
    groups = match.groupdict()
    first, second = groups.get("first") or match.group(1), groups.get("second") or match.group(2)
    argument = groups.get("argument") or ""
    one, two = (_device(part) for part in (first, second))
    named = f", as '{argument}' shows" if argument else ""
    return told(
        f"Tensors of one operation are on {GPU.get(one, one)} and on {GPU.get(two, two)}{named}; "
        "it needs all on one device.",
        {},
        MOVE_PICTURE,
        MOVE_MODEL,
        "Make new tensors of forward() on the input's device, with device=x.device",
    )


def _device(text: str) -> str:
    """Return a device as torch.device writes it, from any of the wordings."""
    plain = text.strip().lower()
    if re.fullmatch(r"(?:cuda|cpu|mps|xpu|meta)(?::\d{1,3})?", plain):
        return plain
    return {"gpu": "cuda"}.get(plain) or device_and_type(text)[0] or plain


def not_implemented(match: re.Match[str]) -> Told:
    """Explain an operation that a type of number does not have."""
    operation, name = match.groups()
    kind = device_and_type(name)[1]
    return told(f"{operation} does not work on numbers of type {name}{_because(kind)}.", {},
                *_for_type(operation, kind))  # fmt: skip


def _because(kind: str) -> str:
    if kind in HALVES:
        return ": this device computes it in float32 only"
    if kind == "uint8":
        return "; a picture of bytes must be converted first"
    return ""


def _for_type(operation: str, kind: str) -> tuple[str | Remedy, ...]:
    if kind in HALVES:
        return (
            "Convert both, the picture with picture.float() and the layer with layer.float()",
            "Compute on a GPU with .to('cuda'), which has half precision",
        )
    if "nll_loss" in operation or kind in ("float32", "float64"):
        return ("Give the target, or the index, as whole numbers with .long()",)
    if kind == "uint8":
        return ("Convert the picture with picture.float() / 255",)
    return ("Convert the numbers with x.float()",)


TYPE_RULES: tuple[Rule, ...] = (
    Rule("types of input and weight",
         rf"Input type \({TYPE}\) and (?:weight|bias) type \({TYPE}\) should be the same",
         input_and_weight),
    Rule("devices, of a layer on Apple's GPU",
         r"input\(device='?(?P<first>[\w:]{1,12})'?\) and (?:weight|bias)\(device='?(?P<second>"
         r"[\w:]{1,12})'?\) {0,3}must be on the same device",
         lambda match: devices(_device(match.group(1)), _device(match.group(2)))),
    Rule("devices",
         r"Expected all tensors to be on the same device, but (?:found at least two devices, )"
         r"(?P<first>[\w:]{1,12})(?: \([^)]{1,40}\))?(?: and |, )(?P<second>[\w:]{1,12})"
         r"(?:.{0,60}argument (?P<argument>\w{1,30}))?",
         of_argument),
    Rule("devices, in newer words",
         r"Expected all tensors to be on the same device, but got (?P<argument>\w{1,30}) is on "
         r"(?P<first>[\w:]{1,12}), different from other tensors on (?P<second>[\w:]{1,12})",
         of_argument),
    Rule("devices, of two arguments",
         r"Expected tensor for argument #\d '\w{1,30}' to have the same device as tensor for "
         r"argument"
         r" #\d '(?P<argument>\w{1,30})'(?:; but device (?P<first>\d{1,3}) does not equal "
         r"(?P<second>"
         r"\d{1,3}))?",
         said("Tensors of one operation, {argument} among them, are on two GPUs, or on a GPU and "
              "the "
              "CPU.", MOVE_PICTURE, MOVE_MODEL)),
    Rule("types of two arguments",
         r"to have the same type as tensor for argument #\d '\w{1,30}'; but type "
         r"([\w.]{1,40}) does not equal ([\w.]{1,40})", input_and_weight),
    Rule("types without names",
         r"(?:input and weight|mat1 and mat2|m1 and m2|self and mat2)(?: must| to) have the same "
         r"dtype"
         r"(?!, but got)",
         said("Two tensors of one operation have different types.",
              "Give both one type, with picture.float() and layer.float()")),
    Rule("devices, oldest",
         r"expected (?P<first>CPU|CUDA) tensor \(got (?P<second>CPU|CUDA) tensor\)", of_argument),
    Rule("types, oldest",
         r"expected (Float|Double|Half|Long|Int|Byte) \(got (Float|Double|Half|Long|Int|Byte)\)",
         two_types),
    Rule("devices, without names", r"[Ee]xpected all tensors to be on the same device",
         said("Tensors of one operation are on two devices.", MOVE_PICTURE, MOVE_MODEL)),
    Rule("devices, of one tensor",
         r"Tensor on device (?P<first>[\w:]{1,12}) is not on the expected device "
         r"(?P<second>[\w:]{1,12})", of_argument),
    Rule("devices, followed without numbers",
         r"Unhandled FakeTensor Device Propagation for [\w.:]{1,60}, found two different devices "
         r"(?P<first>[\w:]{1,12}), (?P<second>[\w:]{1,12})", of_argument),
    Rule("devices, by backend",
         r"Expected object of (?:backend|device type) (?P<first>\w{1,20}) but got "
         r"(?:backend|device "
         r"type) (?P<second>\w{1,20})(?: for (?:argument|sequence element) #?\d{1,3} ?'?"
         r"(?P<argument>\w{0,30}))?", of_argument),
    Rule("devices, by Backend",
         r"[Ee]xpected (?:tensor|object) to have (?P<first>\w{1,20}) Backend, but got tensor with "
         r"(?P<second>\w{1,20}) Backend", of_argument),
    Rule("devices, expected",
         r"expected device (?P<first>[\w:]{1,12})(?: and dtype \w{1,20})? but got device "
         r"(?P<second>[\w:]{1,12})", of_argument),
    Rule("devices, of an argument",
         r"Tensor for (?:argument #\d{1,2} )?'(?P<argument>\w{1,30})' is on "
         r"(?P<first>\w{1,8}),.{0,80}"
         r"expected (?:it|them) to be on (?P<second>\w{1,8})", of_argument),
    Rule("devices, received",
         r"input tensors must be on the same device\. Received (?P<first>[\w:]{1,12}) and "
         r"(?P<second>[\w:]{1,12})", of_argument),
    Rule("devices, of indices",
         r"indices should be either on cpu or on the same device as the indexed tensor",
         said("Indices are on another device than the tensor that they choose from.",
              "Move the indices with index.to(x.device)")),
    Rule("devices, not placed", r"Placeholder storage has not been allocated on MPS device",
         said("The layer is on Apple's GPU (mps) and the input is on the CPU, or the reverse.",
              MOVE_PICTURE, MOVE_MODEL)),
    Rule("devices, by place",
         r"(?:[Ii]nput and (?:weight|parameter|hidden) tensors? (?:is|are) not at the same "
         r"device,? "
         r"|(?:arguments|[Tt]ensors?) are located on different GPUs|module must have its "
         r"parameters "
         r"and buffers on device)",
         said("Tensors of one operation are on two devices.", MOVE_PICTURE, MOVE_MODEL)),
    Rule("types of an argument, older",
         r"Expected object of (?:scalar )?type ([\w.]{1,40}) but (?:got (?:scalar )?type|found "
         r"type) "
         r"([\w.]{1,40})(?: for (?:argument|sequence element) #?\d{1,3} "
         r"?'?(?P<argument>\w{0,30}))?",
         scalar_types),
    Rule("types, older",
         r"(?i:expected) (?:type "
         r")?((?:torch\.[\w.]{1,30}Tensor)|(?:Double|Float|Half|Long|Int|Byte) "
         r"tensor) (?:but got|\(got) ((?:torch\.[\w.]{1,30}Tensor)|(?:Double|Float|Half|Long|Int|"
         r"Byte) tensor)", scalar_types),
    Rule("types of a convolution",
         r"expected scalar type (\w{1,20}) but found (\w{1,20})", two_types),
    Rule("types of a product",
         r"have the same dtype, but got:? ([\w:]{1,20}) (?:and|!=) ([\w:]{1,20})", two_types),
    Rule("types of the attention",
         r"to have the same dtype, but got query\.dtype: ([\w:]{1,20}) key\.dtype: ([\w:]{1,20})",
         two_types),
    Rule("types of a normalisation", r"mixed dtype \(CPU\)|expect(?:ed)? (?:input and "
                                     r")?(?:parameter|"
         r"weight|all inputs) (?:to have|must|to share) (?:scalar type|the same|same) ",
         said("The input and the parameters of the normalisation have different types.",
              "Convert the picture with picture.float(), if the layer is in float32",
              "Convert the layer to the picture's type with layer.to(picture.dtype)")),
    Rule("types of a loss", rf"Found dtype {word('found')} but expected {word('expected')}",
         said("The loss has values of {expected} and a target, or a gradient, of {found}.",
              "Convert the target with target.float(), or target.to(output.dtype)")),
    Rule("type of a result",
         rf"result type {word('given')} can't be cast to the desired output type {word('wanted')}",
         said("A result of {given} cannot be kept in a tensor of {wanted}.",
              "Convert the tensor of {wanted} with .float()")),
    Rule("type of an index",
         r"(?:tensors used as indices must be|Expected tensor for argument #\d "
         r"'(?:indices|index)' to "
         r"have (?:one of the following )?scalar types?:?|Expected dtype int32/int64 for index|"
         r"Expected dtype int64 for index)",
         said("Indices are whole numbers.", "Convert the indices with .long()")),
    Rule("type of a mean",
         r"(?:could not infer output dtype\.|mean\(\): ).{0,90}Got:? (?P<kind>\w{1,20})|Can only "
         r"calculate the mean of floating types",
         said("A mean is no whole number, so the numbers must be floating point.",
              "Convert the numbers with x.float()")),
    Rule("type of numbers, older",
         r"\b(\w{1,60}) (?:is )?not supported on \w{1,20}Type for (\w{1,20})", not_implemented),
    Rule("type of numbers", r"\b(\w{1,60})\"? not implemented for '([\w.:]{1,40})'",
         not_implemented),
    Rule("half precision under autocast",
         r"binary_cross_entropy` and `?torch\.nn\.BCELoss.{0,40}(?:unsafe to autocast)|are "
         r"unsafe to "
         r"autocast",
         said("BCELoss loses too much in half precision.",
              "Use BCEWithLogitsLoss on the output without a sigmoid")),
    Rule("gradients in half precision", r"Attempting to unscale FP16 gradients",
         said("The weights themselves are in half precision, which a gradient scaler cannot use.",
              "Keep the layer in float32 with layer.float(), and run it under torch.autocast")),
    Rule("whole numbers with a gradient",
         r"Only Tensors of floating point(?: and complex)? dtype can require gradients",
         said("Whole numbers have no gradient.", "Convert the numbers with x.float()")),
    Rule("negative of truth", r"Subtraction, the `-` operator, with (?:a|two) bool tensor",
         said("Truth values cannot be subtracted.", "Use ~mask, or mask.float()")),
    Rule("array on a device", r"can't convert (?P<device>[\w:]{1,12}) device type tensor to numpy",
         said("numpy reads the CPU's memory only; the tensor is on {device}.",
              "Copy it with x.detach().cpu().numpy()")),
    Rule("channels last", rf"required rank {number('needed')} tensor to use channels_last",
         said("channels_last is a memory order of {needed} dimensions.",
              "Give (batch, channels, height, width)")),
    Rule("layout", r"unsupported memory format option|Expected (?:a )?(?:dense|strided) (?:tensor|"
         r"layout)|layout Sparse|is not (?:currently )?supported (?:for|on) sparse|from the "
         r"'(?:Sparse|"
         r"Mkldnn|Quantized)\w{1,12}' backend",
         said("A convolution takes dense numbers; this tensor is sparse, quantized or of another "
              "layout.", "Convert it with x.to_dense(), or x.dequantize()")),
    Rule("backend",
         rf"Could not run '{word('operation')}?(?:[\w.:]{{0,60}})' with arguments from the "
         r"'(?P<backend>\w{1,30})' backend",
         said("The operation does not exist for tensors of {backend}.",
              "Move the tensors to the CPU with .cpu()")),
)  # fmt: skip
