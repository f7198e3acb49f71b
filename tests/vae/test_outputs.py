"""Where results cannot be written, commands say so before they begin: even before they look for the model."""
import os

import pytest
from click.testing import CliRunner

from cli import main


@pytest.mark.parametrize("words", [
    ["train", "drums_2bar_small", "--data", "none", "--out", "file"],
    ["train", "drums_2bar_small", "--data", "none", "--out", "file/sub"],
    ["table1", "--data", "none", "--out", "file/sub"],
    ["export", ".", "--name", "x", "--to", "file"],
    ["evaluate", "none", "--data", "none", "--json", "missing/x.json"],
    ["quality", "none", "--data", "none", "--json", "missing/x.json"],
    ["quality", "none", "--data", "none", "--plot", "missing/x.png"],
    ["quality", "none", "--data", "none", "--plot", "x.docx"],
    ["structure", "none", "--data", "none", "--plot", "x"],
    ["structure", "none", "--data", "none", "--json", "."],
], ids=" ".join)
def test_places_that_cannot_be_written_to(tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("kept")
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 2 and f"'{words[-2]}'" in done.output and words[-1] in done.output, done.output
    assert [path.name for path in tmp_path.iterdir()] == ["file"] and (tmp_path / "file").read_text() == "kept"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is read-only for root or on Windows")
@pytest.mark.parametrize("words", [["train", "drums_2bar_small", "--data", "none", "--out", "locked/run"],
                                   ["quality", "none", "--data", "none", "--json", "locked/x.json"]], ids=" ".join)
def test_read_only_folders(tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "locked").mkdir(mode=0o555)
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 2 and "Permission denied" in done.output, done.output


def test_a_file_that_is_there_is_kept_until_it_is_replaced(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.json").write_text("kept")
    done = CliRunner().invoke(main, ["evaluate", "no_such_model", "--data", "none", "--json", "x.json"])
    assert "no model 'no_such_model'" in done.output and (tmp_path / "x.json").read_text() == "kept"
