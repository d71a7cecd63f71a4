"""The classified images and texts of tensorflow-datasets, prepared at first use."""

from __future__ import annotations

import contextlib
import difflib
import logging
import os
import socket
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import numpy as np

from ..errors import UserError
from .columns import examples_of
from .examples import Examples
from .image_set import ImageSet
from .labels import numbered
from .origin import origin_of
from .resize import resize
from .splits import take
from .value_range import BYTES, WORDS

if TYPE_CHECKING:
    from promise import Promise
    from tensorflow_datasets.core import DatasetBuilder
    from tensorflow_datasets.download import DownloadManager, Resource

# Where packages of the operating system put the original files.
_PACKAGED = {"fashion_mnist": Path("/usr/share/datasets/fashion-mnist")}
_PROBE_SECONDS = 0.5
_QUIET = threading.Lock()


def read(
    name: str,
    folder: Path | None,
    split: str,
    size: tuple[int, int] | None,
    value_range: tuple[float, float] | None = None,
) -> Examples:
    """The split of a data set of tensorflow-datasets, which is prepared first if it is not yet.

    The set's own splits are used where it has them. The validation split is otherwise a tenth of
    the training images. A set without a test split is tested with its own validation split, since
    that is what its results are compared on; a set with neither is cut 80/10/10.

    Args:
        name: The set's name, optionally with a configuration: `emnist/letters`.
        folder: Where the original files are, if they are not to be downloaded.
        split: One of `SPLITS`.
        size: Height and width wanted; needed for sets whose images differ in size.
        value_range: The values of black and white; by default those of the images' type.
    """
    builder = _builder(name)
    first, _ = _supervised(name, builder)
    is_text = not first.shape
    if is_text and (size is not None or value_range is not None):
        raise UserError(f"{name} has no images, which alone have an image_size or a value_range")
    if size is None and None in first.shape:
        raise UserError(
            f"the images of {name} differ in size, so give the height and width wanted "
            "(image_size= or --image-size)"
        )
    with _quiet():
        if not builder.is_prepared():
            _prepare_once(name, builder, folder)
        builder = _builder(name)  # the first may be older than the files it is to read

    own = {key for key, info in builder.info.splits.items() if info.num_examples}
    if "train" not in own:
        what = "texts" if is_text else "images"
        raise UserError(f"{name} has no {what} to train with, only {', '.join(sorted(own))}")
    test = next((key for key in ("test", "validation") if key in own), None)
    stored = {"test": test} if test else {}
    if test == "test" and "validation" in own:
        stored |= {key: key for key in ("train", "validation", "train+validation")}

    part = stored.get(split, "train")
    values, labels = _arrays(builder, part, size)
    _, label = _supervised(name, builder)  # some sets know their classes only once prepared
    # A split may lack some classes, so those without names are given numbers at once.
    classes = tuple(label.names or numbered(labels))
    if is_text:
        whole = examples_of(name, {"text": values, "label": labels}, classes)
    else:
        whole = ImageSet(name, values, labels, classes, value_range or _value_range(values))
    whole = whole.replaced(origin=origin_of(whole, part=part))
    if split not in stored:
        return take(whole, split, test=0 if test else 0.1)
    if is_text and split != "train":  # the vocabulary is that of the training texts
        features = read(name, folder, "train", size).features
        whole = whole.replaced(features={**whole.features, "text": features["text"]})
    return whole


def _builder(name: str) -> DatasetBuilder:
    import tensorflow_datasets as tfds

    known = tfds.list_builders(with_community_datasets=False)
    base, slash, config = name.partition("/")
    if base not in known:
        near = difflib.get_close_matches(base, ["digits", "python_docs", *known], n=3)
        hint = f" (did you mean {' or '.join(near)}?)" if near else ""
        raise UserError(
            f"there is no data set {name!r}{hint}: use digits, images:FOLDER, arrays:FILE.npz, "
            "text:FILE or a name of tensorflow-datasets, such as mnist"
        )
    configs = tfds.builder_cls(base).builder_configs
    if slash and config not in configs:
        offered = f"one of {', '.join(configs)}" if configs else "none"
        raise UserError(f"{base} has no configuration {config!r}, it offers {offered}")
    try:
        # Not left to tensorflow-datasets, which reads the variable only when it is imported.
        return tfds.builder(name, data_dir=os.environ.get("TFDS_DATA_DIR"))
    except Exception as error:  # whatever one of hundreds of builders raises
        raise UserError(
            f"tensorflow-datasets does not offer {name}: {_first_line(error)}"
        ) from error


def _supervised(name: str, builder: DatasetBuilder) -> tuple:
    """The features of the images, or of the texts, and of the labels."""
    import tensorflow_datasets as tfds

    features, keys = builder.info.features, builder.info.supervised_keys
    if keys and len(keys) == 2 and all(isinstance(key, str) for key in keys):
        first, label = (features[key] for key in keys)
        known = isinstance(first, tfds.features.Image | tfds.features.Text)
        if known and isinstance(label, tfds.features.ClassLabel):
            return first, label
    kinds = ", ".join(f"{key} ({type(feature).__name__})" for key, feature in features.items())
    raise UserError(
        f"{name} is no set of images or texts with a class each, it consists of {kinds}"
    )


def _prepare_once(name: str, builder: DatasetBuilder, folder: Path | None) -> None:
    """Prepare the data set unless another process is just doing so."""
    from filelock import FileLock

    root = Path(builder.data_dir_root)
    try:
        root.mkdir(parents=True, exist_ok=True)
        # Two processes that prepare the same data set disturb each other.
        with FileLock(root / f".{builder.name}.lock"):
            if not builder.is_prepared():
                _prepare(name, builder, folder)
            if not builder.is_prepared():  # tensorflow-datasets leaves what exists alone
                raise UserError(
                    f"{name} cannot be read from {builder.data_dir}, which is incomplete; remove "
                    "that folder to have it prepared again"
                )
    except UserError:
        raise
    except Exception as error:  # whatever one of hundreds of builders raises
        raise UserError(
            f"{name} could not be prepared in {root}: {type(error).__name__}, {_first_line(error)}"
        ) from error


def _prepare(name: str, builder: DatasetBuilder, folder: Path | None) -> None:
    import tensorflow_datasets as tfds

    if folder is not None and not folder.is_dir():
        raise UserError(f"there is no folder {folder} with the original files of {name}")
    _guard_downloads(name, builder, folder)
    print(f"amalthea: preparing {name} in {builder.data_dir}, only once", file=sys.stderr)
    tfds.disable_progress_bar()
    with _originals(builder, folder) as manual_dir:
        builder.download_and_prepare(
            download_config=tfds.download.DownloadConfig(
                manual_dir=manual_dir,
                # By default all sets share one folder, where the files of mnist would be taken for
                # those of fashion_mnist, which have the same names.
                extract_dir=_downloads(builder) / "extracted" / builder.name,
                try_download_gcs=False,
            )
        )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep tensorflow-datasets from printing and warning about its own affairs.

    What this changes belongs to the whole process, so only one thread at a time gets in.
    """
    logger = logging.getLogger("absl")
    with _QUIET:
        level = logger.level
        logger.setLevel(logging.ERROR)
        try:
            with contextlib.redirect_stdout(None):
                yield
        finally:
            logger.setLevel(level)


def _downloads(builder: DatasetBuilder) -> Path:
    return Path(builder.data_dir_root) / "downloads"


def _file_names(builder: DatasetBuilder) -> list[str]:
    infos = (builder.url_infos or {}).values()
    return sorted({info.filename for info in infos if info.filename})


@contextlib.contextmanager
def _originals(builder: DatasetBuilder, folder: Path | None) -> Iterator[Path]:
    """The folder where tensorflow-datasets is to look for original files before it downloads."""
    manual = _downloads(builder) / "manual"
    candidates = [folder or manual]
    if folder is None and builder.name in _PACKAGED:
        candidates.append(_PACKAGED[builder.name])
    names = _file_names(builder)
    found = next((c for c in candidates if any((c / n).exists() for n in names)), candidates[0])
    if builder.name != "fashion_mnist":
        yield found
        return
    with tempfile.TemporaryDirectory(prefix="amalthea-") as directory:
        for file in names:
            if (found / file).is_file():
                Path(directory, file).write_bytes(upstream_gzip(file, (found / file).read_bytes()))
        yield Path(directory)


def upstream_gzip(file: str, data: bytes) -> bytes:
    """The original file of Fashion-MNIST, byte for byte, from Debian's copy of it.

    Debian's package `dataset-fashion-mnist` strips the file name and the time from the gzip header,
    so that the checksums do not match any more. Other data are returned as they are.
    """
    if data[:4] != b"\x1f\x8b\x08\x00":  # no gzip, or a header that has more than Debian's
        return data
    time = 1504176606 if file.startswith("train") else 1504176627
    header = data[:3] + b"\x08" + time.to_bytes(4, "little") + data[8:10]
    return header + file.removesuffix(".gz").encode() + b"\0" + data[10:]


def _guard_downloads(name: str, builder: DatasetBuilder, folder: Path | None) -> None:
    """Make the builder fail at once where it would try for minutes to reach the network.

    Only tensorflow-datasets itself knows which files it lacks after looking among the original ones
    and its earlier downloads, so the check is put in front of its downloading method.
    """
    make_manager = builder._make_download_manager
    files = ", ".join(_file_names(builder)) or "names unknown"

    def guarded_manager(**options: object) -> DownloadManager:
        manager = make_manager(**options)
        download = manager._download

        def guarded_download(resource: Resource) -> Promise:
            file = Path(urlsplit(resource.url).path).name
            if folder is not None:
                raise UserError(
                    f"{folder} must hold the original files of {name} ({files}), but {file} is "
                    "not there"
                )
            if not reachable(resource.url):
                raise UserError(
                    f"{name} cannot be prepared: {file} is not there and the network does not "
                    f"reach {urlsplit(resource.url).hostname}; connect it, or put the original "
                    f"files ({files}) into {_downloads(builder) / 'manual'}, or name their folder "
                    f"as {name}:/path/to/folder"
                )
            return download(resource)

        manager._download = guarded_download
        return manager

    builder._make_download_manager = guarded_manager


def reachable(url: str) -> bool:
    """Whether the host of the URL, or the proxy that leads to it, accepts a connection soon."""
    target = urlsplit(url)
    proxies = urllib.request.getproxies()
    proxy = proxies.get(target.scheme) or proxies.get("all")
    if proxy and not urllib.request.proxy_bypass(target.hostname or ""):
        target = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    port = target.port or {"https": 443, "ftp": 21}.get(target.scheme, 80)
    connected = threading.Event()

    def connect() -> None:
        with (
            contextlib.suppress(OSError, UnicodeError),
            socket.create_connection((target.hostname, port), timeout=_PROBE_SECONDS),
        ):
            connected.set()

    # In a thread, because a name server that does not answer holds up far beyond the timeout.
    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(_PROBE_SECONDS)
    return connected.is_set()


def _arrays(
    builder: DatasetBuilder, split: str, size: tuple[int, int] | None
) -> tuple[np.ndarray, np.ndarray]:
    import tensorflow_datasets as tfds

    first = builder.info.features[builder.info.supervised_keys[0]]
    if None not in first.shape:
        # In one batch: several times faster than one image at a time.
        return tfds.as_numpy(builder.as_dataset(split=split, batch_size=-1, as_supervised=True))
    examples = tfds.as_numpy(builder.as_dataset(split=split, as_supervised=True))
    images, labels = zip(*((resize(image, size), label) for image, label in examples), strict=True)
    return np.stack(images), np.array(labels)


def _value_range(images: np.ndarray) -> tuple[float, float] | None:
    """The values of black and white in images of tensorflow-datasets; None if they do not tell.

    Its images are those of PNG files, in which all values count from 0 to the largest of the type.
    Only a few sets of black and white drawings have 0 and 1 in them, binary_alpha_digits among
    them, and there is no telling them from others but by that.
    """
    if images.dtype == np.uint8 and images.max() > 1:
        return BYTES
    return WORDS if images.dtype == np.uint16 else None


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0].rstrip(".:")
