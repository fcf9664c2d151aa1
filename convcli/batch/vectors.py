"""Vectors of many pictures: `convcli extract` on worker processes or a cluster."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

from convcli.batch.jobs import Outcome
from convcli.batch.output_names import Task
from convcli.batch.progress import Teller
from convcli.batch.runner import How, outcomes, stopping
from convcli.errors import Refusal
from convcli.features.config import Setup
from convcli.features.config_json import vector_settings
from convcli.features.extractor import Features, features_in
from convcli.features.vector_set import Alike
from convcli.output import note


class Vectors:
    """Makes the vectors of many pictures as `how` says; keeps notes above the progress bar."""

    def __init__(self, how: How, **limits: Any) -> None:
        self.how, self.limits = how, limits
        self._teller: Teller | None = None
        self._failed: list[Outcome] = []

    def note(self, text: str) -> None:
        """A line for the reader, above a progress bar if there is one."""
        if self._teller is None:
            note(text)
        else:
            self._teller.note(text)

    def each(
        self, paths: Sequence[str], setup: Setup, alike: Alike
    ) -> Iterator[tuple[str, Features | Refusal]]:
        """Each path with its vector or with why there is none, in order."""
        own = setup if self.how.scheduler is None else setup.absolute()
        job = {"kind": "vector", "settings": vector_settings(own), **self.limits}
        tasks = [Task(path, "") for path in paths]
        teller = self._teller = Teller(len(tasks), quiet=True)
        teller.failed = self._failed  # a report holds those of all calls
        try:
            with stopping(), teller, closing(outcomes(tasks, job, self.how)) as found:  # type: ignore[type-var]
                for outcome in found:
                    value: Features | Refusal = Refusal(outcome.error)
                    if outcome.status != "failed":
                        value = features_in(outcome.value)
                        misfit = alike.misfit(outcome.source, value)
                        if misfit is not None:
                            value, kind = misfit, type(misfit).__name__
                            outcome = outcome._replace(
                                status="failed", error=str(misfit), kind=kind
                            )
                    teller.count(outcome)
                    yield outcome.source, value
                    if self.how.fail_fast and outcome.status == "failed":
                        return
        finally:
            self._teller = None
            teller.finish(self.how.report, listed=False)
