"""Options that several commands have."""

from pathlib import Path
from typing import Annotated, Any

import typer

from .. import catalogue

# What --data takes, but for the other names of tensorflow-datasets.
DATA = (
    "adding",
    "arrays:",
    "bytes:",
    "cifar10",
    "copying",
    "crowds",
    "dates",
    "diabetes",
    "digits",
    "fashion_mnist",
    "fortunes",
    "grid25",
    "hourly_temperatures",
    "images:",
    "iso_codes",
    "kjv",
    "mackey_glass",
    "mnist",
    "movie_reviews",
    "numbers",
    "padded:",
    "pairs:",
    "pixels:",
    "plain:",
    "python_docs",
    "python_topics",
    "ring8",
    "rows:",
    "scenes",
    "series:",
    "subwords:",
    "table:",
    "text:",
    "texts:",
    "tokens:",
    "words:",
    "written:",
)


def complete_recipe(incomplete: str) -> list[str]:
    """Recipes and sizes that begin like a word."""
    return catalogue.list_recipes(f"{incomplete}*", variants=True)


def complete_data(incomplete: str) -> list[str]:
    """Data sets that begin like a word."""
    return [name for name in DATA if name.startswith(incomplete)]


def read_path(text: str) -> Path:
    """A path, which is not empty."""
    if not text:
        raise typer.BadParameter("expected a path, got ''")
    return Path(text)


PATH = {"parser": read_path, "metavar": "PATH", "show_default": False}
RunFolder = Annotated[Any, typer.Argument(help="Run folder.", **PATH)]
Data = Annotated[
    str | None,
    typer.Option(
        help="Data set: digits, scenes, a name of tensorflow-datasets such as fashion_mnist, "
        "images:FOLDER, arrays:FILE.npz, python_docs or text:FILE, texts:FOLDER, table:FILE.csv, "
        "dates or pairs:FILE; "
        "padded:NAME is images with margins, up to powers of two, rows:NAME and pixels:NAME are "
        "images as series, words:NAME is a text in words, subwords:NAME in pieces of words, "
        "bytes:NAME in bytes, plain:NAME its words alone.",
        autocompletion=complete_data,
        show_default="the recipe's own",
    ),
]
Out = Annotated[Any, typer.Option(help="Folder to make.", **PATH)]
Force = Annotated[bool, typer.Option("--force", help="Replace what an earlier job left there.")]
Seed = Annotated[int, typer.Option(help="Seed of weights, noise and order.", min=0)]


def read_numbers(text: str) -> tuple[int, ...]:
    """Whole numbers with commas between them; none for an empty text."""
    try:
        return tuple(int(part) for part in text.split(",")) if text.strip() else ()
    except ValueError:
        raise typer.BadParameter(
            f"expected whole numbers with commas between them, got {text!r}"
        ) from None


def read_size(text: str) -> int | tuple[int, ...]:
    """A side of an image, or its height and width."""
    numbers = text.split(",")
    if len(numbers) not in (1, 2) or not all(n.strip().isdecimal() and int(n) for n in numbers):
        raise typer.BadParameter(f"expected SIDE or HEIGHT,WIDTH, pixels from 1 on, got {text!r}")
    numbers = tuple(map(int, numbers))
    return numbers[0] if len(numbers) == 1 else numbers


ImageSize = Annotated[
    Any,
    typer.Option(
        parser=read_size,
        metavar="SIDE|HEIGHT,WIDTH",
        help="Resize all images to this many pixels.",
        show_default=False,
    ),
]


def read_range(text: str) -> tuple[float, float]:
    """The values of black and white."""
    try:
        low, high = map(float, text.split(","))
    except ValueError:
        raise typer.BadParameter(f"expected BLACK,WHITE, two numbers, got {text!r}") from None
    return low, high


ValueRange = Annotated[
    Any,
    typer.Option(
        parser=read_range,
        metavar="BLACK,WHITE",
        help="Values of black and white in the data, such as 0,255 or -1,1.",
        show_default="by what the data hold",
    ),
]
SequenceLength = Annotated[
    int | None,
    typer.Option(
        min=1,
        show_default="50, 20 or 200 words, or 168 steps",
        help="Characters, or other tokens, of the sequences that a text is cut into; words that "
        "are taken of texts with classes; steps of a series before those to be forecast.",
    ),
]
Horizon = Annotated[
    int | None,
    typer.Option(min=1, show_default="24", help="Steps of a series that are to be forecast."),
]
VocabularySize = Annotated[
    int | None,
    typer.Option(
        min=1,
        show_default="10000, 4000 sub-words, or 20000 with classes",
        help="Different words, or sub-words, of a text that are known at the most.",
    ),
]
InMemory = Annotated[
    bool | None,
    typer.Option(
        "--in-memory/--on-disk",
        help="Read pictures and arrays in files at once, or as they are needed.",
        show_default="by their size and the free memory",
    ),
]
SkipDamaged = Annotated[
    bool,
    typer.Option("--skip-damaged", help="Leave out pictures on disk that cannot be read."),
]
Precision = Annotated[
    str | None,
    typer.Option(
        metavar="float32|mixed_bfloat16|mixed_float16",
        help="In which numbers models compute.",
        show_default="float32",
    ),
]


def read_devices(text: str) -> int | str:
    """A number of devices, or all."""
    if text == "all":
        return text
    if not text.isdecimal() or not int(text):
        raise typer.BadParameter(f"expected a number of devices from 1 on, or all, got {text!r}")
    return int(text)


Devices = Annotated[
    Any,
    typer.Option(
        parser=read_devices,
        metavar="N|all",
        help="Devices that each batch is spread over: GPUs, or without one processors.",
        show_default="1",
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
