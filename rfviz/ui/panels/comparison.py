"""Both ways at full size as a job: every output compared, small maps kept, the outputs not."""

from collections.abc import Generator

from rfviz.conv.matmul.compare import largest_magnitude
from rfviz.conv.matmul.differences import default_tolerances
from rfviz.conv.matmul.strip_comparison import ComparisonTotals
from rfviz.conv.matmul.strips import conv2d_strips
from rfviz.ui.panels.position import Chosen
from rfviz.ui.run.jobs import Job, job_for, result_of
from rfviz.ui.sidebar.inputs import Inputs

LARGEST_MAP = (256, 320)
WHAT = "Every output both ways"
AWAITED = "Computing every output exactly"


def comparison_job(inputs: Inputs, chosen: Chosen) -> Job[ComparisonTotals]:
    """The session's comparison of these inputs, with maps of the chosen filter."""
    key = (inputs.key, chosen.filter_index)
    return job_for("comparison", key, lambda: _steps(inputs, chosen.filter_index))


def compared(job: Job[ComparisonTotals]) -> ComparisonTotals | None:
    """The totals; None while the job is stopped."""
    return result_of(job, WHAT)


def _steps(inputs: Inputs, filter_index: int) -> Generator[float, None, ComparisonTotals]:
    largest = largest_magnitude(inputs.picture.pixels) / inputs.choices.divisor
    tolerances = default_tolerances(inputs.weight, inputs.bias, largest)
    shape = (inputs.weight.shape[0], *inputs.output_size)
    totals = ComparisonTotals(shape, tolerances, chosen_filter=filter_index, map_size=LARGEST_MAP)
    divisor = inputs.choices.divisor
    prepare = None if divisor == 1 else (lambda pixels: pixels / divisor)
    for strip in conv2d_strips(
        inputs.picture.pixels, inputs.weight, inputs.bias, inputs.spec, prepare=prepare
    ):
        totals.add(strip)
        yield totals.fraction
    return totals
