"""A folder of pictures, or of class folders of pictures."""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import UserError
from .image_set import ImageSet
from .on_disk import OnDisk, fits_in_memory
from .resize import fitted
from .splits import indices_by_file
from .value_range import BYTES

if TYPE_CHECKING:
    from PIL import Image

# So many pictures are looked at to tell what all are like that are not read at once.
_LOOKED_AT = 100
_GREY = ("1", "L", "LA", "La", "I;16", "I;16L", "I;16B")
_ORIENTATION = 0x0112  # EXIF tag; 5 to 8 mean a picture stored on its side


def read(
    folder: Path,
    split: str,
    size: tuple[int, int] | None,
    value_range: tuple[float, float] | None = None,
    in_memory: bool | None = None,
    skip_damaged: bool = False,
) -> ImageSet:
    """The split of the pictures in `folder`, cut about 80/10/10 by the names of the files.

    Where they would take too much of the memory they stay on disk, unless `in_memory` says more.

    Each immediate subfolder with pictures is a class; without such subfolders the pictures of the
    folder itself have no labels. Pictures are the files whose extension stands for an image type
    that Pillow opens; hidden and other files are passed over, and damaged pictures are skipped with
    one warning, on disk if `skip_damaged`, and are an error there otherwise. Everything becomes
    RGB, with transparency dropped, unless all pictures are greyscale.
    """
    name = f"images:{folder}"
    classes = pictures(name, folder)
    files = [(file, label) for label, files in enumerate(classes.values()) for file in files]
    if not (_fit(files, size) if in_memory is None else in_memory):
        return _on_disk(name, folder, classes, split, size, value_range, skip_damaged)
    damaged: list[str] = []

    def readable(function: Callable, files: list[tuple[Path, int]]) -> list[tuple]:
        """The files for which `function` works, each as (file, label, result)."""

        def attempt(file: Path) -> object:
            try:
                return function(file)
            except Exception:  # Pillow's decoders raise errors of many unrelated types
                damaged.append(str(file.relative_to(folder)))
                return None

        with ThreadPoolExecutor() as pool:
            results = pool.map(attempt, [file for file, _ in files])
        found = [(*file, r) for file, r in zip(files, results, strict=True) if r is not None]
        if not found:
            raise UserError(f"{name}: none of the {len(files)} pictures can be read")
        return found

    headers = readable(_header, files)
    _check_sizes(name, {shape for _, _, (_, shape) in headers}, size)
    grey = all(is_grey for _, _, (is_grey, _) in headers)

    def decode(file: Path) -> np.ndarray:
        return pixels_of(file, "L" if grey else "RGB", size)

    labelled = list(classes) != [""]
    labels = np.array([label for _, label, _ in headers]) if labelled else None
    chosen = indices_by_file(name, split, [file.name for file, *_ in headers], labels)
    decoded = readable(decode, [headers[i][:2] for i in chosen])
    if damaged:
        warnings.warn(_skipped(name, damaged), stacklevel=5)
    return ImageSet(
        name,
        np.stack([picture for _, _, picture in decoded]),
        np.array([label for _, label, _ in decoded]) if labelled else None,
        tuple(classes) if labelled else (),
        value_range or BYTES,
    )


class Pictures:
    """Pictures that are decoded when they are asked for, and brought to one size.

    Args:
        name: What messages call the folder.
        folder: Where they are.
        paths: Their paths in it.
        mode: Pillow's mode that they are brought to.
        size: Height and width.
        resizes: Whether they are brought to that size, or all have it.
        skips: Whether damaged ones are left out.

    Attributes:
        damaged: The paths of those that were.
    """

    dtype = np.dtype(np.uint8)

    def __init__(
        self,
        name: str,
        folder: Path,
        paths: list[str],
        mode: str,
        size: tuple[int, int],
        *,
        resizes: bool,
        skips: bool = False,
    ):
        self.name, self.folder, self.paths, self.mode = name, folder, paths, mode
        self.resizes, self.skips = resizes, skips
        self.shape = (len(paths), *size, 1 if mode == "L" else 3)
        self.damaged: set[str] = set()
        self.told = str(folder)

    def read(self, rows):
        values = np.empty((len(rows), *self.shape[1:]), np.uint8)
        found = np.ones(len(rows), bool)
        for at, row in enumerate(rows):
            path = self.paths[row]
            try:
                values[at] = self._pixels(path)
            except UserError:
                raise
            except Exception as error:  # Pillow's decoders raise errors of many unrelated types
                if not (self.folder / path).exists():
                    raise UserError(f"{self.name}: {path} is no longer there") from None
                if not self.skips:
                    raise UserError(
                        f"{self.name}: {path} is damaged ({error}): remove it, or have such "
                        "pictures left out by --skip-damaged (skip_damaged=True)"
                    ) from None
                self.damaged.add(path)
                found[at] = False
        if len(rows) and not found.any():
            raise UserError(f"{self.name}: none of {len(rows)} pictures of a batch can be read")
        return values[found], found

    def _pixels(self, path: str) -> np.ndarray:
        size = self.shape[1:3]
        pixels = pixels_of(
            self.folder / path, self.mode, size if self.resizes else None, strict=True
        )
        _check_sizes(self.name, {size, pixels.shape[:2]}, None)
        return pixels

    def report(self) -> None:
        """Warn of the pictures that were left out since the last report, if any."""
        if self.damaged:
            warnings.warn(_skipped(self.name, sorted(self.damaged)), stacklevel=5)
            self.damaged.clear()


def _fit(files: list[tuple[Path, int]], size: tuple[int, int] | None) -> bool:
    """Whether all pictures take a part of the memory that they may; by one that can be read."""
    for file, _ in files[:_LOOKED_AT]:
        try:
            is_grey, own = _header(file)
        except Exception:  # as above
            continue
        height, width = size or own
        return fits_in_memory(len(files) * height * width * (1 if is_grey else 3))
    return True


def _on_disk(name, folder, classes, split, size, value_range, skip_damaged) -> ImageSet:
    """The split as `read` gives it, with pictures that are decoded when they are asked for."""
    paths = [
        f"{label}/{file.name}" if label else file.name
        for label, files in classes.items()
        for file in files
    ]
    headers = []
    for row in np.unique(np.linspace(0, len(paths) - 1, _LOOKED_AT, dtype=int)):
        try:
            headers.append(_header(folder / paths[row]))
        except Exception:  # as above; it is met again
            continue
    if not headers:
        raise UserError(f"{name}: none of {min(_LOOKED_AT, len(paths))} pictures can be read")
    _check_sizes(name, {shape for _, shape in headers}, size)
    grey = all(is_grey for is_grey, _ in headers)
    pictures = Pictures(
        name,
        folder,
        paths,
        "L" if grey else "RGB",
        size or headers[0][1],
        resizes=size is not None,
        skips=skip_damaged,
    )
    labelled = list(classes) != [""]
    labels = np.repeat(np.arange(len(classes)), [len(files) for files in classes.values()])
    names = [path.rpartition("/")[2] for path in paths]
    chosen = indices_by_file(name, split, names, labels if labelled else None)
    return ImageSet(
        name,
        OnDisk(pictures, chosen),
        labels[chosen] if labelled else None,
        tuple(classes) if labelled else (),
        value_range or BYTES,
    )


def _check_sizes(name: str, sizes: set[tuple[int, int]], wanted: tuple[int, int] | None) -> None:
    """Raise `UserError` where pictures have several sizes, and none is wanted."""
    if wanted is None and len(sizes) > 1:
        least, *_, most = sorted(sizes)
        raise UserError(
            f"{name}: the pictures have {len(sizes)} sizes, such as {_times(least)} and "
            f"{_times(most)}, so give the one wanted (image_size= or --image-size)"
        )


def _skipped(name: str, damaged: list[str]) -> str:
    noun = "picture" if len(damaged) == 1 else "pictures"
    more = ", ..." if len(damaged) > 5 else ""
    return f"{name}: skipped {len(damaged)} damaged {noun}: {', '.join(sorted(damaged)[:5])}{more}"


def pictures(name: str, folder: Path) -> dict[str, list[Path]]:
    """The picture files of each class; of the class "" if there are no class folders."""
    if not folder.is_dir():
        raise UserError(f"{name} is {'a file, not a folder' if folder.exists() else 'no folder'}")
    extensions = _extensions()

    def directly_in(folder: Path) -> list[Path]:
        with os.scandir(folder) as entries:
            names = [
                entry.name
                for entry in entries
                if os.path.splitext(entry.name)[1].lower() in extensions
                and entry.name[0] != "."
                and entry.is_file()
            ]
        return [folder / name for name in sorted(names)]

    subfolders = sorted(f for f in folder.iterdir() if f.is_dir() and f.name[0] != ".")
    classes = {f.name: files for f in subfolders if (files := directly_in(f))}
    loose = directly_in(folder)
    if classes and loose:
        raise UserError(
            f"{name} holds both class folders ({', '.join(list(classes)[:3])}) and pictures of no "
            f"class ({', '.join(file.name for file in loose[:3])}), but may hold only one kind"
        )
    if not classes and not loose:
        raise UserError(f"{name}: there are no pictures in the folder or its immediate subfolders")
    return classes or {"": loose}


@functools.cache
def _extensions() -> dict[str, str]:
    """Extensions of the image types that Pillow opens, with its names of the formats.

    That leaves out what it hands to other programs or only knows the name of, PostScript and HDF5
    among them.
    """
    from PIL import Image

    return {
        extension: kind
        for extension, kind in Image.registered_extensions().items()
        if kind in Image.OPEN and Image.MIME.get(kind, "").startswith("image/")
    }


@functools.cache
def _formats() -> tuple[str, ...]:
    """Pillow's names of these types, the usual ones first."""
    return tuple(dict.fromkeys(("JPEG", "PNG", *_extensions().values())))


def _open(file: Path) -> Image.Image:
    from PIL import Image

    picture = Image.open(file, formats=_formats())
    if picture.mode in ("I", "F"):
        raise ValueError("pixels of 32 bits have no known range")
    return picture


def _header(file: Path) -> tuple[bool, tuple[int, int]]:
    """Whether the picture is grey, and its height and width."""
    with _open(file) as picture:
        width, height = picture.size
        turned = _may_be_turned(picture) and picture.getexif().get(_ORIENTATION, 1) >= 5
        return picture.mode in _GREY, (width, height) if turned else (height, width)


def _may_be_turned(picture: Image.Image) -> bool:
    # Pillow decodes the whole of a PNG to look for a tag that no camera writes there.
    return picture.format != "PNG"


def pixels_of(
    file: Path, mode: str, size: tuple[int, int] | None = None, *, strict: bool = False
) -> np.ndarray:
    """The pixels of a picture, `(height, width, channels)` of uint8, in one of Pillow's modes.

    Args:
        file: The picture.
        mode: "L" or "RGB".
        size: Height and width that it is brought to, as `resize` does; as it is if not given.
        strict: Whether a picture in colour is refused where grey ones are wanted.
    """
    from PIL import Image, ImageOps

    with _open(file) as opened:
        if strict and mode == "L" and opened.mode not in _GREY:
            raise UserError(
                f"{file} is in colour, and the pictures that were looked at first are grey: make "
                "them all of one kind, or read them with --in-memory (in_memory=True)"
            )
        picture = opened
        if _may_be_turned(opened) and opened.getexif().get(_ORIENTATION, 1) != 1:
            picture = ImageOps.exif_transpose(opened)
        if picture.mode.startswith("I;16"):  # Pillow would cut the values off at 255
            picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
        if picture.mode == "P":  # Pillow converts some transparent palettes only this way
            picture = picture.convert("RGBA")
        picture = picture if picture.mode == mode else picture.convert(mode)
        pixels = np.asarray(fitted(picture, size) if size else picture)
    return pixels.reshape(*pixels.shape[:2], -1)


def _times(shape: tuple[int, int]) -> str:
    return f"{shape[0]}x{shape[1]}"
