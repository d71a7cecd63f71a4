"""A folder of pictures, or of class folders of pictures."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import UserError
from .image_set import ImageSet
from .resize import resize
from .splits import indices_by_file
from .value_range import BYTES

if TYPE_CHECKING:
    from PIL import Image

_GREY = ("1", "L", "LA", "La", "I;16", "I;16L", "I;16B")
_ORIENTATION = 0x0112  # EXIF tag; 5 to 8 mean a picture stored on its side


def read(
    folder: Path,
    split: str,
    size: tuple[int, int] | None,
    value_range: tuple[float, float] | None = None,
) -> ImageSet:
    """The split of the pictures in `folder`, cut about 80/10/10 by the names of the files.

    Each immediate subfolder with pictures is a class; without such subfolders the pictures of the
    folder itself have no labels. Pictures are the files whose extension stands for an image type
    that Pillow opens; hidden and other files are passed over, and damaged pictures are skipped with
    one warning. Everything becomes RGB, with transparency dropped, unless all pictures are
    greyscale.
    """
    name = f"images:{folder}"
    classes = pictures(name, folder)
    files = [(file, label) for label, files in enumerate(classes.values()) for file in files]
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
    sizes = sorted({shape for _, _, (_, shape) in headers})
    if size is None and len(sizes) > 1:
        raise UserError(
            f"{name}: the pictures have {len(sizes)} sizes, such as {_times(sizes[0])} and "
            f"{_times(sizes[-1])}, so give the one wanted (image_size= or --image-size)"
        )
    grey = all(is_grey for _, _, (is_grey, _) in headers)

    def decode(file: Path) -> np.ndarray:
        picture = pixels_of(file, "L" if grey else "RGB")
        return resize(picture, size) if size else picture

    labelled = list(classes) != [""]
    labels = np.array([label for _, label, _ in headers]) if labelled else None
    chosen = indices_by_file(name, split, [file.name for file, *_ in headers], labels)
    decoded = readable(decode, [headers[i][:2] for i in chosen])
    if damaged:
        noun = "picture" if len(damaged) == 1 else "pictures"
        warnings.warn(
            f"{name}: skipped {len(damaged)} damaged {noun}: {', '.join(sorted(damaged)[:5])}"
            f"{', ...' if len(damaged) > 5 else ''}",
            stacklevel=5,
        )
    return ImageSet(
        name,
        np.stack([picture for _, _, picture in decoded]),
        np.array([label for _, label, _ in decoded]) if labelled else None,
        tuple(classes) if labelled else (),
        value_range or BYTES,
    )


def pictures(name: str, folder: Path) -> dict[str, list[Path]]:
    """The picture files of each class; of the class "" if there are no class folders."""
    if not folder.is_dir():
        raise UserError(f"{name} is {'a file, not a folder' if folder.exists() else 'no folder'}")
    extensions = _extensions()

    def directly_in(folder: Path) -> list[Path]:
        return sorted(
            file
            for file in folder.iterdir()
            if file.suffix.lower() in extensions and file.name[0] != "." and file.is_file()
        )

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


def _open(file: Path) -> Image.Image:
    from PIL import Image

    picture = Image.open(file, formats=list(set(_extensions().values())))
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


def pixels_of(file: Path, mode: str) -> np.ndarray:
    """The pixels of a picture, `(height, width, channels)` of uint8, in one of Pillow's modes."""
    from PIL import Image, ImageOps

    with _open(file) as opened:
        picture = ImageOps.exif_transpose(opened) if _may_be_turned(opened) else opened
        if picture.mode.startswith("I;16"):  # Pillow would cut the values off at 255
            picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
        if picture.mode == "P":  # Pillow converts some transparent palettes only this way
            picture = picture.convert("RGBA")
        pixels = np.asarray(picture.convert(mode))
    return pixels.reshape(*pixels.shape[:2], -1)


def _times(shape: tuple[int, int]) -> str:
    return f"{shape[0]}x{shape[1]}"
