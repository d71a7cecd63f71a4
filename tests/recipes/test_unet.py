import json

import keras
import numpy as np
import pytest

from amalthea import data, jobs
from amalthea.errors import UserError
from amalthea.recipes import unet
from amalthea.recipes.segmenters.unet import MeanIoU, PixelCrossentropy

from harness import batch, build, one_sentence


def test_the_mean_iou_is_that_of_the_definition():
    random = np.random.default_rng(0)
    true, scores = random.integers(0, 3, (4, 5, 6)), random.normal(size=(4, 5, 6, 3))
    metric = MeanIoU(3)
    for part in (slice(2), slice(2, 4)):
        metric.update_state(true[part], scores[part])
    found = scores.argmax(-1)
    expected = [
        ((true == c) & (found == c)).sum() / ((true == c) | (found == c)).sum() for c in range(3)
    ]
    np.testing.assert_allclose(metric.result(), np.mean(expected), rtol=1e-6)


def test_of_a_mask_that_is_larger_the_middle_counts():
    random = np.random.default_rng(0)
    true, scores = random.integers(0, 2, (2, 10, 12)), random.normal(size=(2, 4, 4, 2))
    inner = true[:, 3:7, 4:8]
    for measure in (PixelCrossentropy(), MeanIoU(2)):
        whole = np.asarray(measure(true, scores))
        if isinstance(measure, keras.metrics.Metric):
            measure.reset_state()
        np.testing.assert_allclose(whole, measure(inner, scores), rtol=1e-6)
    chosen = np.take_along_axis(scores, inner[..., None], -1)[..., 0]
    entropy = np.log(np.exp(scores).sum(-1)) - chosen
    np.testing.assert_allclose(PixelCrossentropy()(true, scores), entropy.mean(), rtol=1e-5)


def test_an_unpadded_net_has_the_published_sizes():
    assert unet((188, 188, 1), padding="valid", width=1).output_shape == (None, 4, 4, 2)
    with pytest.raises(UserError, match=r"sides of 188, 204, .* pixels, got 180$") as error:
        unet((180, 188, 1), padding="valid", width=1)
    one_sentence(error)
    with pytest.raises(UserError, match="multiples of 16, got 24"):
        unet((24, 32, 1))


def test_an_unpadded_net_learns_from_whole_masks():
    model = unet((44, 44, 1), padding="valid", width=2, depth=2, seed=0)
    masks = np.zeros((4, 44, 44), "int32")
    before = model.get_weights()
    model.fit(np.random.rand(4, 44, 44, 1), masks, verbose=0)
    assert any((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))


def test_pixels_far_away_matter_by_the_way_down_and_near_ones_by_the_skips():
    model = unet((16, 16, 1), width=8, depth=2, seed=0)
    image = np.random.default_rng(0).random((1, 16, 16, 1), "float32")
    other = image.copy()
    other[0, 3, 3] = 1 - other[0, 3, 3]
    changed = np.abs(model.predict(other, verbose=0) - model.predict(image, verbose=0)).max(-1)[0]
    assert changed[3, 3] > 0
    assert (changed > 0).sum() > 25  # beyond two 3×3 convolutions


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda masks: masks + 1, "from 0 to 1, got 2"),
        (lambda masks: masks[:, :4], r"got some of shape \(4, 8\)"),
        (lambda masks: masks[..., None], r"got some of shape \(8, 8, 1\)"),
        (lambda masks: masks[:3], "got 3 for 24 examples"),
        (lambda masks: masks * 0.5 + 0.25, r"got 0\.[27]5"),
        (lambda masks: None, "got none"),
    ],
)
def test_masks_that_the_model_does_not_mean_are_refused(wrong, message):
    model, (images, masks) = build("unet"), batch("unet")
    with pytest.raises(UserError, match=rf"^unet learns from masks of shape .*{message}") as error:
        model.fit(images, wrong(masks), verbose=0)
    one_sentence(error)
    assert not model.optimizer.built


@pytest.mark.slow
@pytest.mark.tensorflow
def test_digits_are_told_from_clutter_and_a_run_is_drawn_and_asked(tmp_path):
    settings = {"width": 8, "depth": 3, "dropout": 0.0, "learning_rate": 1e-3}
    run = jobs.train("unet", out=tmp_path / "a", arguments=settings, epochs=5, verbose=0)
    assert jobs.evaluate(run.path)["mean_iou"] > 0.8  # background alone has 0.45
    assert {"masks.png", "evaluation.json"} <= {path.name for path in run.path.iterdir()}
    assert len(list((run.path / "samples").glob("epoch-*.png"))) == 5
    test = data.read("scenes", "test")
    asked = jobs.predict(run.path, test.given("image")[:3])
    assert asked.outputs["masks"].shape == (3, 32, 32)
    assert asked.rows() == [{"image": str(number)} for number in range(3)]
    asked.write(tmp_path / "out")
    assert (tmp_path / "out" / "masks.png").is_file()
    features = json.loads((run.path / "run.json").read_text())["features"]
    assert features["mask"]["names"] == ["background", "digit"]
