"""The peers of boltzmann.py: PyTorch's libraries; prints what it measured as JSON."""

import json
import sys
import time

import numpy as np
import torch
from torch.utils.data import TensorDataset


def learnergy(x, hidden, batch, rate):
    """CD-1 by learnergy's own `fit`, which makes a `DataLoader` of what it gets."""
    from learnergy.models.bernoulli import RBM

    machine = RBM(x.shape[1], hidden, steps=1, learning_rate=rate, momentum=0, decay=0)
    dataset = TensorDataset(x, torch.zeros(len(x)))
    while True:
        machine.fit(dataset, batch_size=batch, epochs=1)
        yield machine.W, machine.a, machine.b


def learnergy_in_memory(x, hidden, batch, rate):
    """CD-1 by learnergy's parts on rows of one tensor, without its `DataLoader` and its metrics."""
    from learnergy.models.bernoulli import RBM

    machine = RBM(x.shape[1], hidden, steps=1, learning_rate=rate, momentum=0, decay=0)
    while True:
        for index in torch.randperm(len(x)).split(batch):
            data = x[index]
            chain = machine.gibbs_sampling(data)[-1].detach()
            machine.optimizer.zero_grad()
            (machine.energy(data).mean() - machine.energy(chain).mean()).backward()
            machine.optimizer.step()
        yield machine.W, machine.a, machine.b


@torch.no_grad()
def rbms(x, hidden, batch, rate, chains=0, normalized=True):
    """CD-1, or PCD-1 with a number of chains, by the training step of rbms.

    Its `train` would write a file of HDF5 at every step, so its `fit_batch_pcd` is called here in
    the way that `train` calls it.
    """
    from rbms.bernoulli_bernoulli import BBRBM
    from rbms.dataset.dataset_class import RBMDataset
    from rbms.training.pcd import fit_batch_pcd

    ones = np.ones(len(x), "float32")
    dataset = RBMDataset(x.numpy(), ones, ones, ones, "images", is_binary=True, device="cpu")
    machine = BBRBM.init_parameters(hidden, dataset, torch.device("cpu"), torch.float32)
    machine.init_grad()
    if not normalized:
        # It divides each gradient by its length, so its learning rate is the length of a step.
        machine.normalize_grad = lambda: None
    optimizer = torch.optim.SGD(machine.parameters(), rate, maximize=True)
    state = machine.init_chains(chains) if chains else None
    while True:
        for index in torch.randperm(len(x)).split(batch):
            data, weights = dataset.data[index], dataset.weights[index]
            if not chains:
                state = machine.init_chains(len(data), weights, start_v=data)
            optimizer.zero_grad(set_to_none=False)
            state, _ = fit_batch_pcd((data, weights), state, machine, gibbs_steps=1, beta=1.0)
            optimizer.step()
        yield machine.weight_matrix, machine.vbias, machine.hbias


@torch.no_grad()
def rbms_annealed(kernel, visible_bias, hidden_bias, chains, temperatures):
    """Seconds and estimate of log Z by rbms."""
    from rbms.bernoulli_bernoulli import BBRBM
    from rbms.partition_function.ais import compute_partition_function_ais

    machine = BBRBM(kernel, visible_bias, hidden_bias)
    compute_partition_function_ais(chains, 10, machine)
    begin = time.perf_counter()
    estimate = compute_partition_function_ais(chains, temperatures, machine)
    return time.perf_counter() - begin, estimate


name, file, settings = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
with np.load(file) as stored:
    arrays = {key: torch.from_numpy(array) for key, array in stored.items()}
torch.manual_seed(settings.pop("seed"))
if name == "rbms_annealed":
    print(json.dumps(rbms_annealed(**arrays, **settings)))
else:
    epochs = settings.pop("epochs")
    training = globals()[name](**arrays, **settings)
    seconds = []
    for _ in range(epochs):
        begin = time.perf_counter()
        weights = next(training)
        seconds.append(time.perf_counter() - begin)
    names = ("kernel", "visible_bias", "hidden_bias")
    np.savez(file, **{key: w.detach().numpy() for key, w in zip(names, weights, strict=True)})
    print(json.dumps(seconds[1:]))
