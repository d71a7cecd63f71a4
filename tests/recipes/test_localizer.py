import json

import numpy as np
import pytest

from amalthea import jobs
from amalthea.errors import UserError
from amalthea.recipes.detectors.localizer import (
    ClassAndBox,
    class_accuracy,
    intersection_over_union,
    iou,
    localization_accuracy,
)

from harness import batch, build, call_endpoint, one_sentence


def test_intersection_over_union_is_that_of_drawn_boxes():
    random = np.random.default_rng(0)
    low, high = np.sort(random.integers(0, 20, (2, 50, 2, 2)), axis=0)
    boxes = np.concatenate([low, high], axis=-1)

    def drawn(box):
        canvas = np.zeros((20, 20), bool)
        canvas[box[0] : box[2], box[1] : box[3]] = True
        return canvas

    found = np.asarray(intersection_over_union(boxes[:, 0] / 20.0, boxes[:, 1] / 20.0))
    for (first, second), got in zip(boxes, found, strict=True):
        both, either = drawn(first) & drawn(second), drawn(first) | drawn(second)
        np.testing.assert_allclose(got, both.sum() / max(either.sum(), 1), atol=1e-5)


def test_loss_and_metrics_are_those_of_the_definition():
    true = np.array([[[0.1, 0.1, 0.5, 0.5, 1]], [[0.2, 0.2, 0.6, 0.6, 0]]], "float32")
    found = np.array([[[0.1, 0.1, 0.5, 0.5, 0, 2]], [[0.5, 0.5, 0.9, 0.9, 0, 1]]], "float32")
    np.testing.assert_allclose(class_accuracy(true, found), [1, 0])
    np.testing.assert_allclose(iou(true, found), [1, 0.01 / 0.31], rtol=1e-4)
    np.testing.assert_allclose(localization_accuracy(true, found), [1, 0])
    entropies = np.log(1 + np.exp([-2, 1]))
    errors = np.array([0, 4 * 0.3**2])
    expected = (entropies + 7 * errors).mean()
    np.testing.assert_allclose(ClassAndBox(7.0)(true, found), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda boxes: np.add(boxes, [0, 0, 0, 0, 3]), r"got \["),
        (lambda boxes: boxes[..., [2, 3, 0, 1, 4]], r"got \["),
        (lambda boxes: boxes * 32, r"got \["),
        (lambda boxes: boxes[:, 0], r"got some of shape \(5,\)"),
        (lambda boxes: boxes[:3], "got 3 for 24 examples"),
        (lambda boxes: None, "got none"),
    ],
)
def test_boxes_that_the_model_does_not_mean_are_refused(wrong, message):
    model, (images, boxes) = build("localizer"), batch("localizer")
    sentence = rf"^localizer learns from boxes of shape .*{message}"
    with pytest.raises(UserError, match=sentence) as error:
        model.fit(images, wrong(boxes), verbose=0)
    one_sentence(error)
    assert not model.optimizer.built


def test_images_that_cannot_be_halved_are_refused():
    with pytest.raises(UserError, match="images of 8×8 cannot be halved 4 times"):
        build("localizer", depth=4)


def test_the_endpoint_tells_box_and_class():
    model, (images, _) = build("localizer"), batch("localizer")
    found = call_endpoint(model, "serve", images=images)
    assert found["boxes"].shape == (24, 4)
    np.testing.assert_allclose(found["probabilities"].sum(-1), 1, rtol=1e-5)


@pytest.mark.exhaustive
@pytest.mark.tensorflow
def test_digits_are_found_among_clutter_and_a_run_is_drawn_and_asked(tmp_path):
    settings = {"width": 8, "units": 64, "dropout": 0.0}
    run = jobs.train("localizer", out=tmp_path / "a", arguments=settings, epochs=10, verbose=0)
    figures = jobs.evaluate(run.path)
    assert figures["iou"] > 0.45  # the mean box has 0.24
    assert (run.path / "boxes.png").is_file()
    assert len(list((run.path / "samples").glob("epoch-*.png"))) == 10
    asked = jobs.predict(run.path, np.zeros((2, 32, 32, 1), "float32"))
    assert all({"class", "probability", "boxes"} <= row.keys() for row in asked.rows())
    features = json.loads((run.path / "run.json").read_text())["features"]
    assert features["boxes"]["names"] == [str(digit) for digit in range(10)]
