"""The published layers that know more than receptive fields and one weight, as data."""

from rfviz.conv.operators import published
from rfviz.conv.operators.operator import Operator, OperatorParameter
from rfviz.conv.operators.reads import Learned, OutputMap, Reads

_OFFSETS = OutputMap("offsets", ("T", 2), does="(row, column) that each tap is moved by.")
_NAT = "Hassani et al., Neighborhood attention transformer, CVPR 2023, arXiv:2204.07143"
_ATTENTION = (
    r"y = \sum_i w_i\,a_{t(i)}\,x_i, \quad "
    r"a = \operatorname{softmax}_t\left(\frac{q \cdot x_t}{\sqrt{C}} + b_t\right)"
)
_POSITION_BIAS = Learned("position_bias", ("T",), does="Added to the score of each tap.")

PUBLISHED: tuple[Operator, ...] = (
    Operator(
        "locally_connected",
        "Locally connected",
        published.locally_connected,
        r"y_p = \sum_i w_{p,i}\,x_i",
        "Taigman et al., DeepFace, CVPR 2014; LeCun, Generalization and network design "
        "strategies, 1989",
        equals="torch.nn.functional.conv2d where every output has the same weight",
        reads=Reads(weight_per_column=True),
    ),
    Operator(
        "per_pixel_kernels",
        "Per-pixel kernels (dynamic filters)",
        published.per_pixel_kernels,
        r"y_p = \sum_i (w_i + k_{p,i})\,x_i",
        "Jia et al., Dynamic filter networks, NeurIPS 2016, arXiv:1605.09673",
        equals="torch.nn.functional.conv2d where the kernels add nothing",
        reads=Reads(maps=(OutputMap("kernels", ("F", "K"), does="What is added to the weight."),)),
    ),
    Operator(
        "involution",
        "Involution",
        published.involution,
        r"y_f = \sum_t k_{f,t}\,x_{f,t}, \quad k_{f,t} = \sum_c w_{f,c,t}\,q_c",
        "Li et al., Involution, CVPR 2021, arXiv:2103.06255; the kernel made by one linear map",
        reads=Reads(query=True, shaped=True),
    ),
    Operator(
        "deformable",
        "Deformable convolution",
        published.deformable,
        r"y = \sum_i w_i\,x(p_i + \Delta p_i)",
        "Dai et al., Deformable convolutional networks, ICCV 2017, arXiv:1703.06211",
        equals="torchvision.ops.deform_conv2d",
        reads=Reads(maps=(_OFFSETS,), sampled=True),
    ),
    Operator(
        "modulated_deformable",
        "Deformable convolution v2 (modulated)",
        published.modulated_deformable,
        r"y = \sum_i w_i\,m_{t(i)}\,x(p_i + \Delta p_i)",
        "Zhu et al., Deformable ConvNets v2, CVPR 2019, arXiv:1811.11168",
        equals="torchvision.ops.deform_conv2d with a mask",
        reads=Reads(
            maps=(_OFFSETS, OutputMap("modulation", ("T",), 1.0, "What each tap is times.")),
            shaped=True,
            sampled=True,
        ),
    ),
    Operator(
        "neighbourhood_attention",
        "Neighbourhood attention (windows inside)",
        published.neighbourhood_attention,
        _ATTENTION,
        _NAT + "; at the border the window is moved into the picture",
        equals="torch.nn.functional.scaled_dot_product_attention over each window",
        reads=Reads(query=True, learned=(_POSITION_BIAS,), shaped=True, inside=True),
    ),
    Operator(
        "masked_neighbourhood_attention",
        "Neighbourhood attention (windows masked)",
        published.masked_neighbourhood_attention,
        _ATTENTION,
        "Ramachandran et al., Stand-alone self-attention in vision models, NeurIPS 2019, "
        "arXiv:1906.05909; padding is given no attention",
        equals="torch.nn.functional.scaled_dot_product_attention with attn_mask",
        reads_mask=True,
        reads=Reads(query=True, learned=(_POSITION_BIAS,), shaped=True),
    ),
    Operator(
        "gated",
        "Gated convolution",
        published.gated,
        r"y = \left(\sum_i w_i\,x_i\right) \sigma\left(\sum_i v_i\,x_i + c\right)",
        "Yu et al., Free-form image inpainting with gated convolution, ICCV 2019, arXiv:1806.03589",
        equals="torch.nn.functional.glu of a conv2d with twice the filters",
        reads=Reads(
            learned=(
                Learned("gate", ("F", "K"), does="The weight v of the gate."),
                Learned("gate_bias", ("F",), does="The bias c of the gate."),
            )
        ),
    ),
    Operator(
        "pixel_adaptive",
        "Pixel-adaptive convolution",
        published.pixel_adaptive,
        r"y = \sum_i w_i\,e^{-\frac{s}{2} \|g_{t(i)} - g_0\|^2}\,x_i",
        "Su et al., Pixel-adaptive convolutional neural networks, CVPR 2019, arXiv:1904.05373",
        (OperatorParameter("sharpness", 1.0, 0.0, 1e6, "How fast an unlike tap loses weight."),),
        "torch.nn.functional.conv2d for a guide that is the same everywhere",
        reads=Reads(guide=True, shaped=True),
    ),
    Operator(
        "causal",
        "Causal convolution (masked)",
        published.causal,
        r"y = \sum_{i\,:\,t(i) < t_0} w_i\,x_i",
        "Van den Oord et al., Pixel recurrent neural networks, ICML 2016, arXiv:1601.06759",
        (
            OperatorParameter(
                "include_middle", 0, 0, 1, "1: the middle tap too, mask B; 0: mask A."
            ),
        ),
        "torch.nn.functional.conv2d with the later taps of the weight set to 0",
        reads=Reads(shaped=True),
    ),
    Operator(
        "positional",
        "Convolution with position (CoordConv)",
        published.positional,
        r"y_p = \sum_i w_i\,x_i + u \cdot p",
        "Liu et al., An intriguing failing of convolutional neural networks and the CoordConv "
        "solution, NeurIPS 2018, arXiv:1807.03247; position of the output alone",
        equals="torch.nn.functional.conv2d where the slopes are 0",
        reads=Reads(
            position=True,
            learned=(Learned("slope", ("F", 2), does="What each row and column adds."),),
        ),
    ),
)
