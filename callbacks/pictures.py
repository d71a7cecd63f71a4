"""Images in rows and grids, as PNG files."""

import math
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.image import imsave
from matplotlib.patches import Rectangle


def draw_rows(rows: Mapping[str, np.ndarray], path: str | Path, title: str = "") -> None:
    """Draw rows of images, each with its label on the left, as a PNG file.

    Args:
        rows: Label to images, `(count, height, width, channels)` with values in [0, 1], or
            `(count, height, width)`; equal counts and sizes. Three channels are red, green and
            blue; of any other number the mean is drawn.
        path: The file.
        title: A line above the rows.
    """
    count = len(next(iter(rows.values())))
    figure = Figure(
        figsize=(0.8 * count + 1.2, 0.85 * len(rows) + (0.4 if title else 0.1)), dpi=120
    )
    axes = figure.subplots(len(rows), squeeze=False)[:, 0]
    for axis, (label, images) in zip(axes, rows.items(), strict=True):
        axis.imshow(_strip(np.asarray(images, "float32")), cmap="gray", vmin=0, vmax=1)
        axis.set_ylabel(label, rotation=0, ha="right", va="center")
        axis.set(xticks=[], yticks=[], frame_on=False)
    if title:
        figure.suptitle(title)
    figure.tight_layout(pad=0.3)
    figure.savefig(path, format="png", bbox_inches="tight", pad_inches=0.05)


def _strip(images: np.ndarray) -> np.ndarray:
    """The images side by side, with a white gap of a twelfth of their width between them."""
    images = np.clip(images.reshape(*images.shape[:3], -1), 0, 1)
    if images.shape[-1] != 3:
        images = images.mean(axis=-1, keepdims=True)
    gap = _gap(images)
    padded = np.pad(images, ((0, 0), (0, 0), (0, gap), (0, 0)), constant_values=1)
    strip = np.concatenate(list(padded), axis=1)[:, :-gap]
    return strip[..., 0] if strip.shape[-1] == 1 else strip


def _gap(images: np.ndarray) -> int:
    """Pixels between images: a twelfth of their width."""
    return max(1, images.shape[2] // 12)


def draw_grid(images: np.ndarray, path: str | Path) -> None:
    """Draw images in a grid about as wide as it is high, as a PNG file.

    Args:
        images: As a row of `draw_rows`; at least one.
        path: The file.
    """
    images = np.asarray(images, "float32")
    images = images.reshape(*images.shape[:3], -1)
    columns = math.ceil(math.sqrt(len(images)))
    missing = np.ones((-len(images) % columns, *images.shape[1:]), "float32")
    cells = np.concatenate([images, missing])
    gap = _gap(images)
    strips = [_strip(cells[first : first + columns]) for first in range(0, len(cells), columns)]
    rows = [np.pad(s, ((0, gap), *[(0, 0)] * (s.ndim - 1)), constant_values=1) for s in strips]
    picture = np.concatenate(rows)[:-gap]
    scale = max(1, round(768 / picture.shape[1]))  # pixels stay squares, and can be seen
    picture = picture.repeat(scale, axis=0).repeat(scale, axis=1)
    imsave(path, picture, cmap="gray", vmin=0, vmax=1, format="png")


def draw_points(points: np.ndarray, path: str | Path) -> None:
    """Draw points of the unit square, as a PNG file.

    Args:
        points: `(count, 2)`, values in [0, 1].
        path: The file.
    """
    figure = Figure(figsize=(4, 4), dpi=120)
    axis = figure.subplots()
    axis.plot(*np.transpose(points), ".", markersize=3, alpha=0.5)
    axis.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xticks=[], yticks=[])
    figure.tight_layout()
    figure.savefig(path, format="png")


def draw_predictions(
    true: np.ndarray, predicted: np.ndarray, path: str | Path, names: Sequence[str] = ()
) -> None:
    """Draw numbers that were predicted against the true ones, as a PNG file.

    Args:
        true: `(count, targets)`; of many targets the first four are drawn.
        predicted: The same of what was predicted.
        path: The file.
        names: Names of the targets.
    """
    true, predicted = (np.asarray(values, "float64")[:, :4] for values in (true, predicted))
    figure = Figure(figsize=(4 * true.shape[1], 4), dpi=120)
    for column, axis in enumerate(figure.subplots(1, true.shape[1], squeeze=False)[0]):
        both = true[:, column], predicted[:, column]
        ends = [min(map(np.min, both)), max(map(np.max, both))]
        axis.plot(ends, ends, color="tab:gray", lw=1)
        axis.plot(*both, ".", ms=4, alpha=0.6)
        axis.set(xlabel="true", ylabel="predicted", title=names[column] if len(names) else "")
    figure.tight_layout()
    figure.savefig(path, format="png")


def draw_forecasts(
    known: np.ndarray, true: np.ndarray, forecast: np.ndarray, path: str | Path
) -> None:
    """Draw series with what follows and with what was forecast, as a PNG file.

    Args:
        known: `(count, steps)`.
        true: What follows, `(count, horizon)`.
        forecast: The same of what was forecast.
        path: The file.
    """
    columns = min(2, len(known))
    rows = -(-len(known) // columns)
    figure = Figure(figsize=(5 * columns, 1.8 * rows), dpi=100)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes[len(known) :]:
        axis.set_axis_off()
    for axis, before, after, guess in zip(axes, known, true, forecast, strict=False):
        steps = np.arange(1, len(after) + 1)
        axis.plot(np.arange(1 - len(before), 1), before, color="tab:gray", lw=1, label="known")
        style = {"marker": "o", "ms": 3} if len(after) == 1 else {"lw": 1.5}
        axis.plot(steps, after, color="tab:blue", label="true", **style)
        axis.plot(steps, guess, color="tab:orange", label="forecast", **style)
    axes[0].legend(fontsize=7, loc="upper left")
    figure.tight_layout()
    figure.savefig(path, format="png")


def draw_samples(images: np.ndarray, path: str | Path) -> None:
    """Draw what a model makes, as a PNG file: images in a grid, or points of the plane.

    Args:
        images: `(count, height, width, channels)`, or points, `(count, dimensions)`; values in
            [0, 1]. Of points of more than two dimensions the first two are drawn.
        path: The file.
    """
    images = np.clip(images, 0, 1)
    if images.ndim == 2:
        draw_points(images[:, :2], path)
    else:
        draw_grid(images, path)


def draw_boxes(
    images: np.ndarray,
    true: np.ndarray,
    found: np.ndarray,
    path: str | Path,
    titles: Sequence[str] = (),
) -> None:
    """Draw images in a row, each with a true box, in green, and one that was found, in red.

    Args:
        images: As a row of `draw_rows`.
        true: Top, left, bottom and right edge of each box as shares of the image, `(count, 4)`.
        found: The same of the boxes that were found.
        path: The file, a PNG.
        titles: What stands above the images.
    """
    images = np.clip(np.asarray(images, "float32"), 0, 1)
    height, width = images.shape[1:3]
    figure = Figure(figsize=(1.2 * len(images), 1.5), dpi=120)
    axes = figure.subplots(1, len(images), squeeze=False)[0]
    for index, (axis, image) in enumerate(zip(axes, images, strict=True)):
        grey = image.mean(axis=-1) if image.shape[-1] != 3 else image
        axis.imshow(grey, cmap="gray", vmin=0, vmax=1)
        for boxes, color in ((true, "tab:green"), (found, "tab:red")):
            top, left, bottom, right = np.asarray(boxes[index]) * [height, width, height, width]
            corner = (left - 0.5, top - 0.5)
            box = Rectangle(corner, right - left, bottom - top, fill=False, color=color, lw=1.5)
            axis.add_patch(box)
        axis.set(xticks=[], yticks=[], title=titles[index] if titles else "")
    figure.tight_layout(pad=0.3)
    figure.savefig(path, format="png")


def draw_attention(
    maps: Sequence[tuple[np.ndarray, Sequence[str], Sequence[str]]], path: str | Path
) -> None:
    """Draw what was looked at as sequences were written, below each other, as a PNG file.

    Args:
        maps: Of each sequence the weights, `(written, read)`, 0 white and 1 black; what was
            written, from top to bottom; and what was read, from left to right.
        path: The file.
    """
    heights = [max(1, len(written)) for _, written, _ in maps]
    width = max(max(1, len(read)) for _, _, read in maps)
    size = min(0.2, 30 / width, 60 / sum(heights))  # inches of a square
    figure = Figure(figsize=(size * (width + 3), size * sum(h + 3 for h in heights)), dpi=100)
    axes = figure.subplots(len(maps), squeeze=False, height_ratios=heights)[:, 0]
    for axis, (weights, written, read) in zip(axes, maps, strict=True):
        axis.imshow(weights, cmap="gray_r", vmin=0, vmax=1, aspect="equal")
        axis.set_xticks(range(len(read)), read)
        axis.set_yticks(range(len(written)), written)
        axis.tick_params(labelsize=50 * size, length=0, labeltop=True, labelbottom=False)
    with warnings.catch_warnings():
        # A character that the font lacks is drawn as a box.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        figure.tight_layout(pad=0.3)
        figure.savefig(path, format="png", bbox_inches="tight", pad_inches=0.05)


def draw_codes(
    codes: np.ndarray, labels: np.ndarray | None, path: str | Path, names: Sequence[str] = ()
) -> None:
    """Draw codes as points of the plane, coloured by class, as a PNG file.

    Codes of more than two dimensions are shown by their two principal components.

    Args:
        codes: `(count, …)`; two or more.
        labels: Classes, `(count,)`, or None.
        path: The file.
        names: Names of the classes; their numbers where not given.
    """
    codes = np.asarray(codes, "float32").reshape(len(codes), -1)
    axes = ["code 1", "code 2"]
    if codes.shape[1] == 1:
        codes = np.pad(codes, ((0, 0), (0, 1)))
    elif codes.shape[1] > 2:
        from sklearn.decomposition import PCA

        codes = PCA(2, random_state=0).fit_transform(codes)
        axes = ["principal component 1", "principal component 2"]
    figure = Figure(figsize=(6.5, 5), dpi=120)
    axis = figure.subplots()
    groups = [None] if labels is None else np.unique(labels)
    colors = matplotlib.colormaps["tab10" if len(groups) <= 10 else "tab20"]
    for index, group in enumerate(groups):
        points = codes if group is None else codes[np.asarray(labels) == group]
        name = names[group] if group is not None and len(names) else group
        axis.plot(*points.T, ".", color=colors(index % colors.N), ms=3, alpha=0.5, label=name)
    axis.set(xlabel=axes[0], ylabel=axes[1])
    if labels is not None and len(groups) <= 20:
        axis.legend(markerscale=4, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    figure.tight_layout()
    figure.savefig(path, format="png")
