"""The command line: `amalthea VERB`, from list, describe, train and tune to export and demo.

Keras and TensorFlow take seconds to import, so each command imports what it needs when it runs; the
options that a recipe adds to `train` come from the catalogue.
"""

import contextlib
import errno
import functools
import inspect
import os
import shlex
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from ..compatibility import check_keras, configured_backend
from ..errors import UserError, nearest
from . import catalogue
from .files import plain_path

# What typer raises for a wrong option, in a place that all its versions have.
UsageError = typer.BadParameter.__base__

console = Console(highlight=False)


def _path(text: str) -> Path:
    if not text:
        raise typer.BadParameter("expected a path, got ''")
    return Path(text)


PATH = {"parser": _path, "metavar": "PATH", "show_default": False}
RunFolder = Annotated[Any, typer.Argument(help="Run folder.", **PATH)]
Data = Annotated[
    str | None,
    typer.Option(
        help="Data set: digits, a name of tensorflow-datasets such as fashion_mnist, images:FOLDER "
        "or arrays:FILE.npz; padded:NAME is any of them with margins, up to powers of two.",
        show_default="the recipe's own",
    ),
]
Out = Annotated[Any, typer.Option(help="Folder to make.", **PATH)]
Force = Annotated[bool, typer.Option("--force", help="Replace what an earlier job left there.")]
Seed = Annotated[int, typer.Option(help="Seed of weights, noise and order.", min=0)]


def _numbers(text: str) -> tuple[int, ...]:
    """Whole numbers with commas between them; none for an empty text."""
    try:
        return tuple(int(part) for part in text.split(",")) if text.strip() else ()
    except ValueError:
        raise typer.BadParameter(
            f"expected whole numbers with commas between them, got {text!r}"
        ) from None


def _size(text: str) -> int | tuple[int, ...]:
    numbers = text.split(",")
    if len(numbers) not in (1, 2) or not all(n.strip().isdecimal() and int(n) for n in numbers):
        raise typer.BadParameter(f"expected SIDE or HEIGHT,WIDTH, pixels from 1 on, got {text!r}")
    numbers = tuple(map(int, numbers))
    return numbers[0] if len(numbers) == 1 else numbers


ImageSize = Annotated[
    Any,
    typer.Option(
        parser=_size,
        metavar="SIDE|HEIGHT,WIDTH",
        help="Resize all images to this many pixels.",
        show_default=False,
    ),
]


def _range(text: str) -> tuple[float, float]:
    try:
        low, high = map(float, text.split(","))
    except ValueError:
        raise typer.BadParameter(f"expected BLACK,WHITE, two numbers, got {text!r}") from None
    return low, high


ValueRange = Annotated[
    Any,
    typer.Option(
        parser=_range,
        metavar="BLACK,WHITE",
        help="Values of black and white in the data, such as 0,255 or -1,1.",
        show_default="by what the data hold",
    ),
]
SequenceLength = Annotated[
    int | None,
    typer.Option(
        min=1, show_default="50", help="Characters of the sequences that a text is cut into."
    ),
]
GibbsSteps = Annotated[
    int | None,
    typer.Option(min=1, show_default="1000", help="Gibbs steps, where the model has chains."),
]
AcceptChangedData = Annotated[
    bool,
    typer.Option("--accept-changed-data", help="Go on although the data have changed since."),
]


def list_(
    pattern: Annotated[str, typer.Argument(help="Shell-style pattern of names.")] = "*",
) -> None:
    """List the recipes, their named sizes indented below them."""
    table = Table(box=None, pad_edge=False)
    for column in ("recipe", "family", "summary", "data"):
        table.add_column(column, no_wrap=column == "recipe")
    found = [catalogue.describe(name) for name in catalogue.list_recipes(pattern, variants=True)]
    if not found:
        raise UserError(f"no recipe is called like {pattern!r}: see 'amalthea list'")
    sizes = {entry["name"] for entry in found}
    for name in sorted({entry["variant_of"] or entry["name"] for entry in found}):
        entry = catalogue.describe(name)
        table.add_row(name, entry["family"], entry["summary"], entry["data"])
        for size in entry["variants"]:
            if size["name"] in sizes:
                table.add_row(f"  {size['name']}", "", f"{size['parameters']:,} parameters", "")
    console.print(table)


def describe(
    recipe: Annotated[str, typer.Argument(help="Name of the recipe.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Describe a recipe: paper, arguments, search space, endpoints, published sizes."""
    entry = catalogue.describe(recipe)
    if as_json:
        console.print_json(data=entry)
        return
    console.print(f"[bold]{entry['name']}[/bold]  {entry['summary']}")
    facts = Table(box=None, pad_edge=False, show_header=False)
    name, direction = entry["objective"]
    facts.add_row("family", entry["family"])
    facts.add_row("task", entry["task"])
    facts.add_row("paper", entry["paper"])
    facts.add_row("data", f"{entry['data']}, in batches of {entry['batch_size']}")
    facts.add_row("objective", f"{direction} {name}")
    for endpoint, ends in entry["endpoints"].items():
        call = f"{', '.join(ends['inputs'])} → {', '.join(ends['outputs'])}"
        facts.add_row("endpoint", f"{endpoint}: {call}")
    for published in entry["published"]:
        given = ", ".join(f"{k}={_text(v)}" for k, v in published["arguments"].items())
        count = f"{published['parameters']:,} parameters"
        facts.add_row(
            "published",
            f"{published['configuration']}: {count} ({published['source']})"
            + (f", by {given}" if given else ""),
        )
    if entry["variant_of"]:
        facts.add_row("a size of", entry["variant_of"])
    for size in entry["variants"]:
        count = f"{size['parameters']:,} parameters ({size['source']})"
        facts.add_row("size", f"{size['name']}: {count}")
    console.print(facts)
    console.print()
    for argument in entry["arguments"]:
        console.print(f"[bold]{argument['name']}[/bold] = {_text(argument['default'])}")
        lines = [argument["help"]]
        if argument["range"]:
            lines.append(f"[dim]tuned over {argument['range']} (rank {argument['rank']})[/dim]")
        console.print(Padding("\n".join(lines), (0, 0, 0, 4)))


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ",".join(map(str, value)) or '""'
    return str(value)


def train(
    context: typer.Context,
    recipe: Annotated[
        str | None,
        typer.Argument(
            help="Name of the recipe; 'amalthea train RECIPE --help' shows its own options.",
            show_default=False,
        ),
    ] = None,
    data: Data = None,
    out: Out = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, show_default="the recipe's own", help="Epochs.")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, show_default="the recipe's own", help="Images a step.")
    ] = None,
    image_size: ImageSize = None,
    value_range: ValueRange = None,
    sequence_length: SequenceLength = None,
    early_stopping: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="PATIENCE",
            help="End after so many epochs without a better objective, with the best weights.",
            show_default=False,
        ),
    ] = None,
    best: Annotated[
        Any, typer.Option(help="Take the best arguments of the search in this folder.", **PATH)
    ] = None,
    seed: Seed = 0,
    resume: Annotated[
        Any,
        typer.Option(
            help="Go on with the training in this folder; beside it, --epochs, --batch-size or "
            "--data change what comes.",
            **PATH,
        ),
    ] = None,
    accept_changed_data: AcceptChangedData = False,
    force: Force = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write TensorBoard logs, too.")
    ] = False,
    **arguments: Any,
) -> None:
    """Train a recipe on a data set, or go on with an interrupted training."""
    _prepare_keras()
    from . import training

    given = {name: value for name, value in arguments.items() if value is not None}
    if resume is not None:
        _alone(context, "epochs", "batch_size", "data", "accept_changed_data")
        changes = {"epochs": epochs, "batch_size": batch_size}
        with _resumable("train", resume):
            run = training.resume(resume, data, accept_changed_data=accept_changed_data, **changes)
    else:
        out = _required(recipe, out)
        with _resumable("train", out):
            run = training.train(
                recipe,
                data,
                out=out,
                arguments=given,
                best=best,
                epochs=epochs,
                batch_size=batch_size,
                image_size=image_size,
                value_range=value_range,
                sequence_length=sequence_length,
                early_stopping=early_stopping,
                seed=seed,
                force=force,
                tensorboard=tensorboard,
            )
    console.print(f"trained: {run.model_path}, curves in {run.path / 'curves.png'}")


def tune(
    context: typer.Context,
    recipe: Annotated[
        str | None, typer.Argument(help="Name of the recipe.", show_default=False)
    ] = None,
    data: Data = None,
    out: Out = None,
    trials: Annotated[
        int | None, typer.Option(min=1, show_default="20", help="Models to train, at the most.")
    ] = None,
    strategy: Annotated[str, typer.Option(help="random, bayesian or hyperband.")] = "random",
    epochs: Annotated[
        int | None,
        typer.Option(min=1, show_default="the recipe's own", help="Epochs of a trial."),
    ] = None,
    top: Annotated[
        int | None,
        typer.Option(
            min=1, show_default="all", help="Tune only so many hyperparameters, by their rank."
        ),
    ] = None,
    fix: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="Keep an argument at a value; 'amalthea describe RECIPE' lists them.",
            show_default=False,
        ),
    ] = None,
    objective: Annotated[
        str | None,
        typer.Option(
            help="Logged metric to optimise, such as val_loss or max:val_recall.",
            show_default="the recipe's own",
        ),
    ] = None,
    image_size: ImageSize = None,
    value_range: ValueRange = None,
    sequence_length: SequenceLength = None,
    seed: Seed = 0,
    resume: Annotated[
        Any,
        typer.Option(
            help="Go on with the search in this folder; beside it, --trials changes what comes.",
            **PATH,
        ),
    ] = None,
    accept_changed_data: AcceptChangedData = False,
    force: Force = False,
) -> None:
    """Search a recipe's hyperparameters, or go on with an interrupted search."""
    _prepare_keras()
    from . import tuning

    if resume is not None:
        _alone(context, "trials", "data", "accept_changed_data")
        with _resumable("tune", resume):
            run = tuning.resume_search(
                resume, data, trials=trials, accept_changed_data=accept_changed_data
            )
    else:
        out = _required(recipe, out)
        with _resumable("tune", out):
            run = tuning.tune(
                recipe,
                data,
                out=out,
                trials=trials or 20,
                strategy=strategy,
                epochs=epochs,
                top=top,
                fixed=_fixed(recipe, fix or ()),
                objective=objective,
                image_size=image_size,
                value_range=value_range,
                sequence_length=sequence_length,
                seed=seed,
                force=force,
            )
    console.print(f"best: {run.path / 'best.json'}, its model in {run.model_path}")


def evaluate(
    run: RunFolder,
    data: Annotated[
        str | None, typer.Option(help="Data set.", show_default="that of the run")
    ] = None,
    split: Annotated[
        str, typer.Option(help="test, validation, train or train+validation.")
    ] = "test",
    batch_size: Annotated[int, typer.Option(min=1, help="Images at a time.")] = 256,
    value_range: ValueRange = None,
    accept_changed_data: AcceptChangedData = False,
) -> None:
    """Evaluate the model of a run on held-out images."""
    _prepare_keras()
    from .evaluation import evaluate

    began = time.time()
    figures = evaluate(
        run,
        data,
        split=split,
        batch_size=batch_size,
        value_range=value_range,
        accept_changed_data=accept_changed_data,
    )
    table = Table("metric", split, box=None, pad_edge=False)
    for name, value in figures.items():
        table.add_row(name, f"{value:.6g}")
    console.print(table)
    names = ("evaluation.json", "reconstructions.png", "codes.png", "traversal.png")
    files = (run / name for name in names)
    written = [f.name for f in files if f.exists() and f.stat().st_mtime >= began - 1]
    if written:  # not in a folder that can only be read
        console.print(f"written to {run}: {', '.join(written)}")


def sample(
    run: RunFolder,
    n: Annotated[
        int | None,
        typer.Option("-n", min=1, show_default="64 images, 1 text", help="Number of samples."),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            show_default="any", help="Class of the images, its number or name, where there are any."
        ),
    ] = None,
    grid: Annotated[Any, typer.Option(help="PNG file to write.", **PATH)] = None,
    steps: GibbsSteps = None,
    truncation: Annotated[
        float | None,
        typer.Option(show_default="1", help="Share of the styles' variety, where there are some."),
    ] = None,
    prompt: Annotated[
        str | None, typer.Option(show_default="the end of a line", help="What texts begin with.")
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(min=0, show_default="1", help="Of texts, 0 for the likeliest characters."),
    ] = None,
    length: Annotated[
        int | None, typer.Option(min=1, show_default="200", help="Characters added to the prompt.")
    ] = None,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Draw images from a run's model, or have it write texts."""
    if grid is not None and (grid.is_dir() or (grid.exists() and not force)):
        raise UserError(f"{grid} exists: choose another place, or replace it by force (--force)")
    _prepare_keras()
    from .sampling import sample

    asked = {"label": label, "steps": steps, "truncation": truncation}
    asked |= {"prompt": prompt, "temperature": temperature, "length": length}
    samples = sample(run, n, grid=grid, seed=seed, **asked)
    if isinstance(samples, list):
        for text in samples:
            console.print(text, markup=False, highlight=False, soft_wrap=True)
    elif grid is None:
        raise UserError("name the picture to write with --grid, for example --grid samples.png")
    else:
        console.print(f"drawn: {len(samples)} images in {grid}")


def predict(
    run: RunFolder,
    paths: Annotated[
        list[Path],
        typer.Argument(help="Pictures, folders of pictures, or an .npz file.", show_default=False),
    ],
    out: Annotated[Any, typer.Option(help="Folder to write all outputs to.", **PATH)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
    top: Annotated[int, typer.Option(min=1, help="Classes named for each image.")] = 1,
    missing: Annotated[
        str | None,
        typer.Option(
            metavar="SIDE",
            help="Have upper, lower, left or right half completed, by a model that can.",
            show_default=False,
        ),
    ] = None,
    endpoint: Annotated[
        str | None, typer.Option(help="Endpoint to ask.", show_default="the one that says most")
    ] = None,
    steps: GibbsSteps = None,
    value_range: ValueRange = None,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Predict the classes of images; or reconstruct, complete or score them."""
    import json

    if out is not None and out.exists() and not ((out / "outputs.npz").is_file() and force):
        raise UserError(f"{out} exists: choose another place, or replace it by force (--force)")
    _prepare_keras()
    from .prediction import predict

    prediction = predict(
        run,
        paths,
        endpoint=endpoint,
        missing=missing,
        steps=steps,
        value_range=value_range,
        seed=seed,
    )
    if prediction.pictures and out is None:
        raise UserError(
            f"the endpoint {prediction.endpoint!r} gives pictures: name the folder to write them "
            "to with --out"
        )
    rows = prediction.rows(top)
    if out is not None:
        prediction.write(out)
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    figures = [name for name in rows[0] if not isinstance(rows[0][name], list)]
    if len(figures) > 1:
        table = Table(*figures, box=None, pad_edge=False)
        for row in rows:
            table.add_row(*(_figure(row[name]) for name in figures))
        console.print(table)
    if out is not None:
        console.print(f"written: {len(rows)} images in {out}", soft_wrap=True)
    elif len(figures) < 2:
        console.print(
            f"{prediction.endpoint} gives vectors: print them by --json, or write them by --out"
        )


def _figure(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {share:.4g}" for name, share in value.items())
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def export(
    run: RunFolder,
    out: Annotated[
        Any, typer.Option(help="Folder to write.", **PATH | {"show_default": "in the run"})
    ] = None,
    format: Annotated[str, typer.Option(help="savedmodel, onnx or litert.")] = "savedmodel",
    force: Force = False,
) -> None:
    """Export the endpoints of a run's model, and verify them."""
    import json

    _prepare_keras()
    from .exporting import export

    folder = export(run, out, format=format, force=force)
    console.print(f"exported and verified: {folder}")
    for name, ends in json.loads((folder / "endpoints.json").read_text()).items():
        console.print(f"  {name}: {', '.join(ends['inputs'])} → {', '.join(ends['outputs'])}")


def demo(
    out: Annotated[
        Any, typer.Option(help="Folder to make.", **PATH | {"show_default": True})
    ] = "runs/demo",
    trials: Annotated[int, typer.Option(min=1, help="Models that the search trains.")] = 8,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of the models compared.")] = 60,
) -> None:
    """Search, train, compare, export and serve an autoencoder of the embedded digits."""
    _prepare_keras()
    from .demonstration import LATENT_DIM, demo

    result = demo(out, trials=trials, epochs=epochs)
    console.print()
    table = Table("code of size " + str(LATENT_DIM), "squared error of a held-out digit", box=None)
    for name, error in sorted(result.errors.items(), key=lambda item: item[1]):
        table.add_row(name, f"{error:.4f}")
    console.print(table)
    gain = 1 - result.errors["tuned"] / result.errors["PCA"]
    verdict = "beats" if gain > 0 else "does not beat"
    console.print(
        f"the tuned recipe {verdict} PCA: its error is {abs(gain):.1%} "
        + ("smaller" if gain > 0 else "larger")
    )
    console.print("served from a process with TensorFlow alone:")
    for line in result.served:
        console.print(f"  {line}")
    for name, what in {
        "search/trials.csv": "every trial",
        "search/best.json": "the best arguments",
        "tuned/curves.png": "curves of the training",
        "tuned/reconstructions.png": "held-out digits above their reconstructions",
        "tuned/export": "the SavedModel",
    }.items():
        console.print(f"  {result.out / name}  {what}", soft_wrap=True)


def _required(recipe: str | None, out: Path | None) -> Path:
    if recipe is None:
        raise UserError("name a recipe, of those that 'amalthea list' shows, or --resume a run")
    if out is None:
        raise UserError("name the run folder to make with --out, for example --out runs/a")
    return out


def _alone(context: typer.Context, *beside: str) -> None:
    """Refuse, beside `--resume`, any word but the options `beside`."""
    given = [n for n in context.params if context.get_parameter_source(n).name == "COMMANDLINE"]
    for name in given:
        if name not in ("resume", *beside):
            word = _option(name) if name != "recipe" else context.params[name]
            raise UserError(
                f"'amalthea {context.info_name} --resume' goes on as the run began: beside the "
                f"folder it takes {', '.join(map(_option, beside))} only, got {word}"
            )


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _fixed(recipe: str, settings: list[str]) -> dict[str, Any]:
    """The values of `--fix NAME=VALUE`, of the types of the recipe's arguments."""
    arguments = {a["name"]: a for a in catalogue.describe(recipe)["arguments"]}
    arguments["batch_size"] = {"type": "int", "valid": "a whole number of at least 1"}
    values = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        name = name.replace("-", "_")  # as the options of `train` are spelt
        if not equals or not name:
            raise UserError(f"--fix takes NAME=VALUE, got {setting!r}")
        if name not in arguments:
            raise UserError(f"{recipe} has no argument {name!r}{nearest(name, arguments)}")
        if name in values:
            raise UserError(f"--fix gives {name} twice, {values[name]!r} and {text!r}")
        try:
            values[name] = _PARSE[arguments[name]["type"]](text)
        except (ValueError, typer.BadParameter):
            valid = arguments[name]["valid"]
            raise UserError(f"--fix {name}= takes {valid}, got {text!r}") from None
    return values


def _flag(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


_PARSE: dict[str, Callable[[str], Any]] = {
    "bool": _flag,
    "int": int,
    "float": float,
    "str": str,
    "ints": _numbers,
}


@contextlib.contextmanager
def _resumable(verb: str, out: Path) -> Iterator[None]:
    """Within, an interruption says how to go on."""
    try:
        yield
    except (KeyboardInterrupt, BrokenPipeError):
        if (out / "run.json").is_file():
            command = shlex.join(["amalthea", verb, "--resume", str(out)])
            _complain(f"interrupted: go on with `{command}`")
        else:
            _complain("interrupted before anything was written")
        raise typer.Exit(130) from None


def _with_options(entry: dict[str, Any]) -> Callable:
    """`train` with the options of one recipe, from its entry in the catalogue."""
    parameters = [
        p for p in inspect.signature(train).parameters.values() if p.kind is not p.VAR_KEYWORD
    ]
    taken = {p.name for p in parameters}
    for argument in entry["arguments"]:
        if argument["name"] in taken or argument["from_data"]:
            continue
        words = argument["help"].rstrip(".")
        tuned = f" Tuned over {argument['range']}." if argument["range"] else ""
        options = {
            "help": f"{words}; {argument['valid']}.{tuned}",
            "show_default": _text(argument["default"]),
            "rich_help_panel": f"Arguments of {entry['name']}",
        }
        if argument["type"] == "ints":
            kind, options = Any, options | {"parser": _numbers, "metavar": "N,N,…"}
        else:
            kind = {"int": int, "float": float, "bool": bool, "str": str}[argument["type"]] | None
        parameters.append(
            inspect.Parameter(
                argument["name"],
                inspect.Parameter.KEYWORD_ONLY,
                default=None,
                annotation=Annotated[kind, typer.Option(**options)],
            )
        )

    @functools.wraps(train)
    def command(**options):
        train(**options)

    command.__signature__ = inspect.Signature(parameters)
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    return command


def _app(words: list[str]) -> typer.Typer:
    """The application; `words` are the command line's, which may name a recipe to train."""
    app = typer.Typer(
        help="Keras recipes for the classic deep-learning models: complete, tunable, exportable.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )

    @app.callback(invoke_without_command=True)
    def version(
        version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
    ) -> None:
        if version:
            from importlib.metadata import version

            console.print(f"amalthea {version('amalthea')}")
            raise typer.Exit

    app.command("list")(list_)
    app.command()(describe)
    entry = {"name": "", "arguments": []}
    if words[:1] == ["train"]:
        known = set(catalogue.list_recipes(variants=True))
        name = next((word for word in words[1:] if word in known), "".join(words[1:2]))
        if name and not name.startswith("-"):
            entry = catalogue.describe(name)
    app.command()(_with_options(entry))
    for command in (tune, evaluate, predict, sample, export, demo):
        app.command()(command)
    return app


def _prepare_keras() -> None:
    """Check Keras, and import TensorFlow without what its C++ parts print as they are loaded."""
    check_keras()
    if configured_backend() != "tensorflow":
        return
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as unheard:
        os.dup2(unheard.fileno(), 2)
        try:
            import tensorflow

            tensorflow.get_logger().setLevel("ERROR")
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


def _complain(sentence: str) -> None:
    Console(stderr=True, highlight=False, markup=False, soft_wrap=True).print(
        f"amalthea: {sentence}"
    )


def _received(error: Exception) -> str:
    """The value that a wrong option had, where typer's message leaves it out."""
    causes = getattr(error.__cause__, "errors", list)()
    return f", got {causes[0]['input']!r}" if causes else ""


def main() -> None:
    """Run the command line; a user's mistake is one sentence and exit status 2."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.showwarning = lambda message, *_, **__: _complain(str(message))
    words = sys.argv[1:]
    try:
        status = _app(words)(words, prog_name="amalthea", standalone_mode=False)
    except UsageError as error:
        status = _complain(error.format_message() + _received(error)) or 2
    except (UserError, ImportError) as error:
        status = _complain(str(error)) or 2
    except BrokenPipeError:
        sys.stderr.close()
        status = 1
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno in errno.errorcode else str(error)
        where = f": {error.filename}" if error.filename else ""
        status = _complain(plain_path(reason.splitlines()[0] + where)) or 2
    sys.exit(status if isinstance(status, int) else 0)
