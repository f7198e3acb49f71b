import io
import zipfile

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from tests.vae.data_sets import write_data_set
from vae.dataset import DatasetError, open_dataset
from vae.dataset.commands import dataset


@pytest.fixture
def folder(tmp_path):
    loops = np.random.default_rng(0).integers(1, 512, (6, 32, 1))
    return write_data_set(tmp_path / "data", "drums_2bar", train=loops, validation=loops[:2], test=loops[:0])


def npy(header):
    file = io.BytesIO()
    np.lib.format.write_array(file, np.zeros((6, 32, 1), np.uint16))
    return file.getvalue().replace(b"'descr': '<u2'", header.ljust(14))


def archive():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        zipped.writestr("a", b"b")
    return file.getvalue()


def test_a_whole_one(folder):
    assert [len(open_dataset(folder).split(name)) for name in ("train", "validation", "test")] == [6, 2, 0]


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY", archive(), b"no array", npy(b"'descr': '<u2'")[:-2], npy(b"'descr': '<u4'"),
                                    npy(b"'descr': []"), npy(b"'descr': ((("), npy(b"'descr': '|O'"), npy(b"\xff")])
def test_a_damaged_array(folder, damage):
    (folder / "train.npy").write_bytes(damage)
    with pytest.raises(DatasetError, match="train.npy is damaged.*build the data set anew"):
        open_dataset(folder)
    shown = CliRunner().invoke(dataset, ["show", str(folder)])
    assert shown.exit_code == 2 and "train.npy is damaged" in shown.output


def test_a_cut_meta_is_known_wherever_it_was_cut(folder):
    whole = (folder / "meta.yaml").read_text()
    for length in range(len(whole) - 1):
        (folder / "meta.yaml").write_text(whole[:length])
        if yaml_equal(whole[:length], whole):
            continue
        with pytest.raises(DatasetError, match="meta.yaml"):
            open_dataset(folder)


def yaml_equal(one, other):
    try:
        return yaml.safe_load(one) == yaml.safe_load(other)
    except yaml.YAMLError:
        return False


@pytest.mark.parametrize("path, value, message", [
    (("files", "kept"), None, "'kept' of 'files' of its content should be of type dict, received None"),
    (("examples", "test"), "many", "'test' of 'examples' of its content should be of type int, received 'many'"),
    (("sources",), [{"folder": "a", "files": 1}], "'kept' of item 0 of 'sources'"),
    (("task",), ["drums_2bar"], "'task' of its content should be of type str")])
def test_a_meta_with_a_wrong_value(folder, path, value, message):
    meta = yaml.safe_load((folder / "meta.yaml").read_text())
    place = meta
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    (folder / "meta.yaml").write_text(yaml.safe_dump(meta))
    shown = CliRunner().invoke(dataset, ["show", str(folder)])
    assert shown.exit_code == 2
    assert f"meta.yaml is damaged, {message}" in shown.output and "build the data set anew" in shown.output
