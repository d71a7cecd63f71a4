"""Make the pictures in executed notebooks small, so that no notebook has more than a megabyte.

python notebooks/tools/shrink.py notebooks/*.ipynb
"""

import base64
import io
import sys
from pathlib import Path

import nbformat
from PIL import Image, ImageSequence

MOST = 1_000_000
# Colours of a picture, and of a moving one.
COLOURS, MOVING = 256, 64


def still(data: bytes, halved: int) -> bytes:
    """A PNG file with a palette."""
    picture, out = Image.open(io.BytesIO(data)).convert("RGBA"), io.BytesIO()
    flat = Image.new("RGB", picture.size, "white")
    flat.paste(picture, mask=picture.getchannel("A"))
    flat.quantize(COLOURS >> halved, dither=Image.Dither.NONE).save(out, "png", optimize=True)
    return out.getvalue()


def moving(data: bytes, halved: int) -> bytes:
    """A GIF file with fewer colours, whose sides are halved so many times."""
    frames, durations, out = [], [], io.BytesIO()
    for frame in ImageSequence.Iterator(Image.open(io.BytesIO(data))):
        small = frame.convert("RGB").reduce(2**halved)
        frames.append(small.quantize(MOVING, dither=Image.Dither.NONE))
        durations.append(frame.info["duration"])
    first, *others = frames
    options = {"append_images": others, "duration": durations, "loop": 0, "optimize": True}
    first.save(out, "gif", save_all=True, **options)
    return out.getvalue()


KINDS = {"image/png": still, "image/gif": moving}


def shrink(path: Path) -> None:
    """Bring a notebook below a megabyte, by as little as that takes."""
    original = nbformat.read(path, nbformat.NO_CONVERT)
    for halved in range(4):
        if path.stat().st_size <= MOST:
            return
        notebook = nbformat.from_dict(original)
        for cell in notebook.cells:
            for output in cell.get("outputs", []):
                for kind in KINDS.keys() & output.get("data", {}).keys():
                    data = base64.b64decode(output.data[kind])
                    small = min(data, KINDS[kind](data, halved), key=len)
                    output.data[kind] = base64.b64encode(small).decode()
        nbformat.write(notebook, path)
    if path.stat().st_size > MOST:
        sys.exit(f"{path} has {path.stat().st_size:,} bytes, more than {MOST:,}")


for name in sys.argv[1:]:
    shrink(Path(name))
