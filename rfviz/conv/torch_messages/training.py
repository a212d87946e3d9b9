"""Messages of gradients, of weights that are loaded, of memory and of GPU libraries."""

import re

from rfviz.conv.torch_messages.explanations import (
    LIST,
    Rule,
    Told,
    number,
    said,
    shape,
    sizes,
    told,
)

TOLD_SHAPES = 8
MISMATCH = (
    rf"size mismatch for ([\w.]{{1,200}}): copying a param(?:eter)? (?:of|with shape) {LIST}\)? "
)
MISMATCH += (
    rf"from checkpoint, (?:the shape is|where the shape is|the shape in current model is) {LIST}"
)


def state_dict(match: re.Match[str]) -> Told:
    """Explain weights of a file that are not those of the model: missing, unexpected, other "
    "size."""
    text = match.string
    missing, unexpected = (
        _keys(re.search(rf"{kind} key\(s\) in state_dict: (.{{1,20000}})", text))
        for kind in ("Missing", "Unexpected")
    )
    apart = re.findall(MISMATCH, text)
    parts = [
        f"{len(names)} {words}"
        for names, words in (
            (missing, "of the model's names not in the file"),
            (unexpected, "of the file's names not in the model"),
            (apart, "of another shape"),
        )
        if names
    ]
    shown = "; ".join(f"{name}: {shape(a)} in the file, {shape(b)} in the model"
                      for name, a, b in apart[:TOLD_SHAPES])  # fmt: skip
    return told(
        f"The weights of the file are not those of the model: {', '.join(parts)}."
        + (f" {shown}." if shown else ""),
        {"missing": len(missing), "unexpected": len(unexpected), "other shape": len(apart)},
        *_loading_remedies(missing, unexpected, apart),
    )


def _keys(match: re.Match[str] | None) -> list[str]:
    return re.findall(r"\"([^\"]{1,300})\"", match.group(1)) if match else []


def _loading_remedies(
    missing: list[str], unexpected: list[str], apart: list[tuple[str, str, str]]
) -> list[str]:
    remedies = []
    prefix = _prefix(missing, unexpected)
    if prefix.endswith("+"):
        prefix = prefix[:-1]
        remedies.append(f"Take '{prefix}' off the file's names: name.removeprefix('{prefix}')")
    elif prefix:
        remedies.append(f"Put '{prefix}' before the file's names: '{prefix}' + name")
    if {"state_dict", "model", "model_state_dict", "model_state"} & set(unexpected):
        remedies.insert(0, "Load the part of the file that holds the weights, such as "
                        "file['state_dict']")  # fmt: skip
    if any(name.endswith("num_batches_tracked") for name in [*missing, *unexpected]):
        remedies.append("num_batches_tracked alone does no harm: load with strict=False")
    if apart:
        remedies.append("Make the model with the sizes of the file, as its number of classes")
        remedies.append("Leave these tensors out of the file and train them anew")
    if not remedies:
        remedies.append("Make the model that the file was saved from")
    return remedies


def _prefix(missing: list[str], unexpected: list[str]) -> str:
    """Return what stands before the model's names, or with a + what stands before the file's."""
    if not missing or not unexpected:
        return ""
    ours, theirs = set(missing), set(unexpected)
    for longer, shorter, mark in ((unexpected, ours, "+"), (missing, theirs, "")):
        name = longer[0]
        for i in range(name.count(".")):
            start = ".".join(name.split(".")[: i + 1]) + "."
            if name.removeprefix(start) in shorter:
                return start + mark
    return ""


def in_place(match: re.Match[str]) -> Told:
    """Explain a tensor that was changed after it was stored for the gradient."""
    found = re.search(
        rf"\[([\w.]{{1,40}}) {LIST}\](?:, which is output \d{{1,3}} of (\w{{1,60}}),)?",
        match.string,
    )
    version = re.search(r"is at version (\d{1,9}); expected version (\d{1,9})", match.string)
    which = f" of shape {shape(found.group(2))}" if found and found.group(2) else ""
    made = (
        f", made by {found.group(3).removesuffix('Backward0')}," if found and found.group(3) else ""
    )
    times = int(version.group(1)) - int(version.group(2)) if version else 0
    return told(
        f"A tensor{which}{made} was changed in place after it was stored for the gradient"
        + (f", {times} time{'s' * (times != 1)}." if times > 0 else "."),
        {"changes": times} if times > 0 else {},
        "Write x = x + y in place of x += y, and ReLU(inplace=False)",
        "Change a copy, x.clone()",
        "Call backward before the optimizer's step changes the weights",
    )


def memory(match: re.Match[str]) -> Told:
    """Explain memory that is not enough, with the amount that was asked for."""
    text = match.string
    amount = re.search(
        r"(?:[Tt]ried to allocate|tried to allocate) ([\d.]{1,20}) ?(bytes|[KMGT]i?B)", text
    )
    asked = f": {amount.group(1)} {amount.group(2)} were asked for" if amount else ""
    is_cpu = "CPU" in text or "alloc_cpu" in text
    return told(
        f"The memory of {'the computer' if is_cpu else 'the GPU'} is not enough{asked}.",
        {"bytes": int(amount.group(1))} if amount and amount.group(2) == "bytes"
        and amount.group(1).isdigit() else {},
        "Use a smaller batch or smaller pictures",
        "Compute without gradients, in torch.no_grad(), if nothing is trained",
        *([] if is_cpu else ["Run under torch.autocast, which halves the maps"]),
    )  # fmt: skip


CPU_FIRST = "Run the same once on the CPU, where torch names the sizes"

TRAINING_RULES: tuple[Rule, ...] = (
    Rule("weights of a file",
         r"(?:Missing|Unexpected) key\(s\) in state_dict|size mismatch for [\w.]{1,200}: copying a "
         r"param", state_dict),
    Rule("weights of a file, without names", r"Error\(s\) in loading state_dict for "
         r"(?P<model>\w{1,60})",
         said("The weights of the file are not those of {model}; the lines below the message name "
              "them.",
              "Paste the lines that follow too", "Make the model that the file was saved from")),
    Rule("weight of a file that is none",
         r'While copying the parameter named "?(?P<name>[^",]{1,200})"?,',
         said("The entry {name} of the file is not a tensor of the weight's size.",
              "Load the part of the file that holds the weights, such as file['state_dict']")),
    Rule("names of a file",
         r"Expected state_dict to be dict-like, got <class "
         r"'(?P<kind>[\w.]{1,60})'>|'(?P<model>\w{1,60}"
         r")' object has no attribute 'copy'",
         said("Weights are loaded from a dictionary of tensors, not from another object.",
              "Give model.load_state_dict(other.state_dict())")),
    Rule("second backward", r"[Tt]rying to backward through the graph a second time",
         said("backward() was called twice on one computation, whose values were freed after the "
              "first.",
              "Compute the output anew before each backward(), or detach() what is kept",
              "Call backward(retain_graph=True) the first time, if both are meant")),
    Rule("changed in place",
         r"needed for gradient computation has been modified by an inplace operation", in_place),
    Rule("weight changed in place",
         r"leaf [Vv]ariable that requires grad (?:is being used in an|has been used in an) "
         r"in-place|"
         r"leaf variable has been moved into the graph interior",
         said("A weight that has a gradient cannot be changed in place.",
              "Change it in torch.no_grad()", "Change a copy, x.clone()")),
    Rule("view changed in place",
         r"Output \d{1,3} of \w{1,60} is a view and (?:is being|its base or another view)",
         said("A view, as unbind, split or chunk give it, cannot be changed in place.",
              "Change a copy, x.clone()")),
    Rule("gradient switched within a computation",
         r"you can only change requires_grad flags of leaf variables",
         said("Only weights and inputs have a switch for gradients, not what is computed of them.",
              "Take it out of the computation with x.detach()")),
    Rule("no tensor for the gradient",
         r"Expected a proper Tensor but got None|an undefined Tensor in C\+\+",
         said("A tensor is missing where one is needed, as a gradient that was never computed.",
              "Call backward() before the gradient is read")),
    Rule("no gradient",
         r"element \d{1,9} of (?:tensors|variables) does not require grad and does not have a "
         r"grad_fn",
         said("Nothing that the loss depends on has a gradient: it was computed in no_grad(), "
              "detached, or of whole numbers.",
              "Compute the output outside of torch.no_grad(), and without detach() or item()",
              "Let the weights, or the picture, have a gradient with x.requires_grad_()")),
    Rule("gradient of many values", r"grad can be implicitly created only for scalar outputs",
         said("A gradient belongs to one number; the output has many.",
              "Call backward() on a sum or mean, as loss.mean().backward()",
              "Give the weights of the outputs with backward(torch.ones_like(y))")),
    Rule("shape of a gradient",
         rf"Mismatch in shape: grad_output\[\d{{1,3}}\] has a shape of {sizes('gradient')} and "
         rf"output\[\d{{1,3}}\] has a shape of {sizes('output')}",
         said("The gradient given has the shape {gradient}, the output {output}.",
              "Give a gradient of the output's shape")),
    Rule("unused in the gradient",
         r"appears to not have been used in the graph",
         said("The output does not depend on one of the tensors.",
              "Give allow_unused=True, which answers None for it",
              "Check that forward() uses the tensor")),
    Rule("shape of a stored gradient",
         r"Function (?P<name>\w{1,60}) returned an invalid gradient at index \d{1,3} - "
         rf"got {sizes('given')} but expected shape compatible with {sizes('expected')}",
         said("The gradient of {name} has the shape {given}, its input {expected}.",
              "Return gradients of the inputs' shapes", "Run forward and backward on one device")),
    Rule("array with a gradient", r"Can't call numpy\(\) on (?:Tensor|Variable) that requires grad",
         said("numpy does not follow gradients.", "Copy it with x.detach().cpu().numpy()")),
    Rule("copy with a gradient", r"Only Tensors created explicitly by the user.{0,40}support the "
         r"deepcopy",
         said("A tensor within a computation cannot be copied whole.", "Copy it with "
              "x.detach().clone()")),
    Rule("inference tensors", r"[Ii]nference tensors? (?:cannot be|do not|outside InferenceMode)",
         said("A tensor that was made in inference_mode() can be neither trained nor changed.",
              "Use torch.no_grad() in place of torch.inference_mode()", "Use a copy, x.clone()")),
    Rule("double backward",
         r"[Tt]rying to differentiate twice a function that was marked with @once_differentiable|"
         r"derivative for (?:'?aten::)?[\w.:]{1,60}'? is not implemented|is not (?:currently )?"
         r"differentiable twice",
         said("The second gradient of this operation does not exist in torch.",
              "Use an operation that has it, as average in place of maximum pooling")),
    Rule("outputs per process",
         r"Expected to have finished reduction in the prior iteration",
         said("On several GPUs, some weights had no part in the loss.",
              "Give find_unused_parameters=True to DistributedDataParallel")),
    Rule("empty optimizer", r"optimizer got an empty parameter list",
         said("The model has no weights, as where its layers stand in a list.",
              "Keep layers in nn.ModuleList in place of a list")),
    Rule("out of memory",
         r"(?:CUDA|MPS|HIP|XPU|cuda)[\w ]{0,20}(?:error: )?(?:backend )?out of memory|DefaultCPU"
         r"Allocator: (?:can't|not enough) |CUDNN_STATUS_ALLOC_FAILED|CUBLAS_STATUS_ALLOC_FAILED|"
         r"OutOfMemoryError|cuda runtime error \(2\)", memory),
    Rule("size beyond any memory",
         r"Storage size calculation overflowed(?: with sizes=\[(?P<wanted>[\d, ]{1,80})\])?|"
         r"numel: integer multiplication overflow",
         said("A tensor of this size has more bytes than can be counted.",
              "Check the sizes that it is made with")),
    Rule("cuDNN: not supported",
         r"CUDNN_STATUS_NOT_SUPPORTED|cudnn.{0,60}non-contiguous input|(?:GET|FIND) was unable "
         r"to find an "
         r"engine to execute this computation|[Uu]nable to find a valid cuDNN algorithm",
         said("cuDNN has no way to compute this convolution: the input is not contiguous, too "
              "large, of a type that the GPU lacks, or memory is short.",
              "Call x.contiguous() before the layer", "Use a smaller batch or smaller pictures",
              "Compute without cuDNN: torch.backends.cudnn.enabled = False")),
    Rule("cuDNN: version",
         r"cuDNN version incompatibility|CUDA driver version is insufficient|forward compatibility "
         r"was attempted|Cannot initialize CUDA without",
         said("The GPU's driver and libraries do not fit this torch.",
              "Install a torch that is built for the driver, or a newer driver",
              "Compute on the CPU with .to('cpu')")),
    Rule("cuDNN: parameters",
         r"CUDNN_STATUS_BAD_PARAM",
         said("cuDNN was given sizes or types that do not fit together: input, weights and bias "
              "differ in type, or a size is 0.",
              "Convert the picture with picture.float(), if the layer is in float32", CPU_FIRST)),
    Rule("cuDNN",
         r"(?i:cudnn)[ _](?:error|status)\w{0,3}:? "
         r"?(?:CUDNN_STATUS_)?(?P<status>\w{1,40})|CUDNN_STATUS_"
         r"(?P<name>\w{1,40})",
         said("cuDNN failed to run the convolution: the GPU's memory is short, an earlier error "
              "stopped it, or its version does not fit the driver.",
              "Use a smaller batch or smaller pictures", CPU_FIRST,
              "Compute without cuDNN: torch.backends.cudnn.enabled = False")),
    Rule("cuBLAS", r"CUBLAS_STATUS_(?P<status>\w{1,40})|cublas runtime error",
         said("The GPU's matrix product failed, often since sizes of a linear layer "
              "do not fit or a class number is out of range.", CPU_FIRST)),
    Rule("assertion on the GPU",
         r"device-side assert triggered|cuda runtime error \(59\)",
         said("A check failed on the GPU, nearly always a class number or an index out of range; "
              "the line shown may be a later one.",
              "Give class numbers from 0 to the number of outputs less 1", CPU_FIRST,
              "Set CUDA_LAUNCH_BLOCKING=1, so that the line is the right one")),
    Rule("memory of the GPU", r"illegal memory access was encountered|misaligned address",
         said("The GPU read outside of its memory: an index out of range, or a fault of a kernel.",
              CPU_FIRST, "Set CUDA_LAUNCH_BLOCKING=1, so that the line is the right one")),
    Rule("kernel for this GPU",
         r"no kernel image is available for execution on the device",
         said("This torch was not built for this GPU.",
              "Install a torch that is built for the GPU, or compute on the CPU")),
    Rule("no GPU",
         r"Torch not compiled with CUDA enabled|not linked with support for (?P<device>\w{1,8}) "
         r"devices|No CUDA GPUs are available|Found no NVIDIA "
         r"driver|torch\.cuda\.is_available\(\) is "
         r"False|invalid device ordinal",
         said("There is no such GPU here, or this torch was built without it.",
              "Compute on the CPU with .to('cpu')",
              "Load a file with torch.load(path, map_location='cpu')")),
    Rule("numbers not finite", r"returned nan values in its \d{1,3}th output|[Ll]oss is nan",
         said("A gradient is not a number: a division by 0, a logarithm of 0 or too large a step.",
              "Lower the learning rate, and add a small number in divisions and logarithms")),
    Rule("export of unknown sizes",
         r"[Cc]onstraints violated|guard on data-dependent|data-dependent "
         r"(?:expression|symint)|Could "
         r"not extract specialized integer",
         said("Export needs sizes that do not depend on the picture's values, or that it is told "
              "about.", "Name the sizes that may change in dynamic_shapes",
              "Take sizes from x.shape, not from values")),
    Rule("operator for ONNX",
         r"Exporting the operator '?(?:aten::)?(?P<name>[\w:]{1,60})'? to ONNX opset version "
         rf"{number('opset')} is not supported",
         said("ONNX has no {name} in its version {opset}.",
              "Give a larger opset_version to torch.onnx.export")),
    Rule("pooling for ONNX",
         r"[Uu]nsupported: ONNX export of operator (?P<name>[\w ]{1,60})",
         said("ONNX takes {name} only where its sizes are fixed numbers.",
              "Give an output size that divides the map, such as 1")),
)  # fmt: skip
