"""Importing TensorFlow without Keras, and without the lines that its libraries print before any setting can silence them."""
import os
import re
import sys
import tempfile

_CHATTER = re.compile(rb"^(WARNING: All log messages before absl|[IWE]\d{4} .*(port\.cc|cudart_stub|cpu_feature_guard|"
                      rb"cuda_platform|rebuild TensorFlow)|To enable the following instructions).*\n", re.MULTILINE)


def import_tensorflow():
    """The tensorflow module. What its import prints on the error stream is passed on, less the known chatter; if the
    import fails, all of it is.

    TensorFlow imports Keras (and Keras Matplotlib) if it can, and does without if it cannot. Nothing here uses Keras, and
    it is a quarter of the time that the import takes.
    """
    if "tensorflow" in sys.modules:
        return sys.modules["tensorflow"]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as caught:
        os.dup2(caught.fileno(), 2)
        failed = False
        keras = sys.modules.get("keras")  # None: not imported
        sys.modules["keras"] = None
        try:
            import tensorflow
            return tensorflow
        except Exception:
            failed = True
            raise
        finally:
            sys.modules.pop("keras")
            if keras is not None:
                sys.modules["keras"] = keras
            os.dup2(stderr, 2)
            os.close(stderr)
            caught.seek(0)
            printed = caught.read()
            os.write(2, printed if failed else _CHATTER.sub(b"", printed))
