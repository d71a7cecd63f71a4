"""Named columns of examples, in memory or on disk, and the batches made of them."""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import UserError
from .features import Feature
from .on_disk import OnDisk
from .origin import Origin
from .streams import rows_for_most, stream_order

if TYPE_CHECKING:
    import tensorflow as tf

# Bytes, as a model gets them, that one element of the input pipeline has at most.
MADE_AT_ONCE = 2**17
# Of sequences whose lengths differ, those of so many batches are sorted by length.
BUCKET = 16
# Examples among which one that can be read is looked for.
_LOOKED_AT = 32


class Examples:
    """Examples, a row of each column being one.

    Args:
        name: What messages call them, such as "digits, split train".
        columns: What is stored, by name: arrays of equal lengths, or columns on disk. Models are
            called with the first, and learn from the others beside it.
        features: What each column is.
        origin: The whole set that these were cut from; None for whole sets.

    Raises:
        UserError: If the columns are not of equal lengths.
    """

    def __init__(
        self,
        name: str,
        columns: Mapping[str, Any],
        features: Mapping[str, Feature],
        *,
        origin: Origin | None = None,
    ):
        self.name = name
        self.columns = dict(columns)
        self.features = dict(features)
        self.origin = origin
        counts = {key: len(column) for key, column in self.columns.items()}
        if len(set(counts.values())) > 1:
            listed = ", ".join(f"{count} of {key}" for key, count in counts.items())
            raise UserError(f"{name} must have as many rows in each column, got {listed}")

    def __len__(self) -> int:
        """Number of examples."""
        return len(next(iter(self.columns.values())))

    def replaced(
        self,
        *,
        name: str | None = None,
        columns: Mapping[str, Any] | None = None,
        features: Mapping[str, Feature] | None = None,
        origin: Origin | None = None,
    ) -> Examples:
        """The same with another name, other columns and features, or another origin."""
        return Examples(
            self.name if name is None else name,
            self.columns if columns is None else columns,
            self.features if features is None else features,
            origin=origin or self.origin,
        )

    def take(self, rows: np.ndarray | slice) -> Examples:
        """Some of the examples, in the order of these rows."""
        return self.replaced(columns={key: column[rows] for key, column in self.columns.items()})

    def first(self, count: int) -> Examples:
        """The first `count` examples, or all if there are fewer."""
        return self.take(slice(count))

    def select(self, *names: str) -> Examples:
        """The same with these columns only, in this order."""
        if names == tuple(self.columns):
            return self
        columns, features = ({n: of[n] for n in names} for of in (self.columns, self.features))
        return Examples(self.name, columns, features, origin=self.origin)

    @property
    def on_disk(self) -> tuple[str, ...]:
        """The names of the columns that lie on disk."""
        return tuple(name for name, column in self.columns.items() if isinstance(column, OnDisk))

    def in_memory(self) -> Examples:
        """The same in memory, without what is left out because it cannot be read."""
        if not self.on_disk:
            return self
        found = np.ones(len(self), bool)
        values = {}
        for name in self.on_disk:
            values[name] = self.columns[name].read(np.arange(len(self)))
            found &= values[name][1]
        read = {name: rows[found[where]] for name, (rows, where) in values.items()}
        others = {name: column[found] for name, column in self.columns.items() if name not in read}
        return self.replaced(columns={name: (read | others)[name] for name in self.columns})

    def report(self) -> None:
        """Warn of rows on disk that were left out because they cannot be read, if any."""
        for name in self.on_disk:
            self.columns[name].report()

    def given(self, column: str) -> np.ndarray:
        """A whole column as models get it."""
        values = self.columns[column]
        values = np.asarray(values) if isinstance(values, OnDisk) else values
        return self.features[column].given(values)

    def batches(
        self,
        batch_size: int | Callable[[int], int],
        *,
        shuffle: bool = True,
        seed: int = 0,
        epoch: int = 0,
        multiple_of: int = 1,
    ) -> tf.data.Dataset:
        """Batches as models get them: the first column, paired with the others if there are any.

        Iteration number k over the dataset has the order that (`seed`, `epoch` + k) determines, in
        every process, so a training that resumes with the number of epochs done goes on exactly.
        An iteration counts from its first batch on. Train with `fit(..., shuffle=False)`, or Keras
        warns that it cannot shuffle what is shuffled already.

        Sequences of different lengths are padded to the longest of their batch; shuffled ones are
        in batches with those of about their length.

        Args:
            batch_size: Examples in a batch; the last batch of an epoch may be smaller. A function
                gives that of the batch that follows on so many examples, those of earlier epochs
                and of skipped ones included. Keras takes all epochs of a `fit` to have as many
                batches as the first: where that changes, begin another one.
            shuffle: Whether each iteration has its own order, or all have the stored one.
            seed: Which sequence of orders to use, 0 or more.
            epoch: How many orders of the sequence to skip, 0 or more.
            multiple_of: Of what all batches have a multiple, so that they can be cut into so many
                parts; the fewest examples at the end of an order are left out for that.
        """
        size_of = batch_size if callable(batch_size) else None
        for argument, value, least in (
            ("batch_size", 1 if size_of else batch_size, 1),
            ("seed", seed, 0),
            ("epoch", epoch, 0),
            ("multiple_of", multiple_of, 1),
        ):
            if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
                raise UserError(
                    f"{argument} is {value!r}, but must be a whole number of at least {least}"
                )
        if size_of is None and batch_size % multiple_of:
            raise UserError(f"batch_size must be a multiple of {multiple_of}, got {batch_size}")
        import tensorflow as tf

        used = len(self) - len(self) % int(multiple_of)
        if not used:
            raise UserError(
                f"{self.name} has {len(self)} examples, too few for {multiple_of} parts"
            )
        columns, features = self.columns, self.features
        with tf.device("CPU"):  # beside the input pipeline, not in an accelerator's memory
            stored = {
                name: column if isinstance(column, OnDisk) else features[name].stored_tensor(column)
                for name, column in columns.items()
            }

        # A Python counter, advanced when an iteration draws its first batch: Keras makes more
        # iterators than it uses, and a tf.Variable would be mirrored under a strategy's scope.
        epochs = itertools.count(int(epoch))
        lengths = next(
            (
                known
                for name in columns
                if (known := features[name].lengths(columns[name])) is not None
            ),
            None,
        )

        def order() -> Iterator[np.ndarray]:
            done = next(epochs)
            all_ = np.arange(len(self))
            if shuffle:
                random = np.random.default_rng((int(seed), done))
                all_ = random.permutation(len(self))
                if lengths is not None and size_of is None:
                    all_ = bucketed(all_, lengths, int(batch_size), random)
            all_ = all_[:used]
            if size_of is None:
                yield all_
                return
            for start, end in itertools.pairwise(self._starts(size_of, done, multiple_of)):
                yield all_[start:end]

        on_disk = self.on_disk

        def batch(index: tf.Tensor) -> Any:
            rows = {}
            for name in on_disk:
                rows[name], found = stored[name].tensor(index)
                if stored[name].skips:
                    index = tf.boolean_mask(index, found)
                    for other in rows.keys() - {name}:
                        rows[other] = tf.boolean_mask(rows[other], found)
            for name in stored.keys() - rows.keys():
                rows[name] = tf.gather(stored[name], index)
            return paired({name: features[name].given_tensor(rows[name]) for name in stored})

        # Where TensorFlow 2.21 tunes a pipeline, ending an epoch of it often takes a second.
        options = tf.data.Options()
        options.autotune.enabled = False
        if size_of is None:
            size = min(int(batch_size), used)

            def whole(_: tf.Tensor) -> tf.Tensor:
                all_ = tf.numpy_function(lambda: next(order()), [], tf.int64)
                return tf.ensure_shape(all_, (None,))

            several = 1
            if lengths is None and not on_disk:
                # To hand on a small batch costs more than to make it, so several are made at once.
                row = sum(features[name].given(columns[name][:1]).nbytes for name in columns)
                several = max(1, MADE_AT_ONCE // (size * row))
            # Beside generators and nested data sets this begins an epoch in a quarter of the time,
            # and takes half of it for a batch of 100.
            indices = tf.data.Dataset.range(1).map(whole).rebatch(size * several)
        else:
            several = 1
            some = tf.TensorSpec((None,), tf.int64)
            indices = tf.data.Dataset.from_generator(order, output_signature=some)
        at_once = max(2, os.cpu_count() or 2) if on_disk else 2
        batches = indices.map(batch, num_parallel_calls=at_once, deterministic=True).prefetch(4)
        if several > 1:
            batches = batches.rebatch(size)
        count = tf.data.experimental.assert_cardinality(
            self.batch_count(batch_size, epoch, multiple_of)
        )
        batches = batches.apply(count).with_options(options)
        # For whoever has to know what is in them: to draw some would count as an iteration.
        batches.examples = self._extremes
        # For whoever has to have them in another order.
        batches.streams = functools.partial(self._streams, batch_size)
        return batches

    def _streams(self, batch_size: int | Callable[[int], int], exactly: bool) -> tf.data.Dataset:
        """Batches of equal sizes, each row of which goes on with that of the batch before.

        They are of that size exactly, or up to a half smaller so that the fewest rows are left out.
        """
        if callable(batch_size):
            raise UserError("batches whose rows go on with each other are all of one size")
        import tensorflow as tf

        size = min(int(batch_size), len(self))
        size = size if exactly else rows_for_most(len(self), size)
        batches = self.take(stream_order(len(self), size)).batches(size, shuffle=False)

        def of_size(*parts: tf.Tensor) -> Any:
            fixed = [tf.ensure_shape(part, (size, *part.shape[1:])) for part in parts]
            return fixed[0] if len(fixed) == 1 else tuple(fixed)

        fixed = batches.map(of_size)
        fixed.examples = batches.examples
        return fixed

    def _extremes(self) -> Any:
        """Two examples as `batches` gives them, those of the first and the last class if any."""
        rows = np.arange(min(2, len(self)))
        if (labels := self.columns.get("label")) is not None:
            rows = np.array([labels.argmin(), labels.argmax()])
        chosen = self.take(rows).in_memory()
        if not len(chosen):
            chosen = self.first(_LOOKED_AT).in_memory()
        return paired({name: chosen.given(name) for name in self.columns})

    def batch_count(
        self, batch_size: int | Callable[[int], int], epoch: int = 0, multiple_of: int = 1
    ) -> int:
        """How many batches an epoch has, its number from 0."""
        if not callable(batch_size):
            return -(-(len(self) - len(self) % multiple_of) // batch_size)
        return len(self._starts(batch_size, epoch, multiple_of)) - 1

    def _starts(self, size_of: Callable[[int], int], epoch: int, multiple_of: int) -> list[int]:
        """Where the batches of an epoch begin, and where the last one ends."""
        starts, used = [0], len(self) - len(self) % multiple_of
        while starts[-1] < used:
            size = size_of(epoch * len(self) + starts[-1])
            if size < 1 or size % multiple_of:  # else there would be no end
                least = f"a multiple of {multiple_of}" if multiple_of > 1 else "at least 1"
                raise UserError(f"batch_size gives {size!r}, but must give {least}")
            starts.append(min(starts[-1] + size, used))
        return starts


def paired(columns: Mapping[str, Any]) -> Any:
    """The first column alone, or with the second one, or with a dict of all others."""
    first, *others = columns.values()
    if not others:
        return first
    return first, others[0] if len(others) == 1 else dict(list(columns.items())[1:])


def bucketed(
    order: np.ndarray, lengths: np.ndarray, batch_size: int, random: np.random.Generator
) -> np.ndarray:
    """An order in which each batch holds sequences of about one length.

    The sequences of several batches are sorted by length; the batches made of them come in a random
    order, but for a last one that is not full.
    """
    chunk = BUCKET * batch_size
    chunks = [order[start : start + chunk] for start in range(0, len(order), chunk)]
    order = np.concatenate([c[np.argsort(lengths[c], kind="stable")] for c in chunks])
    full = len(order) // batch_size
    batches = random.permutation(order[: full * batch_size].reshape(full, batch_size))
    return np.concatenate([batches.ravel(), order[full * batch_size :]])
