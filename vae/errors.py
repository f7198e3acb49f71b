"""How users are told of their mistakes."""
import difflib
import math
from collections.abc import Iterable

import click


class UserError(click.ClickException):
    """A mistake of the user's: its message is shown without a traceback, and the command exits with 2."""
    exit_code = 2


class FiniteRange(click.FloatRange):
    """A number from a range; `nan`, which compares with nothing, and `inf` are refused."""

    def convert(self, value, parameter, context):
        number = super().convert(value, parameter, context)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a number that can be counted with.", parameter, context)
        return number


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """" (did you mean ...?)" with the nearest known word, to stand behind the wrong one; nothing when none is near."""
    close = difflib.get_close_matches(str(word), list(known), 1)
    return f" (did you mean {close[0]!r}?)" if close else ""
