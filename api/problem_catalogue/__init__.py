"""Every problem this service can answer with, and what its page says about it.

A code is stable vocabulary: partners write programs against it. The title, the status and
``retryable`` of a refusal are part of answers that are replayed byte for byte, so they change
only together with the format version of stored answers.
"""

from collections.abc import Mapping
from types import MappingProxyType

from api.problem_catalogue.funding import FUNDING_REFUSALS
from api.problem_catalogue.life import LIFE_REFUSALS
from api.problem_catalogue.problem_type import ProblemType
from api.problem_catalogue.refusals import REFUSALS
from api.problem_catalogue.requests import REQUEST_PROBLEMS
from api.problem_catalogue.service import SERVICE_PROBLEMS
from api.problem_catalogue.settlement import SETTLEMENT_PROBLEMS

__all__ = ["PROBLEM_TYPES", "ProblemType"]

PROBLEM_TYPES: Mapping[str, ProblemType] = MappingProxyType(
    {
        problem.code: problem
        for problem in REFUSALS
        + LIFE_REFUSALS
        + FUNDING_REFUSALS
        + REQUEST_PROBLEMS
        + SETTLEMENT_PROBLEMS
        + SERVICE_PROBLEMS
    }
)
"""Every problem type by its code, in the order in which the pages list them."""
