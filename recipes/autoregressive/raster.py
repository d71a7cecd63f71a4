"""Sampling from a network of images pixel by pixel, at the cost of one pass over them."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

# From outputs at a pixel, `(batch, features)`, the number of a channel, what is given of the pixel,
# `(batch, …)`, and what else is of it, to the values of the channel, `(batch,)`.
Choose = Callable[[Any, int, Any, Any], Any]


class Raster:
    """A functional network of images whose outputs at a pixel depend on earlier pixels alone.

    Its layers are of four kinds: those that have a `step`, and `vertical` ones, both as
    `layers/raster.py` says; point-wise ones, which treat every pixel alike, in `(…, features)`; and
    those whose inputs are not of pixels, such as classes, and whose outputs broadcast over them. So
    it computes nothing twice: what depends on rows above alone once a row, the rest once a pixel,
    or once for each of its channels.

    Args:
        network: From images, `(batch, height, width, channels)`, and perhaps more inputs, to
            outputs, `(batch, height, width, features)`.

    Raises:
        ValueError: If a layer that looks at whole rows is given what is not known as a row starts.
    """

    def __init__(self, network: keras.Model):
        image, *self.beside = network.inputs
        self.image, self.output = image, network.outputs[0]
        known = {id(image): "in a pixel"} | {id(x): "always" for x in self.beside}
        self.always, self.in_a_row, self.in_a_pixel = [], [], []
        # What a row hands to its pixels; what its pixels hand to the next row.
        self.handed_down, self.handed_on = {}, {}
        # What the whole pixel changes, when it is known, of what the next ones look at.
        self.entering, early = [], {id(image)}
        for layer in network.operations:
            if isinstance(layer, keras.layers.InputLayer):
                continue
            inputs, output = keras.tree.flatten(layer.input), id(layer.output)
            when = {known[id(x)] for x in inputs}
            if _is_vertical(layer):
                known[output] = "in a row"
                if "in a pixel" in when and not layer.strict:
                    raise ValueError(f"{layer.name} looks at a row before it is known")
                self.handed_on |= {id(x): x for x in inputs if known[id(x)] == "in a pixel"}
            elif when == {"always"}:
                known[output] = "always"
            elif "in a pixel" not in when and not _has_steps(layer):
                known[output] = "in a row"
            else:
                known[output] = "in a pixel"
                self.handed_down |= {id(x): x for x in inputs if known[id(x)] == "in a row"}
                if early.issuperset(map(id, inputs)):
                    self.entering.append(layer)
                    early |= set() if _has_steps(layer) else {output}
            kinds = {"always": self.always, "in a row": self.in_a_row}
            kinds.get(known[output], self.in_a_pixel).append(layer)
        self.stepping = [layer for layer in self.in_a_pixel if _has_steps(layer)]
        self.vertical = [layer for layer in self.in_a_row if _is_vertical(layer)]

    def scan(self, given, choose: Choose, more: Callable[[Any], Any], *beside: Any):
        """Images whose pixels are chosen one after another, each after those before it.

        Args:
            given: What `choose` is given of each pixel, `(batch, height, width, …)`.
            choose: From outputs at a pixel, `(batch, features)`, the number of a channel, what is
                given of the pixel, and what `more` has of it, to the channel's values,
                `(batch,)`.
            more: From the number of a row to what else `choose` is given, `(width, batch, …)`.
            *beside: What the network takes beside images.

        Returns:
            The images, `(batch, height, width, channels)`, and what the network gives for them,
            `(batch, height, width, features)`.
        """
        height, width, channels = self.image.shape[1:]
        batch = ops.shape(given)[0]
        given = ops.moveaxis(given, 0, 2)
        always = {id(x): value for x, value in zip(self.beside, beside, strict=True)}
        for layer in self.always:
            always[id(layer.output)] = layer(_inputs(layer, always))
        always = {x: v[:, 0, 0] if len(v.shape) == 4 else v for x, v in always.items()}
        unknown = ops.zeros((batch, channels), "float32")
        # Loops are given the weights, lest they read them for each pixel.
        layers = self.in_a_row + self.in_a_pixel
        read = [(x, ops.stop_gradient(x)) for layer in layers for x in layer.weights]

        def next_row(index, before):
            """The next row, from what all layers keep of those before it."""
            images, outputs, kept = before
            kept = dict(zip(map(id, self.vertical + self.stepping), kept, strict=True))
            of_row = dict(always)
            for layer in self.in_a_row:
                if id(layer) in kept:
                    x = None if layer.strict else _cast(layer, of_row)
                    of_row[id(layer.output)] = layer.row(kept[id(layer)], x)
                else:
                    of_row[id(layer.output)] = layer(_inputs(layer, of_row))
            entered = [layer.enter(kept[id(layer)]) for layer in self.stepping]
            weights, aboves, states = zip(*entered, strict=True)

            def next_pixel(before, of_pixel):
                """The next pixel, from the states of all layers before it."""
                handed_down, aboves, given, beside = of_pixel
                arguments = zip(self.stepping, before[-1], aboves, weights, strict=True)
                arguments = {id(layer): rest for layer, *rest in arguments}
                values = always | dict(zip(self.handed_down, handed_down, strict=True))

                def run(layers, pixel, after):
                    values[id(self.image)] = pixel
                    for layer in layers:
                        key, output = id(layer), id(layer.output)
                        if key in arguments:
                            x = _cast(layer, values)
                            values[output], after[key] = layer.step(x, *arguments[key])
                        else:
                            values[output] = layer(_inputs(layer, values))
                    return after

                pixel = unknown
                for channel in range(channels):
                    after = run(self.in_a_pixel, pixel, {})
                    outputs = values[id(self.output)]
                    value = choose(outputs, channel, given, beside)[:, None]
                    one = np.eye(channels, dtype="float32")[channel]
                    pixel = pixel + ops.cast(value, "float32") * one
                after = run(self.entering, pixel, after)
                handed_on = [values[x] for x in self.handed_on]
                after = pixel, outputs, handed_on, list(after.values())
                return after, after

            first = (
                unknown,
                ops.zeros((batch, self.output.shape[-1]), self.output.dtype),
                [ops.zeros((batch, x.shape[-1]), x.dtype) for x in self.handed_on.values()],
                list(states),
            )
            of_pixels = (
                [of_row[x] for x in self.handed_down],
                list(aboves),
                ops.take(given, index, axis=0),
                more(index),
            )
            _, (pixels, made, handed_on, states) = ops.scan(next_pixel, first, of_pixels)
            of_row |= dict(zip(self.handed_on, handed_on, strict=True))
            after = [_cast(layer, of_row) for layer in self.vertical] + list(states)
            left = zip(self.vertical + self.stepping, kept.values(), after, strict=True)
            images = ops.slice_update(images, (index, 0, 0, 0), pixels[None])
            outputs = ops.slice_update(outputs, (index, 0, 0, 0), made[None])
            return images, outputs, [layer.leave(rows, row) for layer, rows, row in left]

        shape = (height, width, batch)
        images = ops.zeros((*shape, channels), "float32")
        outputs = ops.zeros((*shape, self.output.shape[-1]), self.output.dtype)
        kept = [layer.start(batch, width) for layer in self.vertical + self.stepping]
        with keras.StatelessScope(read):
            images, outputs, _ = ops.fori_loop(0, height, next_row, (images, outputs, kept))
        return [ops.transpose(x, (2, 0, 1, 3)) for x in (images, outputs)]


def _has_steps(layer) -> bool:
    return hasattr(layer, "step")


def _is_vertical(layer) -> bool:
    return getattr(layer, "vertical", False)


def _inputs(layer, values: Mapping[int, Any]):
    """What a layer is to be called with."""
    return keras.tree.map_structure(lambda x: values[id(x)], layer.input)


def _cast(layer, values: Mapping[int, Any]):
    """The same, of the type that the layer computes by."""
    return keras.tree.map_structure(
        lambda x: ops.cast(x, layer.compute_dtype), _inputs(layer, values)
    )
