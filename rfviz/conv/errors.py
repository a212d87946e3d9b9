"""The one exception for input that the person at the controls can mend.

It carries the numbers and the remedies apart from each other, so that a notebook prints sentences
and an app draws a button for each remedy. `rfviz.conv.spec.spec` re-exports both names.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True)
class Remedy:
    """One way to mend an input: a label, and the fields of `Conv2dSpec` that it changes.

    `changes` is immutable and maps field names to values that `dataclasses.replace` takes. It is
    empty where the remedy is advice that no field can carry, such as choosing another file.

    >>> Remedy("Set stride to 1", {"stride": (1, 1)}).changes["stride"]
    (1, 1)
    """

    label: str
    changes: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        """Hold a private, read-only copy of the changes."""
        object.__setattr__(self, "changes", MappingProxyType(dict(self.changes)))

    def __reduce__(self) -> tuple[type["Remedy"], tuple[str, dict[str, Any]]]:
        """Pickle through the constructor, since a mapping proxy cannot be pickled."""
        return (type(self), (self.label, dict(self.changes)))


class InputError(ValueError):
    """What was wrong, with its numbers, and the remedies.

    `what` is a sentence; `remedies` a tuple of `Remedy`; `str(error)` is both in words. A remedy
    that changes no field can be given as text.

    >>> str(InputError("The file is empty.", remedy="Choose another file."))
    'The file is empty. Choose another file.'
    """

    def __init__(
        self, what: str, remedies: Iterable[Remedy] = (), *, remedy: str | None = None
    ) -> None:
        """Keep the sentence and the remedies, and spell out both as the message."""
        self.what = what
        self.remedies = tuple(remedies) + (() if remedy is None else (Remedy(remedy),))
        super().__init__(" ".join(filter(None, (what, _in_words(self.remedies)))))

    def __reduce__(self) -> tuple[type["InputError"], tuple[str, tuple[Remedy, ...]]]:
        """Pickle the parts, not the message that is made of them."""
        return (type(self), (self.what, self.remedies))


def _in_words(remedies: tuple[Remedy, ...]) -> str:
    labels = [remedy.label.rstrip(".") for remedy in remedies]
    if not labels:
        return ""
    rest = [label[:1].lower() + label[1:] for label in labels[1:]]
    return ", or ".join([labels[0], *rest]) + "."
