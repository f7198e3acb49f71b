"""Data sets: from folders of MIDI files to token examples on disk, and what training does with them."""
from vae.dataset.storage import Dataset, DatasetError, open_dataset

__all__ = ["Dataset", "DatasetError", "open_dataset"]
