"""The options that say which pictures a batch is of, who works on them, and within which limits."""

from convcli.errors import SpecError
from convcli.options import Options

BATCH = ("recursive", "files_from", "null", "jobs", "scheduler", "report", "fail_fast", "timeout")
"""Options that only a batch has."""

LIMITS = ("max_pixels", "max_memory")
"""Options that bound every picture."""


class BatchOptions(Options):
    """Which pictures there are, who works on them, what becomes of failures, and the limits."""

    recursive: bool = False
    files_from: str | None = None
    null: bool = False
    jobs: int | None = None
    scheduler: str | None = None
    ship: str = "paths"
    report: str | None = None
    fail_fast: bool = False
    timeout: int | None = None
    max_pixels: int | None = None
    max_memory: int | None = None

    def check(self) -> None:
        """Raise SpecError for options that do not go together."""
        if self.null and self.files_from is None:
            raise SpecError("-0 is how --files-from is read; name a list, or - for stdin")
        if self.jobs is not None and self.scheduler is not None:
            raise SpecError("--jobs are worker processes here; a cluster has workers of its own")
        if self.timeout is not None and self.scheduler is not None:
            raise SpecError(
                "--timeout ends worker processes here; a cluster has workers of its own"
            )
