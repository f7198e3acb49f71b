"""What holds for all tests: where they may leave traces, in which order they run, which examples they draw."""
import os
import tempfile

from hypothesis import settings

# Property tests draw the same examples on every run, and a busy machine does not fail them.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


def pytest_configure(config):
    """Each process of the tests has a home folder of its own: the user's models and compiled programs are not its
    concern, and what one process keeps there no other one takes away."""
    home = tempfile.TemporaryDirectory(prefix="home-", ignore_cleanup_errors=True)
    config.add_cleanup(home.cleanup)
    os.environ["HOME"] = os.environ["USERPROFILE"] = home.name


def pytest_collection_modifyitems(items):
    """What takes longest comes first, so that of several processes none is left alone with it at the end."""
    items.sort(key=lambda item: "training" not in item.path.parts)
