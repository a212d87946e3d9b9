"""Names of torch's operators, by what they do to the pixels that their elements read.

Names are those of the operators that torch's functions, layers and methods end in, without the
underscore of in-place forms. Operators that work element by element are not listed: torch says so.
"""

# Each output element is one input element, or a constant.
MOVES = frozenset(
    [
        "alias",
        "as_strided_copy",
        "channel_shuffle",
        "constant_pad_nd",
        "detach",
        "diagonal",
        "expand",
        "expand_copy",
        "flip",
        "index",
        "index_select",
        "lift",
        "lift_fresh",
        "movedim",
        "narrow_copy",
        "permute",
        "permute_copy",
        "pixel_shuffle",
        "pixel_unshuffle",
        "reflection_pad1d",
        "reflection_pad2d",
        "reflection_pad3d",
        "repeat",
        "replication_pad1d",
        "replication_pad2d",
        "replication_pad3d",
        "roll",
        "rot90",
        "select",
        "select_copy",
        "slice",
        "slice_copy",
        "split",
        "split_with_sizes",
        "squeeze",
        "t",
        "transpose",
        "tril",
        "triu",
        "unbind",
        "unfold",
        "unsafe_chunk",
        "unsafe_split",
        "unsafe_split_with_sizes",
        "unsqueeze",
        "upsample_nearest1d",
        "upsample_nearest2d",
        "upsample_nearest3d",
        "_upsample_nearest_exact1d",
        "_upsample_nearest_exact2d",
        "_upsample_nearest_exact3d",
        "im2col",
        "native_channel_shuffle",
    ]
)
RESHAPES = frozenset(
    {"view", "_unsafe_view", "reshape", "_reshape_alias", "view_copy", "unflatten"}
)
# Element by element, though torch's tag does not say so.
POINTWISE = frozenset(
    [
        "_prelu_kernel",
        "_to_copy",
        "alpha_dropout",
        "bernoulli",
        "copy",
        "dropout",
        "feature_dropout",
        "fill_mask",
        "native_dropout",
        "rrelu_with_noise",
        "where",
        "hardtanh",
        "relu6",
        "celu",
        "selu",
        "silu",
        "mish",
        "gelu",
        "hardswish",
        "hardsigmoid",
        "threshold",
        "clamp",
        "lerp",
        "view_as_real",
        "view_as_complex",
        "contiguous",
    ]
)
# Each output is computed from all along some dimensions, which go or become one.
REDUCTIONS = frozenset(
    [
        "all",
        "amax",
        "amin",
        "aminmax",
        "any",
        "argmax",
        "argmin",
        "count_nonzero",
        "linalg_vector_norm",
        "logsumexp",
        "max",
        "mean",
        "median",
        "min",
        "mode",
        "nanmedian",
        "nanmean",
        "nansum",
        "norm",
        "prod",
        "std",
        "std_mean",
        "sum",
        "var",
        "var_mean",
    ]
)
# Each output is computed from all along a dimension, which stays.
ALONG = frozenset(
    [
        "_log_softmax",
        "_safe_softmax",
        "_softmax",
        "glu",
        "renorm",
        "sort",
        "argsort",
        "topk",
        "kthvalue",
        "_fft_r2c",
        "_fft_c2c",
        "_fft_c2r",
    ]
)
SORTS = frozenset({"sort", "argsort", "topk", "kthvalue"})
CUMULATIVE = frozenset({"cumsum", "cumprod", "cummax", "cummin", "logcumsumexp"})
PRODUCTS = frozenset({"mm", "bmm", "addmm", "baddbmm", "linear"})
VECTOR_PRODUCTS = frozenset({"mv", "addmv", "dot", "vdot", "addr", "_cdist_forward"})
NORMALISATIONS = frozenset(
    [
        "native_batch_norm",
        "_native_batch_norm_legit",
        "_native_batch_norm_legit_no_training",
        "_batch_norm_with_update",
        "_batch_norm_no_update",
        "native_group_norm",
        "native_layer_norm",
        "_fused_rms_norm",
        "rms_norm",
        "batch_norm",
    ]
)
ATTENTIONS = frozenset(
    [
        "_scaled_dot_product_flash_attention_for_cpu",
        "_scaled_dot_product_flash_attention",
        "_scaled_dot_product_efficient_attention",
        "_scaled_dot_product_attention_math",
    ]
)
POOLS = frozenset(
    [
        "avg_pool1d",
        "avg_pool2d",
        "avg_pool3d",
        "max_pool1d",
        "max_pool2d_with_indices",
        "max_pool3d_with_indices",
        "max_pool2d",
        "max_pool3d",
    ]
)
ADAPTIVE = frozenset(
    [
        "_adaptive_avg_pool2d",
        "_adaptive_avg_pool3d",
        "adaptive_avg_pool1d",
        "adaptive_max_pool2d",
        "adaptive_max_pool3d",
    ]
)
INTERPOLATIONS = frozenset(
    [
        "upsample_linear1d",
        "upsample_bilinear2d",
        "upsample_bicubic2d",
        "upsample_trilinear3d",
        "_upsample_bilinear2d_aa",
        "_upsample_bicubic2d_aa",
        "_upsample_lanczos2d_aa",
    ]
)
# Where an element of the output looks depends on numbers that are not there.
DATA_DEPENDENT = frozenset(
    [
        "grid_sampler_2d",
        "grid_sampler_3d",
        "cudnn_grid_sampler",
        "max_unpool2d",
        "max_unpool3d",
        "gather",
        "scatter",
        "scatter_add",
        "scatter_reduce",
        "index_put",
        "index_add",
        "index_copy",
        "take",
        "masked_scatter",
        "fractional_max_pool2d",
        "index",
        "index_select",
        "embedding",
        "searchsorted",
        "bucketize",
    ]
)
# New tensors, which read nothing whatever they are given.
FACTORIES = frozenset(
    [
        "empty",
        "empty_like",
        "empty_strided",
        "eye",
        "full",
        "full_like",
        "linspace",
        "new_empty",
        "new_empty_strided",
        "new_full",
        "new_ones",
        "new_zeros",
        "ones",
        "ones_like",
        "rand",
        "rand_like",
        "randn",
        "randn_like",
        "scalar_tensor",
        "zeros",
        "zeros_like",
    ]
)
# A picture of the row's own kind: its step moves or resizes rows and columns.
SHOWN = frozenset(
    [
        "constant_pad_nd",
        "pixel_shuffle",
        "pixel_unshuffle",
        "reflection_pad2d",
        "replication_pad2d",
        "upsample_nearest2d",
        "_upsample_nearest_exact2d",
    ]
)
# What torch's own functions are called, where the operator has another name.
WORDS = (
    ("_upsample_nearest_exact", "interpolate"),
    ("_upsample_", "interpolate"),
    ("upsample_", "interpolate"),
    ("constant_pad_nd", "pad"),
    ("reflection_pad", "pad"),
    ("replication_pad", "pad"),
    ("im2col", "unfold"),
    ("max_pool2d_with_indices", "max_pool2d"),
    ("max_pool3d_with_indices", "max_pool3d"),
    ("_unsafe_view", "reshape"),
    ("_safe_softmax", "softmax"),
    ("_log_softmax", "log_softmax"),
    ("_softmax", "softmax"),
    ("_adaptive", "adaptive"),
    ("_fft", "fft"),
    ("addmm", "linear"),
    ("convolution", "conv"),
    ("_prelu_kernel", "prelu"),
    ("native_", ""),
    ("grid_sampler_2d", "grid_sample"),
    ("linalg_vector_norm", "norm"),
    ("col2im", "fold"),
    ("_cdist_forward", "cdist"),
)
