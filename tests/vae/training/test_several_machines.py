"""Two workers on loopback train what one does: the batch is shared, the noise is drawn for all of it."""
import json
import os
import socket
import subprocess

import numpy as np
import yaml

from tests.vae.training.conftest import run
from tests.vae.training.test_train_command import CONFIG, command, parameters, write_data


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def train_together(words, workers):
    """Run the same command as that many workers; returns their processes' results, the chief's first."""
    cluster = {"worker": [f"127.0.0.1:{port}" for port in free_ports(workers)]}
    processes = []
    for index in range(workers):
        environment = {**os.environ, "TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})}
        processes.append(subprocess.Popen(command(*words[index]), env=environment, text=True,
                                          stdout=subprocess.PIPE, stderr=subprocess.PIPE))
    results = [process.communicate(timeout=300) for process in processes]
    for process, (stdout, stderr) in zip(processes, results):
        assert process.returncode == 0, stderr
    return results


def test_two_machines_train_what_one_does_and_go_on_from_the_first_ones_checkpoint(tmp_path):
    data, config = write_data(tmp_path / "data"), tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(CONFIG))
    words = ["train", config, "--data", data, "--save-every", 4]
    run(*words, "--out", tmp_path / "one", "--steps", 8)
    together = [[*words, "--out", tmp_path / f"worker{index}"] for index in range(2)]
    train_together([[*one, "--steps", 4] for one in together], 2)
    train_together([[*one, "--steps", 8] for one in together], 2)  # the second worker has no checkpoint of its own
    assert not (tmp_path / "worker1" / "checkpoint.npz").exists()
    alone, shared = parameters(tmp_path / "one"), parameters(tmp_path / "worker0")
    for name in alone:
        np.testing.assert_allclose(shared[name], alone[name], atol=2e-4, err_msg=name)  # sums in another order
