"""The device on which a net runs."""

import torch


def find_device(device):
    """Return a device that is there."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(
            f"device={device!r} is not there ({str(error).splitlines()[0]}): use 'auto' or 'cpu'."
        ) from error
    return device
