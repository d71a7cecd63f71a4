"""The restricted Boltzmann machine, trained by contrastive divergence."""

import math

import keras
from keras import initializers, ops, random

from ..checks import check_count
from .boltzmann_gradient import boltzmann_gradient, descent, frozen, moved, prior_for
from .both_ways import check_features, output_spec
from .kept_loss import KeptLoss
from .seed_stream import SeedStream
from .seeded_layer import SeededLayer
from .units import UNITS, WithSoftmax


@keras.saving.register_keras_serializable("amalthea")
class RBM(KeptLoss, SeededLayer):
    """Restricted Boltzmann machine: visible and hidden units, joined by one kernel.

    Its energy is `E(v, h) = −vᵀWh − bᵀv − aᵀh` over binary units. Gaussian visible units, of
    variance 1, have `½‖v − b‖²` in place of `−bᵀv`; Gaussian hidden ones add `½‖h‖²`.
    Forward the layer computes the mean of `p(h | v)`, with `reverse=True` that of `p(v | h)`.

    It adds a loss whose gradient is the update of contrastive divergence: statistics of the data
    against those of a Gibbs chain, which starts at the data or, with `persistent_chains`, goes on
    from step to step. Hidden means given the visible states stand for hidden states in the
    statistics, where drawing them would only add noise; with more and more Gibbs steps the update
    becomes the gradient of the log-likelihood. With `centered=True` the statistics are taken about
    running means of the units, so that learning does not depend on whether a unit is mostly on or
    off. As that gradient is not the gradient of any function, the loss has another value: minus the
    pseudo-log-likelihood in nats over binary visible units, estimated from one unit of each row;
    half the squared error of one reconstruction over Gaussian ones; its cross-entropy in nats where
    there is a softmax group.

    Under mixed precision products and drawn states have the lower one; the statistics, chains and
    running means stay in single precision, as small updates would be lost.

    Args:
        hidden: Number of hidden units, at least 1.
        visible_units: `"bernoulli"`, for inputs in [0, 1], or `"gaussian"`, for standardised ones.
        hidden_units: `"bernoulli"`, or `"gaussian"` for a linear code.
        softmax: `(groups, size)`: the last `groups · size` visible units form groups of which one
            unit is on, for labels and words; None for no such group.
        gibbs_steps: Gibbs steps between the statistics, the k of CD-k; at least 1.
        persistent_chains: Number of chains that are kept from step to step; 0 for chains that start
            at the data.
        visible_means: Whether chains that start at the data end with means of the visible units
            instead of states, as in Hinton's guide. With binary data the gradient then has less
            variance, but a bias that no number of Gibbs steps removes, of 3 to 13 % of it on small
            machines. Where the data are means themselves, such as features of another machine or
            grey pixels, it compares like with like.
        centered: Whether the gradient is the centred one.
        weight_decay: What the kernel times is added to its gradient, at least 0.
        sparsity_target: Mean activity that binary hidden units are driven to, in (0, 1), or None.
        sparsity_cost: How strongly they are.
        kernel_initializer: Initializer of the kernel, `(visible, hidden)`.
        visible_bias_initializer: Initializer of the visible biases, or `"data"`: what is learnt
            then adds to a `visible_prior`, at which the units without input have the means of the
            first batch that is trained on.
        hidden_bias_initializer: Initializer of the hidden biases.
        untied: Whether the way down has a `generative_kernel` of its own, `(hidden, visible)`, once
            the layer has learnt: `unroll` makes the encoder and decoder of an autoencoder of it.
        learning: Whether the layer learns and adds its loss. A callback may change it between
            epochs, so that one layer of a stack learns at a time.
        seed: Seed of all that is drawn.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, visible)` forward, `(batch, hidden)` in reverse.
        reverse: Whether to run from hidden to visible units.
        training: Whether the loss has a gradient, and chains and running means move.

    Returns:
        `(batch, hidden)` means forward; `(batch, visible)` means in reverse.

    Raises:
        ValueError: If an argument is out of its range, or the last axis of the input is undefined
            or shorter than the softmax groups.

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
        Hinton 2010, "A Practical Guide to Training Restricted Boltzmann Machines", for the visible
        biases from the data, weight decay and sparsity (its initial weights, normal with a standard
        deviation of 0.01, learn slower than the default here):
        https://www.cs.toronto.edu/~hinton/absps/guideTR.pdf
    """

    def __init__(
        self,
        hidden: int,
        visible_units: str = "bernoulli",
        hidden_units: str = "bernoulli",
        softmax: tuple[int, int] | None = None,
        gibbs_steps: int = 1,
        persistent_chains: int = 0,
        visible_means: bool = False,
        centered: bool = True,
        weight_decay: float = 2e-4,
        sparsity_target: float | None = None,
        sparsity_cost: float = 0.1,
        kernel_initializer="glorot_normal",
        visible_bias_initializer="data",
        hidden_bias_initializer="zeros",
        untied: bool = False,
        learning: bool = True,
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(seed, **kwargs)
        for name, value in (("visible_units", visible_units), ("hidden_units", hidden_units)):
            if value not in UNITS:
                raise ValueError(f"{name} must be 'bernoulli' or 'gaussian', got {value!r}")
        if softmax is not None and (
            visible_units != "bernoulli" or len(softmax) != 2 or softmax[0] < 1 or softmax[1] < 2
        ):
            raise ValueError(
                "softmax must be (groups, size), at least 1 and 2, beside binary visible units, "
                f"got {softmax!r} beside {visible_units} ones"
            )
        if weight_decay < 0:
            raise ValueError(f"weight_decay must be at least 0, got {weight_decay}")
        if sparsity_target is not None and not 0 < sparsity_target < 1:
            raise ValueError(
                f"sparsity_target must be above 0 and below 1, or None, got {sparsity_target}"
            )
        self.hidden = check_count("hidden", hidden)
        self.visible_units = visible_units
        self.hidden_units = hidden_units
        self.softmax = tuple(softmax) if softmax else None
        self.gibbs_steps = check_count("gibbs_steps", gibbs_steps)
        self.persistent_chains = check_count("persistent_chains", persistent_chains, least=0)
        self.visible_means = visible_means
        self.centered = centered
        self.weight_decay = weight_decay
        self.sparsity_target = sparsity_target
        self.sparsity_cost = sparsity_cost
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.prior_from_data = visible_bias_initializer == "data"
        self.visible_bias_initializer = initializers.get(
            "zeros" if self.prior_from_data else visible_bias_initializer
        )
        self.hidden_bias_initializer = initializers.get(hidden_bias_initializer)
        self.untied = untied
        self.learning = learning
        self._visible = WithSoftmax(*softmax) if softmax else UNITS[visible_units]
        self._hidden = UNITS[hidden_units]

    def build(self, input_shape):
        visible = input_shape[-1]
        least = math.prod(self.softmax) if self.softmax else 1
        if visible is None or visible < least:
            raise ValueError(
                f"{self.name} needs a defined last axis of at least {least}, "
                f"got inputs of shape {input_shape}"
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
        if self.untied:
            self.generative_kernel = self.add_weight(
                name="generative_kernel",
                shape=(self.hidden, visible),
                initializer=self.kernel_initializer.clone(),
            )
        self.visible_offset = self.add_state("visible_offset", (visible,), self._visible.unknown)
        self.hidden_offset = self.add_state("hidden_offset", (self.hidden,), self._hidden.unknown)
        if self.prior_from_data:
            self.visible_prior = self.add_state("visible_prior", (visible,), 0.0)
            self.steps = self.add_state("steps", (), 0.0)
        if self.persistent_chains:
            # Means of the chains' hidden units, from which their next states are drawn.
            shape = (self.persistent_chains, self.hidden)
            self.chains = self.add_state(
                "chains", shape, self._hidden.unknown, "only_first_replica"
            )

    def call(self, inputs, reverse=False, training=False):
        check_features(self, inputs, reverse)
        if reverse:
            self.keep_loss()
            return self.visible_mean(inputs)
        hidden_input = self.hidden_input(inputs)
        self.add_kept_loss(self._loss(inputs, hidden_input, training))
        return self._hidden.mean(hidden_input)

    def loss(self, visible, training=False):
        """The loss that a call adds, for a model that has more to give than its layers pass on.

        Args:
            visible: `(batch, visible)`.
            training: Whether the loss has a gradient, and chains and running means move.

        Returns:
            A scalar.
        """
        return self._loss(visible, self.hidden_input(visible), training)

    @property
    def visible_biases(self):
        """What the visible units get without any hidden one: the biases, and the prior."""
        if self.prior_from_data:
            return self.visible_bias + ops.cast(self.visible_prior, self.visible_bias.dtype)
        return self.visible_bias

    def hidden_input(self, visible):
        """Total input of the hidden units: `(batch, visible)` to `(batch, hidden)`."""
        return ops.matmul(visible, self.kernel) + self.hidden_bias

    def visible_input(self, hidden):
        """Total input of the visible units: `(batch, hidden)` to `(batch, visible)`."""
        down = (
            self.generative_kernel
            if self.untied and not self.learning
            else ops.transpose(self.kernel)
        )
        return ops.matmul(hidden, down) + self.visible_biases

    def unroll(self):
        """Let the way down begin with the transpose of the kernel, where it is untied."""
        if self.untied:
            self.generative_kernel.assign(ops.transpose(self.kernel))

    def hidden_mean(self, visible):
        """Mean of `p(h | v)`: `(batch, visible)` to `(batch, hidden)`."""
        return self._hidden.mean(self.hidden_input(visible))

    def visible_mean(self, hidden):
        """Mean of `p(v | h)`: `(batch, hidden)` to `(batch, visible)`."""
        return self._visible.mean(self.visible_input(hidden))

    def free_energy(self, visible):
        """`−log Σ_h exp(−E(v, h))`: `(batch, visible)` to `(batch,)`."""
        hidden = ops.sum(self._hidden.log_sum(self.hidden_input(visible)), axis=-1)
        if self.visible_units == "bernoulli":
            return -ops.matmul(visible, self.visible_biases) - hidden
        return ops.sum(ops.square(visible - self.visible_biases), axis=-1) / 2 - hidden

    def draw_hidden(self, mean, seed):
        """States from the mean of `p(h | v)`, both `(batch, hidden)`."""
        return self._hidden.draw(mean, seed)

    def draw_visible(self, mean, seed):
        """States from the mean of `p(v | h)`, both `(batch, visible)`."""
        return self._visible.draw(mean, seed)

    @property
    def visible_average(self):
        """Running means of the visible units in the data, for those of which nothing is known.

        `(1, visible)`, in the precision of the layer's products.
        """
        return ops.cast(self.visible_offset, self.compute_dtype)[None]

    def start(self, count, seed):
        """States for chains to start at: each visible unit drawn alone, with its average as mean.

        Args:
            count: Number of states, a number or a scalar tensor.
            seed: A `SeedStream` or a number.

        Returns:
            `(count, visible)`.
        """
        mean = self.visible_average
        return self.draw_visible(ops.broadcast_to(mean, (count, mean.shape[-1])), seed)

    def sample(self, count, steps, seed):
        """Draw visible states from the machine, by Gibbs chains from independent states.

        Args:
            count: Number of chains, a number or a scalar tensor.
            steps: Their steps, a number or a scalar tensor.
            seed: `(2,)` uint32 from a `keras.random.SeedGenerator`, or a number.

        Returns:
            As `gibbs`: the last states and the means they were drawn from.
        """
        # Of the seeds, those of the steps come first.
        return self.gibbs(self.start(count, SeedStream(seed, 2 * steps)), steps, seed)

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
            drawn = self.gibbs_step(chain[0], SeedStream(seed, 2 * index))
            if given is None:
                return drawn
            return tuple(ops.where(given > 0, visible, units) for units in drawn)

        visible = ops.cast(visible, self.compute_dtype)
        return ops.fori_loop(0, steps, step, (visible, visible))

    def gibbs_step(self, visible, seeds):
        """One step of Gibbs chains.

        Args:
            visible: States, `(batch, visible)`.
            seeds: A `SeedStream`, of which it takes two.

        Returns:
            The next states and the means they were drawn from, `(batch, visible)` each.
        """
        mean = self.visible_mean(self.draw_hidden(self.hidden_mean(visible), seeds))
        return self.draw_visible(mean, seeds), mean

    def _loss(self, visible, hidden_input, training):
        if not self.learning:
            return frozen(self.trainable_weights)
        hidden = self._hidden.mean(hidden_input)
        if not training:
            reported = self._reported_loss(visible, hidden_input, hidden, SeedStream(0))
            return ops.cast(reported, self.variable_dtype)
        seeds = SeedStream(self.seed_generator.next())
        chain = self._contrast(hidden, seeds)
        reported = self._reported_loss(visible, hidden_input, hidden, seeds)
        loss = self._descent((visible, hidden), chain, reported)
        return loss + frozen([self.generative_kernel]) if self.untied else loss

    def _contrast(self, hidden, seeds):
        """Visible states and hidden means at the end of the chains."""
        if self.persistent_chains:
            hidden = ops.cast(self.chains, self.compute_dtype)
        for step in range(self.gibbs_steps):
            visible = self.visible_mean(self.draw_hidden(hidden, seeds))
            by_means = self.visible_means and not self.persistent_chains
            if not by_means or step + 1 < self.gibbs_steps:
                visible = self.draw_visible(visible, seeds)
            hidden = self.hidden_mean(visible)
        if self.persistent_chains:
            self.chains.assign(ops.cast(hidden, self.chains.dtype))
        return visible, hidden

    def _descent(self, data, chain, reported):
        """The loss: its gradient is that of contrastive divergence, its value `reported`."""
        data, chain = (
            [ops.stop_gradient(ops.cast(units, self.variable_dtype)) for units in phase]
            for phase in (data, chain)
        )
        offsets = [
            ops.cast(offset, self.variable_dtype)  # read once
            for offset in (self.visible_offset, self.hidden_offset)
        ]
        (kernel_gradient,), (visible_gradient, hidden_gradient) = boltzmann_gradient(
            data, chain, offsets if self.centered else None
        )
        visible_mean, hidden_mean = (ops.mean(units, axis=0) for units in data)
        self.visible_offset.assign(moved(offsets[0], visible_mean))
        self.hidden_offset.assign(moved(offsets[1], hidden_mean))
        if self.prior_from_data:
            first = prior_for(self._visible, data[0])
            self.visible_prior.assign(ops.where(self.steps > 0, self.visible_prior.value, first))
            self.steps.assign(self.steps + 1)
        if self.sparsity_target is not None:
            surplus = self.sparsity_cost * (offsets[1] - self.sparsity_target)
            hidden_gradient += surplus
            kernel_gradient += ops.expand_dims(visible_mean, 1) * surplus
        if self.weight_decay:
            kernel_gradient += self.weight_decay * ops.cast(self.kernel, self.variable_dtype)
        return descent(
            (self.kernel, self.visible_bias, self.hidden_bias),
            (kernel_gradient, visible_gradient, hidden_gradient),
            reported,
        )

    def _reported_loss(self, visible, hidden_input, hidden, seeds):
        if self.visible_units == "bernoulli" and not self.softmax:
            return -ops.mean(self._pseudo_log_likelihood(visible, hidden_input, hidden, seeds))
        return ops.mean(self._visible.negative_log_likelihood(visible, self.visible_input(hidden)))

    def _pseudo_log_likelihood(self, visible, hidden_input, hidden, seeds):
        """`Σ_i log p(v_i | all others)`, estimated from one unit i of each row: `(batch,)`."""
        count = visible.shape[-1]
        rows = ops.shape(visible)[0]
        unit = random.randint((rows,), 0, count, seed=seeds)
        # By one index a unit, where `take_along_axis` copies all units.
        value = ops.take(visible, count * ops.arange(rows) + unit)[:, None]
        flip = 1 - 2 * value
        change = flip * ops.take(self.kernel, unit, axis=0)  # of the hidden units' inputs
        rise = -flip[:, 0] * ops.take(self.visible_biases, unit) - ops.sum(
            self._hidden.log_sum_rise(hidden_input, hidden, change), axis=-1
        )  # of the free energy
        return count * ops.log_sigmoid(rise)

    def compute_output_spec(self, inputs, reverse=False, training=False):
        return output_spec(self, inputs, reverse, self.hidden)

    def get_config(self):
        return {
            **super().get_config(),
            "hidden": self.hidden,
            "visible_units": self.visible_units,
            "hidden_units": self.hidden_units,
            "softmax": self.softmax,
            "gibbs_steps": self.gibbs_steps,
            "persistent_chains": self.persistent_chains,
            "visible_means": self.visible_means,
            "centered": self.centered,
            "weight_decay": self.weight_decay,
            "sparsity_target": self.sparsity_target,
            "sparsity_cost": self.sparsity_cost,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "visible_bias_initializer": "data"
            if self.prior_from_data
            else initializers.serialize(self.visible_bias_initializer),
            "hidden_bias_initializer": initializers.serialize(self.hidden_bias_initializer),
            "untied": self.untied,
            "learning": self.learning,
        }
