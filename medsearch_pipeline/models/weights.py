"""Loading weights safely: pickled code is never run, and missing weights stop the run with a message that says what to do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from os.path import isfile  # False for a name that is too long, for which Path.is_file raises
from pathlib import Path

import torch
from torch import nn

from medsearch_core.errors import ConfigurationError

State = dict[str, torch.Tensor]


def state_from_file(path: str) -> State:
    """A state dict from a `.safetensors` file, or from a torch file without code in it (`weights_only`).

    Raises:
        ConfigurationError: there is no such file, or it contains anything but tensors.
    """
    file = Path(path).expanduser()
    if not isfile(file):
        raise ConfigurationError(f"MEDSEARCH_WEIGHTS names no file: {path}. Give imagenet, random or a weights file")
    if file.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return dict(load_file(file))
        except SafetensorError as error:
            raise ConfigurationError(f"{file.name} is not a safetensors file") from error
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises anything for a damaged file
        raise ConfigurationError(
            f"{file.name} cannot be loaded safely ({type(error).__name__}): it is damaged, or contains pickled code, "
            "which is never run. Save the model's state_dict() as safetensors and give that file"
        ) from error
    if not isinstance(state, dict) or not all(isinstance(k, str) and isinstance(v, torch.Tensor) for k, v in state.items()):
        raise ConfigurationError(f"{file.name} is not a state dict: save model.state_dict()")
    return dict(state)


def random_state(build: Callable[[], nn.Module]) -> State:
    """The state dict of a freshly initialized network, the same on every call: seeded, without changing torch's own seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build().state_dict()


def load_into(network: nn.Module, state: State, name: str) -> nn.Module:
    """Loads weights into a network; keys of a classifier, which the embedding does not use, may be missing or extra.

    Raises:
        ConfigurationError: the weights do not fit the architecture.
    """
    expected = network.state_dict()
    missing = sorted(k for k in expected if k not in state and not k.endswith("num_batches_tracked"))
    wrong = sorted(k for k in expected if k in state and state[k].shape != expected[k].shape)
    if missing or wrong:
        raise ConfigurationError(
            f"the weights do not fit {name}: {len(missing)} tensors are missing and {len(wrong)} have another shape "
            f"(first: {(missing + wrong)[0]})"
        )
    network.load_state_dict({k: state.get(k, v) for k, v in expected.items()})
    return network


def digest_of_weights(network: nn.Module) -> str:
    """SHA-256 over names and bytes of all tensors, so that equal weights have the same version in every file format."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        if not name.endswith("num_batches_tracked"):
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
