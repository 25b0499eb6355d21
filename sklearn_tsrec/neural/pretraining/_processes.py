"""How the processes of a pretraining work together: by torch alone, or as accelerate was asked."""

import torch
from torch import distributed
from torch.nn.utils import clip_grad_norm_

from sklearn_tsrec._extras import require


class Processes:
    """Processes of this machine that average their weights; a GPU computes in bfloat16.

    Parameters
    ----------
    rank, n : int
        Which process this is, and how many there are.
    device : str
        ``"cpu"`` or ``"cuda"``.
    meeting : str
        Where they find each other.
    """

    def __init__(self, rank, n, device, meeting):
        self.rank, self.n = rank, n
        self.device = torch.device(device, rank) if device == "cuda" else torch.device(device)
        if n > 1:
            torch.set_num_threads(1)
            distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=n)

    def precision(self):
        """Return the context in which the net computes."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda")

    def step(self, loss, optimizer):
        """Take a step down the gradient, unless that is not finite."""
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = clip_grad_norm_(optimizer.param_groups[0]["params"], 1.0)
        if torch.isfinite(norm):
            optimizer.step()

    def prepare(self, optimizer):
        """Return the optimizer that ``step`` takes."""
        return optimizer

    def mean(self, vector):
        """Return the mean of a vector over the processes."""
        if self.n > 1:
            vector = vector.cpu()
            distributed.all_reduce(vector)
            vector = vector / self.n
        return vector.to(self.device)

    def leave(self):
        """Wait for the others, and part."""
        if self.n > 1:
            distributed.barrier()
            distributed.destroy_process_group()


class AcceleratedProcesses:
    """The processes, devices and precision of ``accelerate launch``; methods as above."""

    def __init__(self):
        self.accelerator = require("accelerate", "accelerate").Accelerator()
        self.rank, self.n = self.accelerator.process_index, self.accelerator.num_processes
        self.device = self.accelerator.device

    def precision(self):
        """Return the context in which the net computes."""
        return self.accelerator.autocast()

    def step(self, loss, optimizer):
        """Take a step down the gradient, unless that is not finite."""
        optimizer.zero_grad(set_to_none=True)
        self.accelerator.backward(loss)
        norm = self.accelerator.clip_grad_norm_(optimizer.param_groups[0]["params"], 1.0)
        # Half precision has a scaler, which skips such steps itself and must be told of them.
        if self.accelerator.scaler is not None or torch.isfinite(norm):
            optimizer.step()

    def prepare(self, optimizer):
        """Return the optimizer that ``step`` takes."""
        return self.accelerator.prepare(optimizer)

    def mean(self, vector):
        """Return the mean of a vector over the processes."""
        return self.accelerator.reduce(vector.to(self.device), "mean")

    def leave(self):
        """Wait for the others, and part."""
        self.accelerator.wait_for_everyone()
        self.accelerator.end_training()
