"""Vectors of many pictures: `convcli extract` on worker processes or a cluster."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing

from convcli.batch.jobs import Outcome, VectorJob
from convcli.batch.options import BatchOptions
from convcli.batch.output_names import Task
from convcli.batch.progress import Progress
from convcli.batch.runner import outcomes, stopping
from convcli.errors import Refusal
from convcli.features.config import Setup
from convcli.features.config_json import vector_settings
from convcli.features.extractor import Features, features_in
from convcli.features.vector_set import Alike
from convcli.output import note


class Vectors:
    """Makes the vectors of many pictures as options say; keeps notes above the progress bar."""

    def __init__(self, options: BatchOptions) -> None:
        self.options = options
        self._progress: Progress | None = None
        self._failed: list[Outcome] = []

    def note(self, text: str) -> None:
        """A line for the reader, above a progress bar if there is one."""
        (note if self._progress is None else self._progress.note)(text)

    def each(
        self, paths: Sequence[str], setup: Setup, alike: Alike
    ) -> Iterator[tuple[str, Features | Refusal]]:
        """Each path with its vector or with why there is none, in order."""
        options = self.options
        own = setup if options.scheduler is None else setup.absolute()
        job = VectorJob(
            settings=vector_settings(own),
            max_pixels=options.max_pixels,
            max_memory=options.max_memory,
        )
        tasks = [Task(path, "") for path in paths]
        progress = self._progress = Progress(len(tasks), quiet=True)
        progress.failed = self._failed  # a report holds those of all calls
        try:
            with stopping(), progress, closing(outcomes(tasks, job, options)) as stream:
                for outcome in stream:
                    value: Features | Refusal = Refusal(outcome.error)
                    if outcome.value is not None and not isinstance(outcome.value, Mapping):
                        value = features_in(outcome.value)
                        misfit = alike.misfit(outcome.source, value)
                        if misfit is not None:
                            value, kind = misfit, type(misfit).__name__
                            text = str(misfit)
                            outcome = outcome._replace(status="failed", error=text, kind=kind)
                    progress.count(outcome)
                    yield outcome.source, value
                    if options.fail_fast and outcome.status == "failed":
                        return
        finally:
            self._progress = None
            progress.finish(options.report, listed=False)
