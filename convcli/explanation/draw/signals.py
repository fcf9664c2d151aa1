"""The frames of a signal that slides over another, in the words of the lesson: f, g and t."""

from convcli.explanation.draw.frames import Sheet, Words
from convcli.explanation.draw.themes import Theme
from convcli.explanation.signals import SignalLesson
from convcli.explanation.steps import Spot


class SignalSheet(Sheet):
    """Where everything stands in every frame of two signals."""

    def __init__(self, lesson: SignalLesson, theme: Theme) -> None:
        self.lesson = lesson
        still, moving = lesson.names
        super().__init__(lesson.walk, theme, words=Words(still, moving, lesson.mode))

    def sums(self, cell: Spot) -> list[str]:
        return [self.lesson.step_text(cell[1])]

    def result(self, cell: Spot) -> str:
        before, _, value = self.lesson.step_text(cell[1]).rpartition(" = ")
        return f"{before.partition(':')[0]}: {value}"
