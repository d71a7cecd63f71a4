import numpy as np

from amalthea.callbacks import Separation
from amalthea.recipes import perceptron


def trained(labels, epochs):
    images = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32").reshape(-1, 2, 1, 1)
    model = perceptron((2, 1, 1), 2, seed=0)
    fit = {"batch_size": 1, "shuffle": False, "verbose": 0, "callbacks": [Separation()]}
    return model.fit(images, np.array(labels), epochs=epochs, **fit).history


def test_classes_that_can_be_separated_end_the_training(capsys):
    history = trained([0, 0, 0, 1], 100)
    assert history["mistakes"][-1] == 0 < min(history["mistakes"][:-1])
    assert len(history["mistakes"]) < 100
    assert capsys.readouterr().out == ""


def test_of_others_it_says_so(capsys):
    history = trained([0, 1, 1, 0], 30)  # exclusive or
    assert min(history["mistakes"]) > 0
    assert "not separated: the last epoch had" in capsys.readouterr().out
