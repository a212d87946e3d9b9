"""All messages of torch that are recognised, in the order in which their rules are tried.

Collected by provoking torch and from public reports of its older versions. The last family is
torch's too, but about something else than a convolution: it is named, and not denied.
"""

from rfviz.conv.torch_messages.convolutions import CONVOLUTION_RULES
from rfviz.conv.torch_messages.explanations import Rule, said
from rfviz.conv.torch_messages.layers import LAYER_RULES
from rfviz.conv.torch_messages.pools import POOL_RULES
from rfviz.conv.torch_messages.shapes import SHAPE_RULES
from rfviz.conv.torch_messages.training import TRAINING_RULES
from rfviz.conv.torch_messages.types import TYPE_RULES


def _elsewhere(topic: str, pattern: str, remedy: str) -> Rule:
    sentence = f"This is torch's, about {topic}, not about a convolution's size."
    return Rule(f"torch's, about {topic}", pattern, said(sentence, remedy))


OTHER_RULES: tuple[Rule, ...] = (
    _elsewhere(
        "the processes of a data loader",
        r"DataLoader worker .{0,60}(?:exited unexpectedly|is killed by signal)|unable to (?:open|"
        r"mmap) shared memory|num_samples should be a positive integer|An attempt has been made to "
        r"start a new process|Cannot re-initialize CUDA in forked|received \d{1,6} items of "
        r"ancdata|"
        r"Too many open files",
        "Load with num_workers=0, which shows the error itself",
    ),
    _elsewhere(
        "a file that cannot be read",
        r"PytorchStreamReader|Invalid magic number; corrupt file|Weights only load failed|"
        r"unexpected EOF, expected|central directory|Ran out of input|not a ZIP archive|"
        r"legacy_load|UnpicklingError",
        "Load the file again from where it came, or read it on the page for weights",
    ),
    _elsewhere(
        "training on several devices",
        r"NCCL|ncclSystemError|Default process group has not been initialized|init_process_group|"
        r"ProcessGroup|Gloo|EADDRINUSE",
        "Run on one device first",
    ),
    _elsewhere(
        "TorchScript or its compiler",
        r"TorchScript|torch\.jit|torch\._dynamo|torch\._inductor|Dynamo|Unknown builtin op|"
        r"InductorError|BackendCompilerFailed",
        "Run the network without compiling first, where torch names the sizes",
    ),
    _elsewhere(
        "an operator of another package",
        r"operator torchvision::nms does not exist|Couldn't load custom C\+\+ ops|undefined symbol|"
        r"torchvision::",
        "Install versions of torch and torchvision that belong together",
    ),
    _elsewhere(
        "linear algebra",
        r"linalg\.\w{1,20}: |singular|not positive-definite|input matrix is",
        "Add a small multiple of the identity to the matrix",
    ),
    _elsewhere(
        "quantised numbers",
        r"quantized numbers|QuantizedC|quantize_per_|quint8|qint8",
        "Convert the tensor with x.dequantize()",
    ),
    _elsewhere(
        "probabilities",
        r"probability tensor contains|invalid multinomial distribution|dropout probability has to "
        r"be between 0 and 1|Exponential distribution is a continuous|Expected parameter \w{1,20} "
        r"\(.{0,120}distribution",
        "Check that the values are finite, and from 0 to 1",
    ),
    _elsewhere(
        "the way a module is written",
        r"cannot assign module before Module\.__init__|cannot assign '[\w.]{1,60}' as (?:parameter|"
        r"child module|buffer)|is missing the required \"forward\" function|'(?:Tensor|Conv\dd|"
        r"Sequential|Linear|ModuleList|Parameter)' object has no attribute|(?:Conv\dd|Sequential|"
        r"Linear|BatchNorm\dd|MaxPool\dd)\.forward\(\) takes|_forward_unimplemented|"
        r"Legacy autograd function|Module '\w{1,60}' has no attribute",
        "Call super().__init__() first, and check the names and arguments of forward()",
    ),
    _elsewhere(
        "the starting values of weights",
        r"Fan in and fan out can not be computed",
        "Leave out tensors of less than two dimensions, such as biases",
    ),
    _elsewhere(
        "the optimizer",
        r"loaded state dict (?:contains a parameter group|has a different number of parameter "
        r"groups)|can't optimize a non-leaf Tensor|param 'initial_lr' is not specified|No inf "
        r"checks were recorded for this optimizer",
        "Make the optimizer after the model has its device and its weights",
    ),
)

# A message of two families is explained by the more special one, so the order matters.
RULES: tuple[Rule, ...] = (
    *CONVOLUTION_RULES,
    *POOL_RULES,
    *SHAPE_RULES,
    *LAYER_RULES,
    *TYPE_RULES,
    *TRAINING_RULES,
    *OTHER_RULES,
)
