"""How every command tells users of their mistakes."""
import click


class UserError(click.ClickException):
    """A mistake of the user's: its message is shown without a traceback, and the command exits with 2."""
    exit_code = 2
