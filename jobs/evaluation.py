"""Measure a trained model on held-out images."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..checks import check_count
from ..data import Examples
from ..data.features import Feature
from ..errors import UserError
from ..recipes import get_recipe
from .files import kept_if_possible, replacing, write_json
from .inputs import Source, adopted, check_unchanged, source_of
from .run import Run, working

# Of data on disk, so many examples are pictured, and measured by what Keras' `evaluate` lacks.
MEASURED = 10_000


def evaluate(
    run: str | Path,
    data: Any = None,
    *,
    split: str = "test",
    batch_size: int = 256,
    value_range: tuple[float, float] | None = None,
    accept_changed_data: bool = False,
    verbose: int = 0,
) -> dict[str, float]:
    """Evaluate the model of a run.

    Args:
        run: The folder of a finished training or search.
        data: Name of the data set, or data from Python as `train` takes them, of which all are
            taken; those of the run if not given.
        split: "test", "validation", "train" or "train+validation".
        batch_size: Images at a time.
        value_range: The values of black and white of other data than those of the run; by what the
            images hold if not given.
        accept_changed_data: Whether to measure on data, or by classes, that are not those that the
            run learnt from.
        verbose: As in Keras' `evaluate`.

    Returns:
        Each metric that the model was compiled with; for an autoencoder the `reconstruction_error`
        of an image; for a variational one also the mean `log_likelihood_bound` in nats, by 50
        samples for each image, and its `active_units`; for a Boltzmann machine over binary units
        the mean `log_likelihood` of an image in nats, by annealed importance sampling, with the
        `standard_error` of its log-partition.
        Of data on disk all but the model's own metrics are of the first 10,000 examples.
        The same is written to the run's `evaluation.json`, with how many were `measured` so if not
        all; of an autoencoder the first images with
        their reconstructions to `reconstructions.png`, codes coloured by class to `codes.png`, and
        images along the dimensions of the code that vary most, or for a conditional one along the
        first of them in each class, to `traversal.png`.

    Raises:
        UserError: If `run` is no finished run, its data have changed, or the data does not fit the
            model.
    """
    run = Run.open(run, same_data=True)
    check_count("batch_size", batch_size)
    model, entry = run.load_model(), get_recipe(run.settings["recipe"])
    if data is None:
        source = source_of(run, entry)
        images = source.read(split)
        fingerprint, _ = check_unchanged(run, source, {split: images}, accept_changed_data)
    else:
        reading = run.reading if isinstance(data, str | Path) else {}
        own = {"value_range": value_range, "in_memory": None, "skip_damaged": None}
        source = Source(data, entry.task.columns, **{**reading, **own})
        images = source.whole or source.read(split)
        fingerprint = source.fingerprint({split: images})
    features = entry.features(model.origin.arguments)
    _check_fit(run, features, images)
    images = adopted(features, images)
    if entry.supervised and data is not None:
        _check_classes(run, images, accept_changed_data)
    images = entry.task.select(images)
    if model.carries:  # then a text is read from beginning to end
        batch_size = 1
    batches = images.batches(batch_size, shuffle=False)
    figures = {
        k: float(v) for k, v in model.evaluate(batches, verbose=verbose, return_dict=True).items()
    }
    measured = images.first(MEASURED).in_memory() if images.on_disk else images
    if entry.measures:
        figures |= entry.measures(model, *entry.task.arrays(measured), batch_size)
    result = {
        "data": source.name,
        "split": None if source.whole else split,
        "fingerprint": fingerprint.summary(),
        "figures": figures,
    }
    if entry.measures and len(measured) < len(images):
        result["measured"] = len(measured)
    with kept_if_possible(run.path), working(run.path):
        for name, draw in entry.task.draw(entry, model, measured, batch_size).items():
            with replacing(run.path / name) as aside:
                draw(aside)
        write_json(run.path / "evaluation.json", result)
    return figures


def _check_classes(run: Run, examples: Examples, accept: bool) -> None:
    """Raise `UserError` if classes have other names than those that the run learnt."""
    known = run.class_names
    names = getattr(examples.features.get("label"), "names", ())
    if accept or not known or not names or names == known[: len(names)]:
        return
    raise UserError(
        f"the classes of {examples.name} are {', '.join(names)}, and {run.path} has learnt "
        f"{', '.join(known)}: to compare their numbers all the same say --accept-changed-data "
        "(accept_changed_data=True)"
    )


def _check_fit(run: Run, features: Mapping[str, Feature], examples: Examples) -> None:
    """Raise `UserError` if a model that takes these features cannot be measured on examples."""
    for name, feature in features.items():
        if name not in examples.features:
            raise UserError(
                f"the model of {run.path} is measured against {feature.noun}, "
                f"{examples.name} has none"
            )
        if differs := feature.unlike(examples.features[name]):
            raise UserError(
                f"the model of {run.path} {differs[0]}, {examples.name} has {differs[1]}"
            )
