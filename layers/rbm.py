"""The restricted Boltzmann machine, trained by contrastive divergence."""

import keras
from keras import initializers, ops, random

from .seed_stream import SeedStream

# How much of the running means of the units a training step keeps.
KEPT = 0.9


@keras.saving.register_keras_serializable("amalthea")
class RBM(keras.layers.Layer):
    """Restricted Boltzmann machine: visible and hidden units, joined by one kernel.

    Its energy is `E(v, h) = −vᵀWh − bᵀv − aᵀh` over binary visible units, and
    `½‖v − b‖² − vᵀWh − aᵀh` over Gaussian ones of variance 1. Forward it computes `p(h = 1 | v)`;
    with `reverse=True` it computes the mean of `p(v | h)`.

    It adds a loss whose gradient is the update of contrastive divergence: statistics of the data
    against those of a Gibbs chain, which starts at the data or, with `persistent_chains`, goes on
    from step to step. Hidden probabilities stand for hidden states where drawing them would only
    add noise, and visible means for visible states in chains that start at the data. With
    `centered=True` the statistics are taken about running means of the units, so that learning does
    not depend on whether a unit is mostly on or off. As that gradient is not the gradient of any
    function, the loss has another value: minus the pseudo-log-likelihood in nats over binary
    visible units, estimated from one unit of each row, and half the squared error of one
    reconstruction over Gaussian ones.

    Args:
        hidden: Number of hidden units, at least 1.
        visible_units: `"bernoulli"`, for inputs in [0, 1], or `"gaussian"`, for standardised ones.
        gibbs_steps: Gibbs steps between the statistics, the k of CD-k; at least 1.
        persistent_chains: Number of chains that are kept from step to step; 0 for chains that start
            at the data.
        centered: Whether the gradient is the centred one.
        weight_decay: What the kernel times is added to its gradient, at least 0.
        sparsity_target: Mean activity that hidden units are driven to, in (0, 1), or None.
        sparsity_cost: How strongly they are.
        kernel_initializer: Initializer of the kernel, `(visible, hidden)`; normal with a standard
            deviation of 0.01 where not given.
        visible_bias_initializer: Initializer of the visible biases; the log-odds of the data's
            means make a good start.
        hidden_bias_initializer: Initializer of the hidden biases.
        seed: Seed of all that is drawn.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, visible)` forward, `(batch, hidden)` in reverse.
        reverse: Whether to run from hidden to visible units.
        training: Whether the loss has a gradient, and chains and running means move.

    Returns:
        `(batch, hidden)` probabilities forward; `(batch, visible)` means in reverse.

    Raises:
        ValueError: If an argument is out of its range, or the last axis of the input is undefined.

    Example:
    >>> import keras
    >>> from amalthea.layers import RBM
    >>> rbm = RBM(3)
    >>> visible = keras.ops.ones((2, 5))
    >>> tuple(rbm(visible).shape), tuple(rbm(rbm(visible), reverse=True).shape)
    ((2, 3), (2, 5))
    >>> tuple(rbm.free_energy(visible).shape)
    (2,)

    Reference:
        Hinton 2002, "Training Products of Experts by Minimizing Contrastive Divergence":
        https://doi.org/10.1162/089976602760128018;
        Tieleman 2008 for persistent chains: https://doi.org/10.1145/1390156.1390290;
        Melchior, Fischer & Wiskott 2016 for the centred gradient:
        https://jmlr.org/papers/v17/14-237.html;
        Hinton 2010, "A Practical Guide to Training Restricted Boltzmann Machines":
        https://www.cs.toronto.edu/~hinton/absps/guideTR.pdf
    """

    def __init__(
        self,
        hidden: int,
        visible_units: str = "bernoulli",
        gibbs_steps: int = 1,
        persistent_chains: int = 0,
        centered: bool = True,
        weight_decay: float = 2e-4,
        sparsity_target: float | None = None,
        sparsity_cost: float = 0.1,
        kernel_initializer=None,
        visible_bias_initializer="zeros",
        hidden_bias_initializer="zeros",
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        for name, value, least in (
            ("hidden", hidden, 1),
            ("gibbs_steps", gibbs_steps, 1),
            ("persistent_chains", persistent_chains, 0),
        ):
            if not isinstance(value, int) or value < least:
                raise ValueError(
                    f"{name} must be a whole number of at least {least}, got {value!r}"
                )
        if visible_units not in ("bernoulli", "gaussian"):
            raise ValueError(
                f"visible_units must be 'bernoulli' or 'gaussian', got {visible_units!r}"
            )
        if weight_decay < 0:
            raise ValueError(f"weight_decay must be at least 0, got {weight_decay}")
        if sparsity_target is not None and not 0 < sparsity_target < 1:
            raise ValueError(
                f"sparsity_target must be above 0 and below 1, or None, got {sparsity_target}"
            )
        self.hidden = hidden
        self.visible_units = visible_units
        self.gibbs_steps = gibbs_steps
        self.persistent_chains = persistent_chains
        self.centered = centered
        self.weight_decay = weight_decay
        self.sparsity_target = sparsity_target
        self.sparsity_cost = sparsity_cost
        self.kernel_initializer = initializers.get(
            kernel_initializer or initializers.RandomNormal(stddev=0.01)
        )
        self.visible_bias_initializer = initializers.get(visible_bias_initializer)
        self.hidden_bias_initializer = initializers.get(hidden_bias_initializer)
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed)

    def build(self, input_shape):
        visible = input_shape[-1]
        if visible is None:
            raise ValueError(
                f"{self.name} needs a defined last axis, got inputs of shape {input_shape}"
            )

        def state(name, shape, initializer, aggregation="mean"):
            return self.add_weight(
                name=name,
                shape=shape,
                initializer=initializer,
                trainable=False,
                autocast=False,  # a running mean needs all its digits
                aggregation=aggregation,
            )

        self.kernel = self.add_weight(
            name="kernel", shape=(visible, self.hidden), initializer=self.kernel_initializer
        )
        self.visible_bias = self.add_weight(
            name="visible_bias", shape=(visible,), initializer=self.visible_bias_initializer
        )
        self.hidden_bias = self.add_weight(
            name="hidden_bias", shape=(self.hidden,), initializer=self.hidden_bias_initializer
        )
        unknown = 0.5 if self.visible_units == "bernoulli" else 0.0
        self.visible_offset = state(
            "visible_offset", (visible,), initializers.Constant(unknown if self.centered else 0.0)
        )
        self.hidden_offset = state("hidden_offset", (self.hidden,), initializers.Constant(0.5))
        if self.persistent_chains:
            shape = (self.persistent_chains, visible)
            start = initializers.Constant(unknown)
            self.chains = state("chains", shape, start, "only_first_replica")

    def call(self, inputs, reverse=False, training=False):
        if reverse:
            return self.visible_mean(inputs)
        hidden_input = self.hidden_input(inputs)
        hidden = ops.sigmoid(hidden_input)
        if training:
            seeds = SeedStream(self.seed_generator.next())
            chain = self._contrast(hidden, seeds)
            reported = self._reported_loss(inputs, hidden_input, hidden, seeds)
            descent = self._descent(inputs, hidden, *chain)
            self.add_loss(descent + ops.stop_gradient(ops.cast(reported, descent.dtype) - descent))
        else:
            self.add_loss(self._reported_loss(inputs, hidden_input, hidden, SeedStream(0)))
        return hidden

    def hidden_input(self, visible):
        """Total input of the hidden units: `(batch, visible)` to `(batch, hidden)`."""
        return ops.matmul(visible, self.kernel) + self.hidden_bias

    def visible_mean(self, hidden):
        """Mean of `p(v | h)`: `(batch, hidden)` to `(batch, visible)`."""
        inputs = ops.matmul(hidden, ops.transpose(self.kernel)) + self.visible_bias
        return ops.sigmoid(inputs) if self.visible_units == "bernoulli" else inputs

    def free_energy(self, visible):
        """`−log Σ_h exp(−E(v, h))`: `(batch, visible)` to `(batch,)`."""
        softplus = ops.sum(ops.softplus(self.hidden_input(visible)), axis=-1)
        if self.visible_units == "bernoulli":
            return -ops.matmul(visible, self.visible_bias) - softplus
        return ops.sum(ops.square(visible - self.visible_bias), axis=-1) / 2 - softplus

    def draw_hidden(self, hidden, seed):
        """Binary states from probabilities, both `(batch, hidden)`."""
        noise = random.uniform(ops.shape(hidden), dtype=hidden.dtype, seed=seed)
        return ops.cast(noise < hidden, hidden.dtype)

    def draw_visible(self, mean, seed):
        """States from the mean of `p(v | h)`, both `(batch, visible)`."""
        if self.visible_units == "bernoulli":
            return self.draw_hidden(mean, seed)
        return mean + random.normal(ops.shape(mean), dtype=mean.dtype, seed=seed)

    def gibbs(self, visible, steps, seed, given=None):
        """Run Gibbs chains: all hidden units at once, then all visible ones.

        Args:
            visible: Where the chains start, `(batch, visible)`.
            steps: Number of steps, a number or a scalar tensor.
            seed: `(2,)` uint32 from a `keras.random.SeedGenerator`, or a number.
            given: `(batch, visible)`, 1 where the unit keeps its value and 0 elsewhere.

        Returns:
            The last visible states and the means they were drawn from, `(batch, visible)` each.
        """

        def step(index, chain):
            seeds = SeedStream(seed, 2 * index)
            hidden = self.draw_hidden(ops.sigmoid(self.hidden_input(chain[0])), seeds)
            mean = self.visible_mean(hidden)
            states = self.draw_visible(mean, seeds)
            if given is not None:
                states = ops.where(given > 0, visible, states)
                mean = ops.where(given > 0, visible, mean)
            return states, mean

        visible = ops.cast(visible, self.compute_dtype)
        return ops.fori_loop(0, steps, step, (visible, visible))

    def _contrast(self, hidden, seeds):
        """Visible states and hidden probabilities at the end of the chains."""
        if self.persistent_chains:
            hidden = ops.sigmoid(self.hidden_input(ops.cast(self.chains, self.compute_dtype)))
        for step in range(self.gibbs_steps):
            visible = self.visible_mean(self.draw_hidden(hidden, seeds))
            if self.persistent_chains or step + 1 < self.gibbs_steps:
                visible = self.draw_visible(visible, seeds)
            hidden = ops.sigmoid(self.hidden_input(visible))
        if self.persistent_chains:
            self.chains.assign(ops.cast(visible, self.chains.dtype))
        return visible, hidden

    def _descent(self, data, hidden, chain_visible, chain_hidden):
        """A sum over the weights, each times its gradient as a constant."""
        data, hidden, chain_visible, chain_hidden = (
            ops.stop_gradient(ops.cast(t, self.variable_dtype))
            for t in (data, hidden, chain_visible, chain_hidden)
        )
        visible_offset, hidden_offset = self.visible_offset.value, self.hidden_offset.value
        mean_visible, mean_hidden = ops.mean(data, axis=0), ops.mean(hidden, axis=0)
        visible_gradient = ops.mean(chain_visible, axis=0) - mean_visible
        hidden_gradient = ops.mean(chain_hidden, axis=0) - mean_hidden
        if self.centered:
            data, chain_visible = data - visible_offset, chain_visible - visible_offset
            hidden, chain_hidden = hidden - hidden_offset, chain_hidden - hidden_offset
        kernel_gradient = _correlation(chain_visible, chain_hidden) - _correlation(data, hidden)
        if self.centered:
            visible_gradient -= ops.matmul(kernel_gradient, hidden_offset)
            hidden_gradient -= ops.matmul(visible_offset, kernel_gradient)
            self.visible_offset.assign(KEPT * visible_offset + (1 - KEPT) * mean_visible)
        self.hidden_offset.assign(KEPT * hidden_offset + (1 - KEPT) * mean_hidden)
        if self.sparsity_target is not None:
            surplus = self.sparsity_cost * (hidden_offset - self.sparsity_target)
            hidden_gradient += surplus
            kernel_gradient += ops.expand_dims(mean_visible, 1) * surplus
        kernel_gradient += self.weight_decay * ops.cast(self.kernel, self.variable_dtype)
        return sum(
            ops.sum(ops.cast(weight, self.variable_dtype) * ops.stop_gradient(gradient))
            for weight, gradient in (
                (self.kernel, kernel_gradient),
                (self.visible_bias, visible_gradient),
                (self.hidden_bias, hidden_gradient),
            )
        )

    def _reported_loss(self, visible, hidden_input, hidden, seeds):
        if self.visible_units == "gaussian":
            error = ops.square(visible - self.visible_mean(hidden))
            return ops.mean(ops.sum(error, axis=-1)) / 2
        return -ops.mean(self._pseudo_log_likelihood(visible, hidden_input, seeds))

    def _pseudo_log_likelihood(self, visible, hidden_input, seeds):
        """`Σ_i log p(v_i | all others)`, estimated from one unit i of each row: `(batch,)`."""
        count = visible.shape[-1]
        unit = random.randint(ops.shape(visible)[:1], 0, count, seed=seeds)
        value = ops.take_along_axis(visible, ops.expand_dims(unit, 1), axis=1)  # (batch, 1)
        flip = 1 - 2 * value
        flipped_input = hidden_input + flip * ops.take(self.kernel, unit, axis=0)
        rise = -flip[:, 0] * ops.take(self.visible_bias, unit) - ops.sum(
            ops.softplus(flipped_input) - ops.softplus(hidden_input), axis=-1
        )  # of the free energy
        return count * ops.log_sigmoid(rise)

    def save_own_variables(self, store):
        super().save_own_variables(store)
        # Keras leaves the state of random generators out.
        store["seed_generator"] = ops.convert_to_numpy(self.seed_generator.state)

    def load_own_variables(self, store):
        self.seed_generator.state.assign(store["seed_generator"])
        names = [name for name in store.keys() if name != "seed_generator"]  # noqa: SIM118
        super().load_own_variables({name: store[name] for name in names})

    def get_config(self):
        return {
            **super().get_config(),
            "hidden": self.hidden,
            "visible_units": self.visible_units,
            "gibbs_steps": self.gibbs_steps,
            "persistent_chains": self.persistent_chains,
            "centered": self.centered,
            "weight_decay": self.weight_decay,
            "sparsity_target": self.sparsity_target,
            "sparsity_cost": self.sparsity_cost,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "visible_bias_initializer": initializers.serialize(self.visible_bias_initializer),
            "hidden_bias_initializer": initializers.serialize(self.hidden_bias_initializer),
            "seed": self.seed,
        }


def _correlation(visible, hidden):
    """`⟨v hᵀ⟩` over the rows."""
    return ops.matmul(ops.transpose(visible), hidden) / ops.cast(
        ops.shape(visible)[0], hidden.dtype
    )
