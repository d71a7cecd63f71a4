"""Export a model's endpoints to a SavedModel, to ONNX or to LiteRT, and check what was written."""

from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..errors import UserError
from ..recipes import Origin, get_recipe
from ..recipes.endpoint import Endpoint
from .files import check_replaceable, plain_path, replacing, write_json
from .run import Run

# Batch sizes of the check: what was traced or frozen for one must serve the other.
CHECKED_BATCHES = (1, 3)
# Values along an axis of any length.
FREE = 4

Function = Callable[[Mapping[str, np.ndarray]], Mapping[str, np.ndarray]]


def export(
    source: str | Path | keras.Model,
    out: str | Path | None = None,
    *,
    format: str = "savedmodel",
    recipe: str | None = None,
    force: bool = False,
) -> Path:
    """Export the endpoints of a trained model, and verify each against the live model.

    Args:
        source: A run folder, or a model that a recipe built.
        out: Folder to write; `export/` in the run, or `export-FORMAT/`, if not given.
        format: "savedmodel", one SavedModel with a signature for each endpoint; "onnx" or "litert",
            one file for each deterministic endpoint whose inputs are all rows of a batch, of
            numbers, and that needs no gradients.
        recipe: Name of the recipe, for a model that has been loaded from a file.
        force: Whether an earlier export at `out` is replaced.

    Returns:
        The folder. Beside the model it holds `endpoints.json`, the names, shapes and types of all
        inputs and outputs, and `recipe.json`, recipe, arguments and versions, and of a run its data
        with their features, their fingerprint and the names of the classes.

    Raises:
        UserError: If the format is unknown or its packages are missing, the model is no recipe's,
            or `out` exists.
        RuntimeError: If what was written does not give what the live model gives.
    """
    if format not in WRITERS:
        raise UserError(f"format must be one of {', '.join(WRITERS)}, got {format!r}")
    if isinstance(source, keras.Model):
        model, origin, data = source, _origin(source, recipe), {}
    else:
        run = Run.open(source)
        model = run.load_model()
        origin = model.origin
        told = ("data", "features", "class_names", "fingerprint")
        data = {name: run.settings.get(name) for name in told}
        out = out or run.path / ("export" if format == "savedmodel" else f"export-{format}")
    if out is None:
        raise UserError("the export of a model needs a folder to write to: give out=")
    out = Path(out)
    check_replaceable(out, force, "export", "endpoints.json")

    endpoints = {
        name: endpoint
        for name, endpoint in get_recipe(origin.recipe).endpoints.items()
        if not hasattr(endpoint, "offered") or endpoint.offered(origin.arguments)
    }
    if format != "savedmodel":
        endpoints = {
            name: endpoint
            for name, endpoint in endpoints.items()
            if endpoint.deterministic and not getattr(endpoint, "differentiates", False)
        }
    live = {name: endpoint.bind(model) for name, endpoint in endpoints.items()}
    if format != "savedmodel":
        # Keras' converters give every input a batch axis, and no other format cuts up strings.
        live = {
            name: part
            for name, part in live.items()
            if all(s.shape and s.dtype != "string" for s in part.input.values())
        }
    with replacing(out) as aside:
        load = WRITERS[format](aside, model, live)
        for name, part in live.items():
            _verify(name, part, load(name))
        signatures = {name: _signature(endpoints[name], part) for name, part in live.items()}
        write_json(aside / "endpoints.json", signatures)
        description = {
            "recipe": origin.recipe,
            "arguments": dict(origin.arguments),
            **data,
            "format": format,
            "versions": {name: version(name) for name in ("amalthea", "keras", "tensorflow")},
        }
        write_json(aside / "recipe.json", description)
    return out


def _origin(model: keras.Model, recipe: str | None) -> Origin:
    origin = getattr(model, "origin", None)
    if origin and recipe not in (None, origin.recipe):
        raise UserError(f"the model is of the recipe {origin.recipe!r}, got recipe={recipe!r}")
    if recipe is not None:
        return Origin(get_recipe(recipe).name, dict(origin.arguments) if origin else {})
    if origin is None:
        raise UserError(
            f"the model {model.name!r} does not say which recipe built it: give recipe="
        )
    return origin


def _signature(endpoint: Endpoint, part: keras.Model) -> dict[str, Any]:
    def describe(tensors):
        return {n: {"shape": list(t.shape), "dtype": t.dtype} for n, t in tensors.items()}

    return {
        "inputs": describe(part.input),
        "outputs": describe(part.output),
        "deterministic": endpoint.deterministic,
    }


def _write_savedmodel(folder: Path, model: keras.Model, live: Mapping[str, keras.Model]):
    # Not Keras' ExportArchive, which stores every variable twice.
    if keras.backend.backend() != "tensorflow":
        raise UserError(
            f"a SavedModel is written on the TensorFlow backend, not on {keras.backend.backend()}: "
            "save the model, and export it where KERAS_BACKEND=tensorflow"
        )
    module = tf.Module()
    module.state = [variable.value for variable in model.variables]
    signatures = {name: _traced(part) for name, part in live.items()}
    signatures["serving_default"] = next(iter(signatures.values()))
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel("WARNING")  # else it names the folder before it is renamed
    try:
        tf.saved_model.save(module, folder, signatures)
    except tf.errors.OpError as error:  # its C++ parts know no OSError
        raise UserError(f"the SavedModel cannot be written: {plain_path(error.message)}") from error
    finally:
        logger.setLevel(level)
    loaded = tf.saved_model.load(folder)

    def load(name: str) -> Function:
        function = loaded.signatures[name]
        return lambda inputs: {
            k: v.numpy()
            for k, v in function(**{k: tf.constant(v) for k, v in inputs.items()}).items()
        }

    return load


def _traced(part: keras.Model):
    """The endpoint as a TensorFlow function with named inputs."""
    names = list(part.input)
    specs = [tf.TensorSpec(part.input[n].shape, part.input[n].dtype, name=n) for n in names]
    function = tf.function(
        lambda *tensors: part(dict(zip(names, tensors, strict=True)), training=False),
        input_signature=specs,
    )
    return function.get_concrete_function()


def _write_onnx(folder: Path, model: keras.Model, live: Mapping[str, keras.Model]):
    onnxruntime = _needs("onnxruntime", "onnx")
    _needs("tf2onnx", "onnx")
    folder.mkdir()
    for name, part in live.items():
        # Keras exports to ONNX only what has been called.
        random = np.random.default_rng(0)
        part({key: example(spec, 1, random) for key, spec in part.input.items()})
        part.export(folder / f"{name}.onnx", format="onnx", verbose=False)

    def load(name: str) -> Function:
        try:
            session = onnxruntime.InferenceSession(folder / f"{name}.onnx")
        except Exception as error:  # onnxruntime's own, of which it has no public class
            if "Failed to load model" not in str(error):
                raise
            raise UserError(
                f"the endpoint {name!r} needs operations of TensorFlow that ONNX lacks: export the "
                "model as a SavedModel"
            ) from None
        names = [output.name for output in session.get_outputs()]
        return lambda inputs: dict(zip(names, session.run(None, dict(inputs)), strict=True))

    return load


def _write_litert(folder: Path, model: keras.Model, live: Mapping[str, keras.Model]):
    interpreter = _needs("ai_edge_litert.interpreter", "litert")
    folder.mkdir()
    for name, part in live.items():
        part.export(folder / f"{name}.tflite", format="litert", verbose=False)

    def load(name: str) -> Function:
        runner = interpreter.Interpreter(str(folder / f"{name}.tflite")).get_signature_runner()

        def run(inputs):
            try:
                return runner(**inputs)
            except RuntimeError:
                raise UserError(
                    f"the endpoint {name!r} needs operations of TensorFlow that LiteRT lacks: "
                    "export the model as a SavedModel or to ONNX"
                ) from None

        return run

    return load


WRITERS = {"savedmodel": _write_savedmodel, "onnx": _write_onnx, "litert": _write_litert}


def _needs(module: str, extra: str):
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UserError(
            f"the {extra} format needs the extra {extra!r} ({error}): "
            f"pip install 'amalthea[{extra}]'"
        ) from None


def example(spec, batch: int, random: np.random.Generator) -> np.ndarray:
    """A random input: images, small whole numbers, texts, or a share."""
    if len(spec.shape) == 0:
        return np.int32(random.integers(1, 5)) if spec.dtype == "int32" else np.float32(0.5)
    shape = (batch, *(FREE if size is None else size for size in spec.shape[1:]))
    if spec.dtype == "string":
        return np.array(["".join(random.choice(list("ab c"), FREE)) for _ in range(batch)])
    if spec.dtype == "int32":
        return random.integers(0, 2, shape, dtype="int32")
    return random.random(shape, dtype="float32")


def _verify(name: str, part: keras.Model, exported: Function) -> None:
    """Raise `RuntimeError` unless the exported endpoint gives what the live model gives."""
    random = np.random.default_rng(0)
    for batch in CHECKED_BATCHES:
        inputs = {key: example(spec, batch, random) for key, spec in part.input.items()}
        given = inputs
        if any(spec.dtype == "string" for spec in part.input.values()):
            given = {key: tf.constant(value) for key, value in inputs.items()}
        expected = {k: np.asarray(v) for k, v in part(given).items()}
        got = exported(inputs)
        if got.keys() != expected.keys():
            raise RuntimeError(
                f"the exported endpoint {name!r} has the outputs {sorted(got)}, "
                f"the model has {sorted(expected)}"
            )
        for key, value in expected.items():
            if value.dtype == object:  # texts
                if not np.array_equal(got[key], value):
                    raise RuntimeError(
                        f"the exported endpoint {name!r} differs from the model in {key!r}"
                    )
                continue
            worst = np.abs(got[key] - value).max() if got[key].shape == value.shape else np.inf
            if not worst <= 1e-5 + 1e-5 * np.abs(value).max():
                raise RuntimeError(
                    f"the exported endpoint {name!r} differs from the model by {worst} in {key!r}"
                )
