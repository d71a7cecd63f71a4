import numpy as np
from keras import ops

from amalthea import jobs


def test_it_is_trained_measured_and_asked_by_commands(command, tmp_path):
    words = ["--body", "mlp_128", "--learning-rate", 0.3, "--image-size", 16]
    status, out, _ = command("train", "tagger", "--epochs", 4, "--out", tmp_path / "a", *words)
    assert status == 0
    assert "val_mean_average_precision" in out
    figures = jobs.evaluate(tmp_path / "a")
    assert figures["mean_average_precision"] > 0.35  # by chance about 0.22
    images = np.zeros((2, 16, 16, 1), "float32")
    prediction = jobs.predict(tmp_path / "a", images)
    assert prediction.class_names == tuple("0123456789")
    shares = ops.convert_to_numpy(prediction.outputs["tags"])
    rows = prediction.rows()
    assert [set(row["tags"]) for row in rows] == [
        {str(i) for i in np.flatnonzero(row >= 0.5)} for row in shares
    ]
