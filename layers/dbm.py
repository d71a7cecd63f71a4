"""The deep Boltzmann machine: layers of hidden units, each joined to its neighbours."""

import keras
import numpy as np
from keras import initializers, ops

from ..checks import check_count
from .boltzmann_gradient import boltzmann_gradient, descent, frozen, moved, prior_for
from .rbm import RBM
from .seed_stream import SeedStream
from .seeded_layer import SeededLayer
from .units import UNITS

UNIT = UNITS["bernoulli"]


@keras.saving.register_keras_serializable("amalthea")
class DBM(SeededLayer):
    """Deep Boltzmann machine: a stack of layers of binary units, joined in both directions.

    Its energy is `−Σ_l x_lᵀ W_l x_{l+1} − Σ_l b_lᵀ x_l`, where `x_0` are the visible units. It
    computes the mean-field posterior of its top layer: factorial distributions of all hidden
    layers, adjusted to each other in turn.

    It adds a loss whose gradient is that of the variational bound of the log-likelihood, with the
    model's statistics from persistent Gibbs chains. As the chains make that gradient an estimate
    that belongs to no function, the loss has another value: the cross-entropy of one
    reconstruction, in nats.

    Before that its layers can be pretrained one by one as restricted Boltzmann machines with
    doubled weights: up, wherever the layer will get input from above as well, and down, wherever
    the units below will get some from further below. `begin` starts each such stage, and the joint
    one, in which each layer between two machines gets half of what either gave it.

    Args:
        hidden: Numbers of units of the hidden layers, the lowest first; two or more.
        mean_field_steps: How often the hidden layers are adjusted, at least 1.
        gibbs_steps: Gibbs steps of the chains for each update, at least 1.
        persistent_chains: Number of chains, at least 1.
        centered: Whether the gradient is the centred one.
        weight_decay: What the kernels times are added to their gradients, at least 0.
        kernel_initializer: Initializer of the kernels.
        learning: True for all layers together, k for the pretraining of hidden layer k (from 1)
            alone, False for nothing. A callback may change it between epochs.
        seed: Seed of all that is drawn.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, visible)`, in [0, 1].
        training: Whether the loss has a gradient, and chains and running means move.

    Returns:
        `(batch, hidden[-1])` probabilities.

    Raises:
        ValueError: If an argument is out of its range, or the last axis of the input is undefined.

    Example:
    >>> import keras
    >>> from amalthea.layers import DBM
    >>> dbm = DBM((4, 3))
    >>> tuple(dbm(keras.ops.ones((2, 5))).shape)
    (2, 3)

    Reference:
        Salakhutdinov & Hinton 2009, "Deep Boltzmann Machines":
        https://proceedings.mlr.press/v5/salakhutdinov09a.html;
        Montavon & Müller 2012, "Deep Boltzmann Machines and the Centering Trick":
        https://doi.org/10.1007/978-3-642-35289-8_33
    """

    def __init__(
        self,
        hidden: tuple[int, ...],
        mean_field_steps: int = 10,
        gibbs_steps: int = 1,
        persistent_chains: int = 100,
        centered: bool = True,
        weight_decay: float = 2e-4,
        kernel_initializer="glorot_normal",
        learning: bool | int = True,
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(seed, **kwargs)
        if len(hidden) < 2 or any(not isinstance(units, int) or units < 1 for units in hidden):
            raise ValueError(
                f"hidden must be two or more whole numbers of at least 1, got {hidden!r}"
            )
        if weight_decay < 0:
            raise ValueError(f"weight_decay must be at least 0, got {weight_decay}")
        self.hidden = tuple(hidden)
        self.mean_field_steps = check_count("mean_field_steps", mean_field_steps)
        self.gibbs_steps = check_count("gibbs_steps", gibbs_steps)
        self.persistent_chains = check_count("persistent_chains", persistent_chains)
        self.centered = centered
        self.weight_decay = weight_decay
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.learning = learning

    def build(self, input_shape):
        if input_shape[-1] is None:
            raise ValueError(
                f"{self.name} needs a defined last axis, got inputs of shape {input_shape}"
            )
        self.input_spec = keras.layers.InputSpec(axes={-1: input_shape[-1]})
        sizes = (input_shape[-1], *self.hidden)

        self.kernels = [
            self.add_weight(
                name=f"kernel_{layer}",
                shape=sizes[layer - 1 : layer + 1],
                initializer=self.kernel_initializer.clone(),
            )
            for layer in range(1, len(sizes))
        ]
        self.biases = [
            self.add_weight(name=f"bias_{layer}", shape=(size,), initializer="zeros")
            for layer, size in enumerate(sizes)
        ]
        self.offsets = [
            self.add_state(f"offset_{layer}", (size,), UNIT.unknown)
            for layer, size in enumerate(sizes)
        ]
        # While the layer above a layer is pretrained, its own bias is that machine's.
        self.biases_up = [
            self.add_state(f"bias_up_{layer}", (size,), 0.0)
            for layer, size in enumerate(self.hidden[:-1], start=1)
        ]
        self.visible_prior = self.add_state("visible_prior", sizes[:1], 0.0)
        self.steps = self.add_state("steps", (), 0.0)
        # The layers between follow from these.
        self.chains = [
            self.add_state(
                f"chains_{layer}",
                (self.persistent_chains, sizes[layer]),
                UNIT.unknown,
                "only_first_replica",
            )
            for layer in range(0, len(sizes), 2)
        ]

    def call(self, inputs, training=False):
        posterior = self.mean_field(inputs)
        if self.learning is False:
            self.add_loss(frozen(self.trainable_weights))
        elif self.learning is True:
            reported = UNIT.negative_log_likelihood(inputs, self.unit_input(0, above=posterior[0]))
            chains = self._model_phase() if training else None
            self._learn(0, [inputs, *posterior], chains, reported)
        else:
            self._pretrain(inputs, self.learning, training)
        return posterior[-1]

    def unit_input(self, layer, below=None, above=None):
        """Total input of the units of a layer, given states or means of its neighbours.

        Args:
            layer: Number of the layer, 0 for the visible units.
            below: `(batch, units of the layer below)`, or None for none.
            above: `(batch, units of the layer above)`, or None for none.

        Returns:
            `(batch, units)`.
        """
        total = self.biases[layer]
        if layer == 0:
            total = total + ops.cast(self.visible_prior, total.dtype)
        if below is not None:
            total = ops.matmul(below, self.kernels[layer - 1]) + total
        if above is not None:
            total = ops.matmul(above, ops.transpose(self.kernels[layer])) + total
        return total

    def mean_field(self, visible, steps=None):
        """The means of the hidden layers' posterior.

        Layers with odd numbers are adjusted to their neighbours all at once, then those with even
        ones, so that no adjustment lowers the variational bound.

        Args:
            visible: `(batch, visible)`.
            steps: How often each layer is adjusted; `mean_field_steps` if not given.

        Returns:
            `(batch, units)` for each hidden layer.
        """
        units, top = [visible], len(self.hidden)
        for layer in range(1, top + 1):
            # Nothing being known yet of the layer above, it is taken to be as it is on average.
            above = None
            if layer < top:
                above = ops.cast(self.offsets[layer + 1], self.compute_dtype)[None]
            units.append(UNIT.mean(self.unit_input(layer, units[-1], above)))
        from_visible = self.unit_input(1, below=visible)
        for _ in range(self.mean_field_steps if steps is None else steps):
            for layer in (*range(1, top + 1, 2), *range(2, top + 1, 2)):
                above = units[layer + 1] if layer < top else None
                if layer == 1:
                    total = from_visible + ops.matmul(above, ops.transpose(self.kernels[1]))
                else:
                    total = self.unit_input(layer, units[layer - 1], above)
                units[layer] = UNIT.mean(total)
        return units[1:]

    @property
    def draws(self) -> int:
        """Number of seeds that a Gibbs step takes: one for each layer."""
        return len(self.hidden) + 1

    def visible_mean(self, lowest):
        """Mean of the visible units given the lowest hidden ones: `(batch, hidden[0])` to them."""
        return UNIT.mean(self.unit_input(0, above=lowest))

    def start(self, count, seed):
        """States of the even layers for chains to start at: each unit drawn alone, as on average.

        Args:
            count: Number of states, a number or a scalar tensor.
            seed: A `SeedStream` or a number.

        Returns:
            `(count, units)` for each of the layers 0, 2, ….
        """
        means = [ops.cast(offset, self.compute_dtype) for offset in self.offsets[::2]]
        return tuple(UNIT.draw(ops.broadcast_to(m, (count, m.shape[0])), seed) for m in means)

    def gibbs(self, even, steps, seed, given=None):
        """Run Gibbs chains: all layers with odd numbers at once, then all with even ones.

        Args:
            even: Where the chains start: states of the layers 0, 2, …, `(batch, units)` each.
            steps: Number of steps, a number or a scalar tensor.
            seed: `(2,)` uint32 from a `keras.random.SeedGenerator`, or a number.
            given: `(batch, visible)`, 1 where a visible unit keeps its value and 0 elsewhere.

        Returns:
            The last states of the even layers, and the means of the visible units, from which
            theirs were drawn.
        """

        def step(index, chain):
            states, mean = self._gibbs_step(chain[0], SeedStream(seed, self.draws * index))
            if given is not None:
                clamped = ops.where(given > 0, even[0], states[0])
                states, mean = (clamped, *states[1:]), ops.where(given > 0, even[0], mean)
            return states, mean

        even = tuple(ops.cast(units, self.compute_dtype) for units in even)
        return ops.fori_loop(0, steps, step, (even, even[0]))

    def begin(self, learning: bool | int) -> None:
        """Prepare the biases for a stage: pretraining of a layer, or joint training after it.

        Args:
            learning: The value of `learning` in the stage that begins.
        """
        if learning is True:
            for bias, up in zip(self.biases[1:-1], self.biases_up, strict=True):
                bias.assign((ops.convert_to_tensor(bias) + up) / 2)
        elif learning > 1:
            bias, mean = self.biases[learning - 1], self.offsets[learning - 1]
            self.biases_up[learning - 2].assign(bias)
            bias.assign(UNIT.input_for(ops.clip(mean, 1e-3, 1 - 1e-3)))

    def as_rbm(self) -> RBM:
        """The machine folded: even layers as visible and odd layers as hidden units of one RBM.

        No two layers of the same parity are joined, so it is the same distribution. What is known
        of restricted machines, such as their partition function, is thus known of deep ones.

        Returns:
            A built `RBM` with copies of the weights; its visible units are those of the layers
            0, 2, …, its hidden ones those of the layers 1, 3, ….
        """
        kernels = [ops.convert_to_numpy(kernel) for kernel in self.kernels]
        even, odd = range(0, len(kernels) + 1, 2), range(1, len(kernels) + 1, 2)
        joined = {(layer, layer + 1): kernel for layer, kernel in enumerate(kernels)}
        joined |= {(above, below): kernel.T for (below, above), kernel in joined.items()}
        biases = [ops.convert_to_numpy(self.unit_input(layer)) for layer in range(len(kernels) + 1)]
        kernel = np.block(
            [
                [joined.get((e, o), np.zeros((len(biases[e]), len(biases[o])))) for o in odd]
                for e in even
            ]
        )
        rbm = RBM(kernel.shape[1], visible_bias_initializer="zeros", name=f"{self.name}_folded")
        rbm.build((None, kernel.shape[0]))
        rbm.kernel.assign(kernel)
        rbm.visible_bias.assign(np.concatenate([biases[layer] for layer in even]))
        rbm.hidden_bias.assign(np.concatenate([biases[layer] for layer in odd]))
        return rbm

    def _odd_means(self, even):
        """Means of the layers 1, 3, …, given states of the layers 0, 2, …."""
        return [
            UNIT.mean(
                self.unit_input(
                    layer,
                    even[layer // 2],
                    even[layer // 2 + 1] if layer < len(self.hidden) else None,
                )
            )
            for layer in range(1, len(self.hidden) + 1, 2)
        ]

    def _gibbs_step(self, even, seeds):
        """The next states of the even layers, and the means of the visible units."""
        odd = [UNIT.draw(mean, seeds) for mean in self._odd_means(even)]
        means = [
            UNIT.mean(
                self.unit_input(
                    layer,
                    odd[layer // 2 - 1] if layer else None,
                    odd[layer // 2] if layer < len(self.hidden) else None,
                )
            )
            for layer in range(0, len(self.hidden) + 1, 2)
        ]
        return tuple(UNIT.draw(mean, seeds) for mean in means), means[0]

    def _model_phase(self):
        """States or means of all layers at the end of the chains."""
        seeds = SeedStream(self.seed_generator.next())
        even = [ops.cast(chains, self.compute_dtype) for chains in self.chains]
        for _ in range(self.gibbs_steps):
            even, _ = self._gibbs_step(even, seeds)
        for chains, states in zip(self.chains, even, strict=True):
            chains.assign(ops.cast(states, chains.dtype))
        odd = self._odd_means(even)
        return [(odd if layer % 2 else even)[layer // 2] for layer in range(len(self.hidden) + 1)]

    def _pretrain(self, inputs, layer, training):
        """Contrastive divergence of one pair of layers, those below it being as they are."""
        below, top = inputs, len(self.hidden)
        for kernel, bias in zip(self.kernels[: layer - 1], self.biases_up, strict=False):
            bias = ops.cast(bias, self.compute_dtype)
            below = UNIT.mean(ops.matmul(2 * below, kernel) + bias)
        up, down = (1 if layer == top else 2), (1 if layer == 1 else 2)

        def hidden_mean(units):
            return UNIT.mean(self.unit_input(layer, below=up * units))

        def below_input(units):
            # What the layer further below would give is made up for by doubling.
            return self.unit_input(layer - 1, above=down * units)

        hidden = hidden_mean(below)
        chain = None
        if training:
            seeds, chain_hidden = SeedStream(self.seed_generator.next()), hidden
            for _ in range(self.gibbs_steps):
                # A mean, with less variance than states: what it biases is where the joint training
                # starts, whose own gradient is exact, and with states that ended no better.
                chain_below = UNIT.mean(below_input(UNIT.draw(chain_hidden, seeds)))
                chain_hidden = hidden_mean(chain_below)
            chain = [chain_below, chain_hidden]
        self._learn(
            layer - 1,
            [below, hidden],
            chain,
            UNIT.negative_log_likelihood(below, below_input(hidden)),
        )

    def _learn(self, lowest, data, model, reported):
        """Add the loss: its gradient is from the statistics of some layers, its value `reported`.

        Args:
            lowest: Number of the lowest of the layers.
            data: Their means in the data, `(batch, units)` each.
            model: Their states or means in the model; None to report only.
            reported: `(batch,)`.
        """
        reported = ops.cast(ops.mean(reported), self.variable_dtype)
        if model is None:
            self.add_loss(reported)
            return
        data, model = (
            [ops.stop_gradient(ops.cast(units, self.variable_dtype)) for units in phase]
            for phase in (data, model)
        )
        layers = slice(lowest, lowest + len(data))
        offsets = self.offsets[layers]
        kernels, biases = boltzmann_gradient(
            data, model, [offset.value for offset in offsets] if self.centered else None
        )
        for offset, units in zip(offsets, data, strict=True):
            offset.assign(moved(offset, ops.mean(units, axis=0)))
        if lowest == 0:
            first = prior_for(UNIT, data[0])
            self.visible_prior.assign(ops.where(self.steps > 0, self.visible_prior.value, first))
            self.steps.assign(self.steps + 1)
        weights = self.kernels[lowest : lowest + len(kernels)]
        gradients = [
            gradient + self.weight_decay * ops.cast(kernel, gradient.dtype)
            for kernel, gradient in zip(weights, kernels, strict=True)
        ]
        weights += self.biases[layers]
        gradients += biases
        others = [
            weight for weight in self.trainable_weights if not any(weight is w for w in weights)
        ]
        self.add_loss(descent(weights, gradients, reported) + (frozen(others) if others else 0.0))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.hidden[-1])

    def get_config(self):
        return {
            **super().get_config(),
            "hidden": self.hidden,
            "mean_field_steps": self.mean_field_steps,
            "gibbs_steps": self.gibbs_steps,
            "persistent_chains": self.persistent_chains,
            "centered": self.centered,
            "weight_decay": self.weight_decay,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "learning": self.learning,
        }
