"""Keras layers that the recipes plug together and that Keras itself does not have."""

from ..compatibility import check_keras

check_keras()

from .adaptive_instance_normalization import AdaptiveInstanceNormalization  # noqa: E402
from .autoencoding_dense import AutoencodingDense  # noqa: E402
from .bias import Bias  # noqa: E402
from .binarize import Binarize  # noqa: E402
from .blur import Blur  # noqa: E402
from .boltzmann_machine import BoltzmannMachine  # noqa: E402
from .captioned_rbm import CaptionedRBM  # noqa: E402
from .corruption import Corruption  # noqa: E402
from .dbm import DBM  # noqa: E402
from .diagonal_bilstm import DiagonalBiLSTM  # noqa: E402
from .drop_path import DropPathJoin, GlobalPath  # noqa: E402
from .echo_state_cell import EchoStateCell  # noqa: E402
from .equalized import EqualizedConv2D, EqualizedDense  # noqa: E402
from .fade_in import FadeIn  # noqa: E402
from .fold_conv2d_transpose import FoldConv2DTranspose  # noqa: E402
from .fused_batch_normalization import FusedBatchNormalization  # noqa: E402
from .gated_activation import GatedActivation  # noqa: E402
from .gaussian_sample import GaussianSample  # noqa: E402
from .gradient_gate import GradientGate  # noqa: E402
from .hopfield import Hopfield  # noqa: E402
from .horizontal_conv2d import HorizontalConv2D  # noqa: E402
from .k_sparse import KSparse  # noqa: E402
from .kl_sparsity import KLSparsity  # noqa: E402
from .labelled_rbm import LabelledRBM  # noqa: E402
from .learned_constant import LearnedConstant  # noqa: E402
from .local_response_normalization import LocalResponseNormalization  # noqa: E402
from .masked_conv2d import MaskedConv2D  # noqa: E402
from .masked_dense import MaskedDense  # noqa: E402
from .maxout import Maxout  # noqa: E402
from .minibatch_discrimination import MinibatchDiscrimination  # noqa: E402
from .minibatch_std_dev import MinibatchStdDev  # noqa: E402
from .negative_sampling import NegativeSampling  # noqa: E402
from .noise_injection import NoiseInjection  # noqa: E402
from .normal_noise import NormalNoise  # noqa: E402
from .partial_conv2d import PartialConv2D  # noqa: E402
from .peephole_lstm_cell import PeepholeLSTMCell  # noqa: E402
from .pixel_normalization import PixelNormalization  # noqa: E402
from .radial_basis import RadialBasis  # noqa: E402
from .random_shift import RandomShift  # noqa: E402
from .rbm import RBM  # noqa: E402
from .repeat_along import RepeatAlong  # noqa: E402
from .replay_buffer import ReplayBuffer  # noqa: E402
from .ridge_dense import RidgeDense  # noqa: E402
from .row_lstm import RowLSTM  # noqa: E402
from .simplified_gru_cell import SimplifiedGRUCell  # noqa: E402
from .standardize import Standardize  # noqa: E402
from .style_mixing import StyleMixing  # noqa: E402
from .tied import TiedConv2D, TiedDense  # noqa: E402
from .trainable_pooling2d import TrainablePooling2D  # noqa: E402
from .truncation import Truncation  # noqa: E402
from .two_bias_lstm_cell import TwoBiasLSTMCell  # noqa: E402
from .vertical_conv2d import VerticalConv2D  # noqa: E402

__all__ = [
    "DBM",
    "RBM",
    "AdaptiveInstanceNormalization",
    "AutoencodingDense",
    "Bias",
    "Binarize",
    "Blur",
    "BoltzmannMachine",
    "CaptionedRBM",
    "Corruption",
    "DiagonalBiLSTM",
    "DropPathJoin",
    "EchoStateCell",
    "EqualizedConv2D",
    "EqualizedDense",
    "FadeIn",
    "FoldConv2DTranspose",
    "FusedBatchNormalization",
    "GatedActivation",
    "GaussianSample",
    "GlobalPath",
    "GradientGate",
    "Hopfield",
    "HorizontalConv2D",
    "KLSparsity",
    "KSparse",
    "LabelledRBM",
    "LearnedConstant",
    "LocalResponseNormalization",
    "MaskedConv2D",
    "MaskedDense",
    "Maxout",
    "MinibatchDiscrimination",
    "MinibatchStdDev",
    "NegativeSampling",
    "NoiseInjection",
    "NormalNoise",
    "PartialConv2D",
    "PeepholeLSTMCell",
    "PixelNormalization",
    "RadialBasis",
    "RandomShift",
    "RepeatAlong",
    "ReplayBuffer",
    "RidgeDense",
    "RowLSTM",
    "SimplifiedGRUCell",
    "Standardize",
    "StyleMixing",
    "TiedConv2D",
    "TiedDense",
    "TrainablePooling2D",
    "Truncation",
    "TwoBiasLSTMCell",
    "VerticalConv2D",
]
