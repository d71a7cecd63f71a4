import functools
import json
import resource
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from amalthea import jobs
from amalthea.errors import UserError
from amalthea.jobs import exporting
from amalthea.layers import DiagonalBiLSTM, RowLSTM
from amalthea.recipes import get_recipe, tied_autoencoder

from harness import one_sentence, stored
from kinds import LIKE, RECIPES, SAME_PARTS, each_recipe

# Models of many layers take their time to be exported.
QUICK = {"tied_autoencoder", "toy_gan"}
# One of each kind of layers that converters treat in ways of their own.
IN_FORMATS = {"autoencoder", "char_rnn", "conditional_gan", "lenet5", "pixelcnn", "pixelrnn", "rbm"}
IN_FORMATS |= {"recurrent_text_classifier", "unet", "variational_autoencoder"}

# A server: TensorFlow, and nothing of ours.
SERVER = """
import json, sys
import numpy as np
import tensorflow as tf

def plain(value):
    value = value.numpy()
    return value.astype("S") if value.dtype == object else value

for name, folder in json.loads(sys.argv[1]).items():
    loaded = tf.saved_model.load(folder + "/export")
    given = dict(np.load(folder + "/given.npz"))
    got = {}
    for endpoint, ends in json.load(open(folder + "/export/endpoints.json")).items():
        function = loaded.signatures[endpoint]
        outputs = function(**{key: tf.constant(given[key]) for key in ends["inputs"]})
        got |= {f"{endpoint}/{key}": plain(value) for key, value in outputs.items()}
    first = list(json.load(open(folder + "/export/endpoints.json")).values())[0]
    inputs = {key: tf.constant(given[key]) for key in first["inputs"]}
    for key, value in loaded.signatures["serving_default"](**inputs).items():
        got[f"serving_default/{key}"] = plain(value)
    stored = tf.train.list_variables(folder + "/export/variables/variables")
    got["kernels"] = np.array([shape for _, shape in stored if len(shape) == 2])
    np.savez(folder + "/got.npz", **got)
assert not [m for m in sys.modules if m.partition(".")[0] == "amalthea"]
"""


def build(name):
    return get_recipe(name).build(**get_recipe(name).smoke, seed=0)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """By the tier of a recipe, what TensorFlow alone makes of the exports of all in it."""
    tiers = {}
    for name in RECIPES:
        tiers.setdefault(tier(name), []).append(name)
    return functools.cache(lambda tier: _served(tmp_path_factory, tiers[tier]))


def tier(name):
    if name in QUICK:
        return "default"
    return "exhaustive" if name in LIKE or name in SAME_PARTS else "slow"


def _served(tmp_path_factory, names):
    """What the live models give, and what a process with TensorFlow alone makes of exports."""
    folders, expected = {}, {}
    for name in names:
        folder = tmp_path_factory.mktemp(name)
        model = build(name)
        jobs.export(model, folder / "export")
        given, outputs = {}, {}
        for endpoint, declared in get_recipe(name).endpoints.items():
            part = declared.bind(model)
            for key, spec in part.input.items():
                random = np.random.default_rng(len(given))
                given.setdefault(key, exporting.example(spec, 2, random))
            inputs = {k: tf.constant(given[k]) for k in part.input}
            for key, value in part(inputs).items():
                value = np.asarray(value)
                outputs[f"{endpoint}/{key}"] = value.astype("S") if value.dtype == object else value
        np.savez(folder / "given.npz", **given)
        folders[name], expected[name] = str(folder), outputs
    command = [sys.executable, "-c", SERVER, json.dumps(folders)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {n: (expected[n], stored(f"{folders[n]}/got.npz")) for n in folders}


@each_recipe(QUICK, like=SAME_PARTS)
def test_a_process_without_amalthea_serves_every_endpoint(name, served):
    expected, got = served(tier(name))[name]
    endpoints = get_recipe(name).endpoints
    for key, value in expected.items():
        if value.dtype.kind == "S":
            np.testing.assert_array_equal(got[key], value)
        else:
            endpoint = endpoints.get(key.partition("/")[0])
            # Rounding grows on the way back of a gradient.
            more = 10 if getattr(endpoint, "differentiates", False) else 1
            np.testing.assert_allclose(
                got[key], value, rtol=more * 1e-5, atol=more * 1e-6, err_msg=key
            )
    first, *_ = get_recipe(name).endpoints
    for key in (key for key in expected if key.startswith(f"{first}/")):
        same = got[f"serving_default/{key.partition('/')[2]}"]
        np.testing.assert_array_equal(same, got[key])


def test_a_tied_kernel_is_stored_once(served):
    _, got = served("default")["tied_autoencoder"]
    assert sorted(got["kernels"].tolist()) == [[5, 3], [16, 5]]


def test_the_folder_says_what_it_holds(tmp_path):
    out = jobs.export(build("tied_autoencoder"), tmp_path / "export")
    endpoints = json.loads((out / "endpoints.json").read_text())
    assert list(endpoints) == ["serve", "encode", "decode", "score"]
    assert endpoints["encode"]["inputs"] == {
        "images": {"shape": [None, 4, 4, 1], "dtype": "float32"}
    }
    assert endpoints["encode"]["outputs"] == {"codes": {"shape": [None, 3], "dtype": "float32"}}
    recipe = json.loads((out / "recipe.json").read_text())
    assert recipe["recipe"] == "tied_autoencoder"
    assert recipe["arguments"]["latent_dim"] == 3
    assert "amalthea" in recipe["versions"]


@pytest.mark.filterwarnings("ignore")  # the converters' own
@each_recipe((), like=set(RECIPES) - IN_FORMATS)
@pytest.mark.parametrize(("format", "suffix"), [("onnx", "onnx"), ("litert", "tflite")])
def test_other_formats_give_what_the_live_model_gives(name, format, suffix, tmp_path):
    model = build(name)
    layers = getattr(model, "network", model).layers
    layers = [getattr(layer, "forward_layer", layer) for layer in layers]
    loops = any(isinstance(layer, keras.layers.RNN) and not layer.unroll for layer in layers)
    scans = any(isinstance(layer, RowLSTM | DiagonalBiLSTM) for layer in layers)
    if scans or (format == "litert" and loops):
        with pytest.raises(
            UserError, match=r"'.*' needs operations of TensorFlow that (LiteRT|ONNX)"
        ):
            jobs.export(build(name), tmp_path / "export", format=format)
        assert not list(tmp_path.iterdir())
        return
    out = jobs.export(build(name), tmp_path / "export", format=format)
    files = {path.stem for path in out.glob(f"*.{suffix}")}
    endpoints = get_recipe(name).endpoints
    # One number for all rows, and strings.
    no_rows = {
        "n",
        "steps",
        "seed",
        "label",
        "truncation",
        "temperature",
        "top_k",
        "top_p",
        "texts",
    }
    assert files == {
        name
        for name, endpoint in endpoints.items()
        if no_rows.isdisjoint(endpoint.inputs) and not getattr(endpoint, "differentiates", False)
    }


@pytest.mark.slow
def test_any_stage_of_a_growing_model_is_exported(tmp_path):
    model = build("progan")
    model.enter(0)
    out = jobs.export(model, tmp_path / "export")
    endpoints = json.loads((out / "endpoints.json").read_text())
    assert endpoints["decode"]["outputs"]["images"]["shape"] == [None, 4, 4, 1]
    assert endpoints["discriminate"]["inputs"]["images"]["shape"] == [None, 8, 8, 1]


def test_a_model_loaded_from_a_file_knows_its_recipe_and_one_of_none_needs_its_name(tmp_path):
    build("tied_autoencoder").save(tmp_path / "model.keras")
    model = keras.models.load_model(tmp_path / "model.keras", compile=False)
    assert jobs.export(model, tmp_path / "known").is_dir()
    model.origin = None
    with pytest.raises(UserError, match="give recipe="):
        jobs.export(model, tmp_path / "export")
    assert jobs.export(model, tmp_path / "export", recipe="tied_autoencoder").is_dir()


def test_an_export_that_differs_from_the_model_fails_and_leaves_nothing(tmp_path, monkeypatch):
    write = exporting.WRITERS["savedmodel"]

    def write_another(folder, model, live):
        other = tied_autoencoder((4, 4, 1), hidden_units=(5,), latent_dim=3, seed=9)
        parts = {n: get_recipe("tied_autoencoder").endpoints[n].bind(other) for n in live}
        return write(folder, other, parts)

    monkeypatch.setitem(exporting.WRITERS, "savedmodel", write_another)
    with pytest.raises(RuntimeError, match="'serve' differs from the model by"):
        jobs.export(build("tied_autoencoder"), tmp_path / "export")
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_replaced_by_force_and_only_if_it_is_an_export(tmp_path):
    model = build("tied_autoencoder")
    out = jobs.export(model, tmp_path / "export")
    with pytest.raises(UserError, match="--force"):
        jobs.export(model, out)
    assert jobs.export(model, out, force=True) == out
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("keep me")
    with pytest.raises(UserError, match="no earlier export"):
        jobs.export(model, tmp_path / "precious", force=True)


@pytest.mark.parametrize("format", ["onnx", "litert"])
def test_a_missing_extra_is_named(format, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(UserError, match=rf"pip install 'amalthea\[{format}\]'") as error:
        jobs.export(build("tied_autoencoder"), tmp_path / "export", format=format)
    one_sentence(error)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_format_is_named(tmp_path):
    with pytest.raises(UserError, match="savedmodel, onnx, litert, got 'pmml'"):
        jobs.export(build("tied_autoencoder"), tmp_path / "export", format="pmml")


def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path):
    model = build("tied_autoencoder")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(UserError, match=r"cannot be written: .*too large"):
            jobs.export(model, tmp_path / "export")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


def test_a_model_is_not_exported_as_another_recipes(tmp_path):
    with pytest.raises(
        UserError, match=r"is of the recipe 'tied_autoencoder', got recipe='lenet5'"
    ):
        jobs.export(build("tied_autoencoder"), tmp_path / "export", recipe="lenet5")
    assert list(tmp_path.iterdir()) == []
