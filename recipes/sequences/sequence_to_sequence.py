"""An encoder that reads a sequence and a decoder that writes another one, under plain `fit`."""

import itertools

import keras
from keras import layers, ops
from keras.src.backend import rnn  # `ops.scan` has no gradient in XLA on TensorFlow

from ...data.features.line import PADDING
from ..model import FromRecipe, only
from .beam_search import beam_search

CELLS = {"lstm": (layers.LSTM, layers.LSTMCell), "gru": (layers.GRU, layers.GRUCell)}


@keras.saving.register_keras_serializable("amalthea")
class SequenceToSequence(FromRecipe, keras.Model):
    """Recurrent layers that read a sequence of tokens, and others that write one from its start.

    A step of `fit` raises the probability of each token of `y` given those before it (teacher
    forcing), by the loss and the metrics that the model is compiled with, which get the tokens
    after the start and their logits. Padding behind the end of a sequence has the weight 0, so that
    it counts neither in the loss nor in `weighted_metrics`.

    Args:
        source_tokens: How many tokens there are to read.
        target_tokens: How many to write; the first ones are padding, start, end and unknown.
        target_length: Tokens that are written at the most, the start included.
        hidden_units: Units of each layer of the encoder, in each direction, and of the decoder.
        embedding_units: Length of the vector of a token; None for one-hot.
        cell: One of `CELLS`.
        attention: `"bahdanau"`, or `"none"`.
        bidirectional: Whether the encoder reads in both directions.
        reverse: Whether it reads from the end.
        dropout: Share of values that are left out in training, of the vectors and above each layer.
        **kwargs: Arguments of `keras.Model`.

    Call arguments:
        inputs: Tokens to read, `(batch, length)`.
        training: In training there is no output: the loss calls the decoder itself.

    Returns:
        What is written, each token being the most probable one: `(batch, target_length)`, from the
        start on, with padding behind the end.
    """

    def __init__(
        self,
        source_tokens: int,
        target_tokens: int,
        *,
        target_length: int,
        hidden_units: tuple[int, ...],
        embedding_units: int | None,
        cell: str,
        attention: str,
        bidirectional: bool,
        reverse: bool,
        dropout: float,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.source_tokens = source_tokens
        self.target_tokens = target_tokens
        self.target_length = target_length
        self.hidden_units = tuple(hidden_units)
        self.embedding_units = embedding_units
        self.cell = cell
        self.attention = attention
        self.bidirectional = bidirectional
        self.reverse = reverse
        self.dropout = dropout
        self.source_embedding = self._embedding(source_tokens, "source_embedding")
        self.target_embedding = self._embedding(target_tokens, "target_embedding")
        sequence, one = CELLS[cell]
        self.encoder, self.decoder, self.bridges = [], [], []
        for layer, units in enumerate(hidden_units, start=1):
            reader = sequence(
                units, return_sequences=True, return_state=True, name=f"encoder_{layer}"
            )
            if bidirectional:
                reader = layers.Bidirectional(reader, name=f"encoder_{layer}")
                # LSTM have two states.
                self.bridges += [
                    layers.Dense(units, "tanh", name=f"bridge_{layer}_{state}")
                    for state in range(2 if cell == "lstm" else 1)
                ]
            self.encoder.append(reader)
            self.decoder.append(one(units, name=f"decoder_{layer}"))
        if attention == "bahdanau":
            units = hidden_units[0]
            self.query = layers.Dense(units, use_bias=False, name="attention_query")
            self.key = layers.Dense(units, name="attention_key")
            self.attend = layers.AdditiveAttention(name="attention")
        self.dropouts = [
            layers.Dropout(dropout, name=f"dropout_{place}")
            for place in range(2 + 2 * len(hidden_units) if dropout else 0)
        ]
        self.logits = layers.Dense(target_tokens, dtype="float32", name="logits")
        self._build_layers()

    def _embedding(self, tokens, name):
        if self.embedding_units is None:
            return None
        return layers.Embedding(tokens, self.embedding_units, name=name)

    def _build_layers(self):
        width = self.embedding_units or self.source_tokens
        for reader, units in zip(self.encoder, self.hidden_units, strict=True):
            reader.build((None, None, width))
            width = units * (2 if self.bidirectional else 1)
        per_layer = len(self.bridges) // len(self.hidden_units)
        for index, bridge in enumerate(self.bridges):
            bridge.build((None, 2 * self.hidden_units[index // per_layer]))
        context = 0
        if self.attention == "bahdanau":
            context, units = width, self.hidden_units[0]
            self.query.build((None, units))
            self.key.build((None, None, context))
            self.attend.build([(None, 1, units), (None, None, context), (None, None, units)])
        width = (self.embedding_units or self.target_tokens) + context
        for cell, units in zip(self.decoder, self.hidden_units, strict=True):
            cell.build((None, width))
            width = units
        self.logits.build((None, width + context))
        for embedding in (self.source_embedding, self.target_embedding):
            if embedding is not None:
                embedding.build((None, None))
        for dropout in self.dropouts:
            dropout.build((None, None, None))
        self.built = True

    def call(self, inputs, training=False):
        if training:
            return None
        return self.translate(only(inputs))[0]

    def translate(self, source, beam=1):
        """What is found to be written for sequences, and the mean log-probability of its tokens.

        Args:
            source: Tokens, `(batch, length)`.
            beam: How many beginnings `beam_search` keeps.
        """
        memory, states = self.encode(source)

        def step(tokens, known):
            memory, states = known
            x = self._vectors(tokens, self.target_embedding, self.target_tokens)
            x, states, _ = self.step(memory, x, states)
            return ops.log_softmax(ops.cast(self.logits(x), "float32")), (memory, states)

        rows = ops.shape(source)[0]
        return beam_search(step, (memory, states), rows, beam=beam, length=self.target_length)

    def encode(self, source, training=False):
        """What the decoder looks at in each step, by name, and the states that it begins with.

        Args:
            source: Tokens, `(batch, length)`.
            training: Whether values are left out.
        """
        source = ops.cast(source, "int32")
        real = source != PADDING
        if self.reverse:
            # The padding stays behind: each row is turned by itself.
            count = ops.sum(ops.cast(real, "int32"), axis=1, keepdims=True)
            places = ops.arange(ops.shape(source)[1], dtype="int32")[None]
            turned = ops.where(places < count, count - 1 - places, places)
            source = ops.take_along_axis(source, turned, axis=1)
        x = self._vectors(source, self.source_embedding, self.source_tokens)
        x, states = self._left_out(x, 0, training), []
        for layer, reader in enumerate(self.encoder):
            x, *state = reader(x, mask=real, training=training)
            x = self._left_out(x, 1 + layer, training)
            if self.bidirectional:
                half = len(state) // 2
                pairs = zip(state[:half], state[half:], strict=True)
                bridges = self.bridges[layer * half : (layer + 1) * half]
                state = [
                    bridge(ops.concatenate(pair, axis=-1))
                    for bridge, pair in zip(bridges, pairs, strict=True)
                ]
            states.append(state)
        if self.attention == "none":
            return {}, states
        if self.reverse:
            x = ops.take_along_axis(x, turned[:, :, None], axis=1)
        return {"values": x, "keys": self.key(x), "real": real}, states

    def step(self, memory, x, states, kept=()):
        """One token on.

        Args:
            memory: What `encode` gives.
            x: The vector of the token before, `(batch, units)`.
            states: Those of each layer.
            kept: What the outputs of each layer are multiplied by, if by anything.

        Returns:
            What the logits are made of, the states, and the weights of the tokens that were read,
            `(batch, length)`; None without attention.
        """
        context, weights = [], None
        if self.attention == "bahdanau":
            found, weights = self.attend(
                [self.query(states[0][0])[:, None], memory["values"], memory["keys"]],
                mask=[None, memory["real"]],
                return_attention_scores=True,
            )
            context, weights = [found[:, 0]], weights[:, 0]
            x = ops.concatenate([x, *context], axis=-1)
        after = []
        for layer, (cell, state) in enumerate(zip(self.decoder, states, strict=True)):
            x, state = cell(x, state)
            after.append(list(state))
            if len(kept):
                x = x * kept[layer]
        return ops.concatenate([x, *context], axis=-1), after, weights

    def teach(self, source, target, training=False):
        """Logits of each token of a sequence but its start, given those before it.

        Args:
            source: Tokens that are read, `(batch, length)`.
            target: Tokens that are written, `(batch, steps)`, from the start on.
            training: Whether values are left out.

        Returns:
            `(batch, steps - 1, target_tokens)`; and the weights of the tokens that were read,
            `(batch, steps - 1, length)`, None without attention.
        """
        memory, states = self.encode(source, training)
        target = ops.cast(target, "int32")[:, :-1]
        x = self._vectors(target, self.target_embedding, self.target_tokens)
        depth = len(self.hidden_units)
        x = self._left_out(x, 1 + depth, training)
        kept = []
        if training and self.dropouts:  # drawn before the loop, of which states are no part
            kept = [
                self._left_out(ops.ones((*ops.shape(x)[:2], units), x.dtype), place, training)
                for place, units in enumerate(self.hidden_units, start=2 + depth)
            ]

        # The loop takes and gives one tensor for each step.
        ends = [0, *itertools.accumulate(part.shape[-1] for part in (x, *kept))]

        def one_more(given, known):
            x, *kept = (given[:, start:end] for start, end in itertools.pairwise(ends))
            known = keras.tree.pack_sequence_as(states, list(known))
            x, after, weights = self.step(memory, x, known, kept)
            if weights is not None:
                x = ops.concatenate([x, weights], axis=-1)
            return x, keras.tree.flatten(after)

        given = ops.concatenate([x, *kept], axis=-1)
        _, x, _ = rnn(one_more, given, keras.tree.flatten(states))
        if self.attention == "none":
            return self.logits(x), None
        width = self.hidden_units[-1] + memory["values"].shape[-1]
        return self.logits(x[..., :width]), x[..., width:]

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        logits, _ = self.teach(only(x), y, training)
        following = ops.cast(y, "int32")[:, 1:]
        real = ops.cast(following != PADDING, "float32")
        weights = real
        if sample_weight is not None:
            sample_weight = ops.cast(sample_weight, "float32")
            if len(sample_weight.shape) == 1:
                sample_weight = sample_weight[:, None]
            weights = real * (
                sample_weight if sample_weight.shape[1] == 1 else sample_weight[:, 1:]
            )
        # What is scored is known here alone.
        super().compute_metrics(x, following, logits, weights)
        # Keras divides by the number of all tokens, and means the real ones.
        share = ops.cast(ops.size(real), "float32") / ops.maximum(ops.sum(real), 1.0)
        return super().compute_loss(x, following, logits, weights * share, training)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        if not all(getattr(metric, "built", True) for metric in self.metrics):
            return {}  # Keras asks before the loss has built them
        return self.get_metrics_result()

    def _vectors(self, tokens, embedding, count):
        if embedding is None:
            return ops.one_hot(tokens, count, dtype=self.compute_dtype)
        return embedding(tokens)

    def _left_out(self, x, place: int, training):
        return self.dropouts[place](x, training=training) if self.dropouts else x

    def get_config(self):
        names = (
            "source_tokens",
            "target_tokens",
            "target_length",
            "hidden_units",
            "embedding_units",
            "cell",
            "attention",
            "bidirectional",
            "reverse",
            "dropout",
        )
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        return cls(**config)
