"""What the members of an enumeration mean, from the sentence that stands below each in the code.

Invariant: whatever is printed about a code is what its author wrote beside it.
"""

import ast
import inspect
from collections.abc import Mapping
from enum import StrEnum
from itertools import pairwise


def explained(kind: type[StrEnum]) -> Mapping[str, str]:
    """The meaning of each member, in the order of the code; empty where nothing stands below it."""
    (body,) = (node.body for node in ast.parse(inspect.getsource(kind)).body if isinstance(node, ast.ClassDef))
    said: dict[str, str] = {}
    for member, below in pairwise(body):
        if isinstance(member, ast.Assign) and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            name = member.targets[0]
            assert isinstance(name, ast.Name)  # noqa: S101 - members of an enumeration are assigned to names
            said[name.id] = " ".join(str(below.value.value).split())
    return {one.value: said.get(one.name, "") for one in kind}
