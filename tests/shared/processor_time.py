"""Whether a reader takes little work, whatever else the machine and the process are doing."""

import gc
import time
from collections.abc import Callable


def processor_seconds(work: Callable[[], object]) -> float:
    """Processor time of one run, without that of collecting what other tests have left."""
    gc.freeze()
    start = time.process_time()
    try:
        work()
        return time.process_time() - start
    finally:
        gc.unfreeze()


def is_done_within(seconds: float, work: Callable[[], object]) -> bool:
    """Whether one of three runs takes less processor time: others run on the machine too."""
    return any(processor_seconds(work) < seconds for _ in range(3))
