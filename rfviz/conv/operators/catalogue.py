"""The operators that come with the library, as data."""

from rfviz.conv.errors import InputError
from rfviz.conv.operators import formulas
from rfviz.conv.operators.operator import Operator, OperatorParameter
from rfviz.conv.operators.published_catalogue import PUBLISHED
from rfviz.conv.wording import shown

_KERVOLUTION = "Wang et al., Kervolutional neural networks, CVPR 2019, arXiv:1904.03955"
_MORPHOLOGY = "Serra, Image analysis and mathematical morphology, 1982"
_TORCH = "The PyTorch documentation"
_PADDED = "of the padded picture"

OPERATORS: tuple[Operator, ...] = (
    Operator(
        "dot_product",
        "Dot product (convolution)",
        formulas.dot_product,
        r"y = \sum_i w_i\,x_i",
        _TORCH + " of nn.Conv2d",
        equals="torch.nn.functional.conv2d",
        gradient=formulas.dot_product_gradient,
    ),
    Operator(
        "cosine_similarity",
        "Cosine similarity",
        formulas.cosine_similarity,
        r"y = \frac{\sum_i w_i\,x_i}{\max(\|w\|, \varepsilon)\,\max(\|x\|, \varepsilon)}",
        "Luo et al., Cosine normalization, ICANN 2018, arXiv:1702.05870",
        (OperatorParameter("eps", 1e-8, 1e-12, 1.0, "The least length that is divided by."),),
        "torch.nn.functional.cosine_similarity of each receptive field and weight",
    ),
    Operator(
        "squared_l2_distance",
        "Squared L2 distance",
        formulas.squared_l2_distance,
        r"y = \sum_i (x_i - w_i)^2",
        "Sum of squared differences, as in template matching",
        equals="torch.cdist(weight, patches.T, p=2) ** 2, up to rounding",
    ),
    Operator(
        "l1_distance",
        "L1 distance",
        formulas.l1_distance,
        r"y = \sum_i |x_i - w_i|",
        "Sum of absolute differences, as in block matching",
        equals="torch.cdist(weight, patches.T, p=1)",
        gradient=formulas.l1_distance_gradient,
    ),
    Operator(
        "adder",
        "Negative L1 distance (AdderNet)",
        formulas.adder,
        r"y = -\sum_i |x_i - w_i|",
        "Chen et al., AdderNet, CVPR 2020, arXiv:1912.13200",
        equals="-torch.cdist(weight, patches.T, p=1)",
        gradient=formulas.adder_gradient,
    ),
    Operator(
        "gaussian_kernel",
        "Gaussian kernel (RBF)",
        formulas.gaussian_kernel,
        r"y = \exp\left(-\gamma \sum_i (x_i - w_i)^2\right)",
        _KERVOLUTION,
        (OperatorParameter("gamma", 0.5, 1e-6, 100.0, "How fast the answer falls off."),),
    ),
    Operator(
        "polynomial_kernel",
        "Polynomial kernel (Kervolution)",
        formulas.polynomial_kernel,
        r"y = \left(\sum_i w_i\,x_i + c\right)^d",
        _KERVOLUTION,
        (
            OperatorParameter("degree", 3, 1, 9, "The power d; 1 is the dot product plus c."),
            OperatorParameter("constant", 1.0, -100.0, 100.0, "The constant c."),
        ),
    ),
    Operator(
        "dilation",
        "Dilation (max-plus)",
        formulas.dilation,
        r"y = \max_i\,(x_i + w_i)",
        _MORPHOLOGY + "; the weight is not turned, as in nn.Conv2d",
        equals=f"max_pool2d {_PADDED}, for a weight of zeros and one channel a group",
        gradient=formulas.dilation_gradient,
    ),
    Operator(
        "erosion",
        "Erosion (min-plus)",
        formulas.erosion,
        r"y = \min_i\,(x_i - w_i)",
        _MORPHOLOGY,
        equals=f"-max_pool2d of the negative {_PADDED}, for a weight of zeros and one channel",
    ),
    Operator(
        "max_pooling",
        "Max pooling",
        formulas.max_pooling,
        r"y = \max_i\,x_i",
        _TORCH + " of nn.MaxPool2d; padding counts as the values it has",
        equals=f"torch.nn.functional.max_pool2d {_PADDED}, with one channel a group",
        reads_weight=False,
    ),
    Operator(
        "mean_pooling",
        "Mean pooling",
        formulas.mean_pooling,
        r"y = \frac{1}{K} \sum_i x_i",
        _TORCH + " of nn.AvgPool2d; padding counts as the values it has",
        equals=f"torch.nn.functional.avg_pool2d {_PADDED}, with one channel a group",
        reads_weight=False,
    ),
    Operator(
        "median_pooling",
        "Median pooling",
        formulas.median_pooling,
        r"y = \operatorname{median}_i\,x_i",
        "Tukey, Exploratory data analysis, 1977; of two middle values the lower, as torch.median",
        equals="torch.median over each receptive field",
        reads_weight=False,
    ),
    Operator(
        "local_variance",
        "Local variance",
        formulas.local_variance,
        r"y = \frac{1}{K} \sum_i (x_i - \bar{x})^2",
        "Lee, Digital image enhancement and noise filtering by use of local statistics, 1980",
        equals="torch.var with correction=0 over each receptive field",
        reads_weight=False,
    ),
    Operator(
        "partial_convolution",
        "Partial convolution (mask)",
        formulas.partial_convolution,
        r"y = \frac{K}{\sum_i m_i} \sum_i w_i\,m_i\,x_i",
        "Liu et al., Image inpainting for irregular holes using partial convolutions, ECCV 2018",
        equals="torch.nn.functional.conv2d where the mask is 1",
        reads_mask=True,
        mask_out=formulas.anything_known,
    ),
    Operator(
        "normalised_convolution",
        "Normalised convolution (certainty)",
        formulas.normalised_convolution,
        r"y = \frac{\sum_i w_i\,m_i\,x_i}{\sum_i |w_i|\,m_i}",
        "Knutsson & Westin, Normalized and differential convolution, CVPR 1993; |w| for signed w",
        (OperatorParameter("eps", 1e-12, 0.0, 1.0, "Sums up to this give 0."),),
        reads_mask=True,
    ),
    *PUBLISHED,
)


def operator_named(name: object, operators: tuple[Operator, ...] = OPERATORS) -> Operator:
    """Return the operator of that name; `InputError` lists the names where there is none.

    >>> operator_named("dilation").title
    'Dilation (max-plus)'
    """
    for entry in operators:
        if entry.name == name:
            return entry
    names = ", ".join(entry.name for entry in operators)
    raise InputError(f"There is no operator {shown(name)}.", remedy=f"Choose one of {names}")
