"""Keras layers that the recipes plug together and that Keras itself does not have."""

from ..compatibility import check_keras

check_keras()

from .binarize import Binarize  # noqa: E402
from .boltzmann_machine import BoltzmannMachine  # noqa: E402
from .captioned_rbm import CaptionedRBM  # noqa: E402
from .dbm import DBM  # noqa: E402
from .fused_batch_normalization import FusedBatchNormalization  # noqa: E402
from .gradient_gate import GradientGate  # noqa: E402
from .hopfield import Hopfield  # noqa: E402
from .labelled_rbm import LabelledRBM  # noqa: E402
from .maxout import Maxout  # noqa: E402
from .minibatch_discrimination import MinibatchDiscrimination  # noqa: E402
from .minibatch_std_dev import MinibatchStdDev  # noqa: E402
from .partial_conv2d import PartialConv2D  # noqa: E402
from .radial_basis import RadialBasis  # noqa: E402
from .rbm import RBM  # noqa: E402
from .replay_buffer import ReplayBuffer  # noqa: E402
from .standardize import Standardize  # noqa: E402
from .tied_dense import TiedDense  # noqa: E402
from .trainable_pooling2d import TrainablePooling2D  # noqa: E402

__all__ = [
    "DBM",
    "RBM",
    "Binarize",
    "BoltzmannMachine",
    "CaptionedRBM",
    "FusedBatchNormalization",
    "GradientGate",
    "Hopfield",
    "LabelledRBM",
    "Maxout",
    "MinibatchDiscrimination",
    "MinibatchStdDev",
    "PartialConv2D",
    "RadialBasis",
    "ReplayBuffer",
    "Standardize",
    "TiedDense",
    "TrainablePooling2D",
]
