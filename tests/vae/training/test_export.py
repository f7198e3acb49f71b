"""From runs to model folders: what is there is not lost, and the card says what was done."""
import csv
import json

import numpy as np
import pytest

from tests.vae.training.conftest import make_config, make_data, refused, run
from vae import registry
from vae.training import export, history

pytestmark = pytest.mark.usefixtures("uncompiled")


def test_a_model_is_replaced_with_force_only_and_by_a_whole_one_only(tmp_path, data, config, trained):
    models = tmp_path / "models"
    words = ["export", trained, "--name", "good", "--to", models]
    run(*words)
    first = registry.describe(models / "good").sha256
    (models / "good" / "card.md").write_text("mine")
    assert "--force" in refused(*words)
    best = (trained / "best.npz").read_bytes()
    with np.load(trained / "best.npz") as file:
        arrays = {name: file[name] for name in file.files}
    for broken, message in ((arrays["decoder/0/bias"] * np.nan, "decoder/0/bias holds values that are not finite"),
                            (arrays["decoder/0/bias"] + 1e9, "not finite")):  # beyond what float16 holds
        np.savez(trained / "best.npz", **{**arrays, "decoder/0/bias": broken})
        assert message in refused(*words, "--force")
        assert registry.load(models / "good").info.sha256 == first
        assert (models / "good" / "card.md").read_text() == "mine"
    (trained / "best.npz").write_bytes(best)
    run("train", config, "--data", data, "--out", tmp_path / "second", "--steps", 3)
    run("export", tmp_path / "second", *words[2:], "--force")
    assert registry.load(models / "good").info.sha256 != first
    assert (models / "good" / "card.md").read_text() != "mine"
    assert [path.name for path in models.iterdir()] == ["good"]


def test_what_is_no_model_is_never_replaced(tmp_path, trained):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.md").touch()
    (tmp_path / "file").touch()
    words = ["export", trained, "--to", tmp_path, "--force", "--name"]
    assert "holds what is no model (chapter1.md)" in refused(*words, "thesis")
    assert "no folder that can be written into" in refused(*words, "file")
    assert (tmp_path / "thesis" / "chapter1.md").exists()
    (tmp_path / "empty").mkdir()
    run(*words[:-2], "--name", "empty")


def test_input_that_cannot_be_used_is_a_message(tmp_path, data, trained):
    words = ["export", trained, "--name", "it", "--to", tmp_path]
    notes = tmp_path / "notes.md"
    notes.write_bytes(b"caf\xe9")
    assert "must be UTF-8" in refused(*words, "--notes", notes)
    assert "no test examples" in refused(*words, "--data", make_data(tmp_path / "untested", test=0))
    (trained / "history.csv").write_text("step,examples\n1,x\n")
    assert "history.csv is damaged" in refused(*words)
    (trained / "best.npz").unlink()
    assert "best.npz does not exist" in refused(*words)
    assert not (tmp_path / "it").exists()


def test_what_to_do_next_can_be_typed(tmp_path, data, trained):
    spaced = tmp_path / "my models"
    assert f"generate '{spaced / 'it'}' --plot" in run("export", trained, "--name", "it", "--to", spaced).replace("\n", "")
    config = make_config(tmp_path / "baseline.yaml", latent=0, encoder=[])
    assert "export '" in run("train", config, "--data", data, "--out", tmp_path / "base line")
    said = run("export", tmp_path / "base line", "--name", "baseline", "--to", tmp_path).replace("\n", "")
    assert f"evaluate {tmp_path / 'baseline'} --data DIR" in said


def test_the_card_says_what_each_stage_was_really_trained(tmp_path, data, config, trained):
    models = tmp_path / "models"
    run("export", trained, "--name", "base", "--to", models)
    run("train", config, "--data", data, "--out", tmp_path / "tuned", "--fine-tune", models / "base", "--steps", 3,
        "--save-every", 3)
    run("export", tmp_path / "tuned", "--name", "tuned", "--to", models)
    steps = registry.describe(models / "base").figures["steps"]
    card = (models / "tuned" / "card.md").read_text()
    assert f"Its weights after {steps} steps ({4 * steps} examples), " in card
    assert "Its weights after 3 steps (12 examples), " in card
    assert f"{4 * steps + 12} examples seen" in card


@pytest.mark.parametrize("rows, expected", [
    ([], []),
    ([(1, 8), (2, 16)], [(2, 16)]),
    ([(10, 80), (20, 160), (5, 180), (10, 200)], [(20, 160), (10, 40)]),
    ([(10, 80), (20, 240)], [(10, 80), (20, 160)]),  # the second training's first validation is after more steps
    ([(3000, 192000), (1000, 256000), (16000, 1.216e6), (1000, 1.248e6)], [(3000, 192000), (16000, 1024000), (1000, 32000)]),
])
def test_stages_are_told_from_their_history(rows, expected):
    assert history.stages([{"step": step, "examples": examples} for step, examples in rows]) == expected


def test_what_the_history_does_not_tell_is_not_said():
    text = export.made_with(["first", "second"], [{"step": 5.0, "examples": 40.0}])
    assert text.index("first") < text.index("second") < text.index("5 steps (40 examples)") and text.count("steps (") == 1


def test_the_stages_of_a_command_stand_with_it():
    commands = ["first", "second", f"{export.LATER_STAGE}2", f"{export.LATER_STAGE}3"]
    rows = [(10, 80), (20, 160), (5, 180), (10, 360)]  # 20 of 8, 5 of 4, 10 of 18
    text = export.made_with(commands, [{"step": float(step), "examples": float(examples)} for step, examples in rows])
    assert text.split("\n\n") == ["    first", "    second", "Its 3 stages, each from the best weights of the one before it: "
                                  "20 steps (160 examples); 5 steps (20 examples); 10 steps (180 examples).",
                                  "One after the other: each fine-tunes what the one before it made."]


@pytest.mark.parametrize("name", ["drums_2bar_small", "melody_2bar_small"])
def test_the_cards_that_ship_say_what_their_histories_tell(name):
    info = registry.describe(registry.SHIPPED / name)
    with open(info.path / "history.csv", newline="") as file:
        rows = [{key: float(row[key]) for key in ("step", "examples")} for row in csv.DictReader(file)]
    assert history.stages(rows)[-1][0] == info.figures["steps"]
    assert sum(examples for _, examples in history.stages(rows)) == info.figures["examples_seen"]
    assert export.made_with(info.commands, rows) in info.card.read_text()


def test_scores_go_to_standard_output_as_json(tmp_path, data, trained):
    run("export", trained, "--name", "it", "--to", tmp_path)
    said = run("evaluate", tmp_path / "it", "--data", data, "--json", "-")
    assert json.loads(said[said.index("{"):])["model"] == "it"
