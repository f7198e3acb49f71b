"""Data sets of chosen examples, on disk as `dataset build` leaves them."""
import numpy as np
import yaml


def write_data_set(folder, task, **splits):
    """splits: the examples of train, validation and test, [n, steps, streams]. Returns the folder."""
    folder.mkdir(parents=True)
    for name, examples in splits.items():
        np.save(folder / f"{name}.npy", np.asarray(examples, np.uint16))
    (folder / "meta.yaml").write_text(yaml.safe_dump({
        "task": task, "examples": {name: len(examples) for name, examples in splits.items()},
        "files": {"read": 0, "kept": {}, "rejected": {}, "versions of songs in train": {}},
        "counts": {}, "dropped": {}, "rules": {}, "sources": []}, sort_keys=False))
    return folder
