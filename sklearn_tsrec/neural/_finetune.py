"""Ways to fine-tune a net cheaply: which weights learn, and the small modules that join them."""

import torch
from torch import nn
from torch.nn import functional as F

FINETUNE = ("none", "head", "last", "lora", "adalora", "adapter", "prefix", "full")


class LoRALinear(nn.Module):
    """A frozen linear layer plus a learned change of low rank, which begins as none.

    Parameters
    ----------
    base : Linear
        The layer.
    rank : int
        Rank of the change.

    References
    ----------
    Hu et al. (2021), "LoRA: low-rank adaptation of large language models".
    """

    def __init__(self, base, rank):
        super().__init__()
        self.base = base
        self.down = nn.Parameter(torch.randn(rank, base.in_features) * base.in_features**-0.5)
        self.up = nn.Parameter(torch.zeros(base.out_features, rank))

    def forward(self, x):
        """Return ``base(x) + 2 * up @ down @ x``."""
        return self.base(x) + 2 * F.linear(F.linear(x, self.down), self.up)


class AdaLoRALinear(nn.Module):
    """A frozen linear layer plus a learned change ``left @ diag(size) @ right``, which begins as 0.

    :class:`RankBudget` spends the ranks where they matter.

    Parameters
    ----------
    base : Linear
        The layer.
    rank : int
        Rank of the change at first.

    References
    ----------
    Zhang et al. (2023), "AdaLoRA: adaptive budget allocation for parameter-efficient fine-tuning".
    """

    def __init__(self, base, rank):
        super().__init__()
        self.base = base
        self.right = nn.Parameter(torch.randn(rank, base.in_features) * base.in_features**-0.5)
        self.size = nn.Parameter(torch.zeros(rank))
        self.left = nn.Parameter(torch.randn(base.out_features, rank) * base.out_features**-0.5)

    def forward(self, x):
        """Return ``base(x) + 2 * left @ diag(size) @ right @ x``."""
        return self.base(x) + 2 * F.linear(F.linear(x, self.right) * self.size, self.left)

    def skewness(self):
        """Return how far both factors are from orthogonal: a penalty that keeps sizes honest."""
        one = torch.eye(len(self.size), device=self.size.device)
        rows, columns = self.right @ self.right.T, self.left.T @ self.left
        return (rows - one).square().sum() + (columns - one).square().sum()


class RankBudget:
    """Prune the ranks of all AdaLoRA layers of a net, those that matter least first.

    A rank matters as much as |weight × gradient| of its size, plus the mean of its vectors',
    smoothed over steps. The number kept falls from all to ``share`` of them, along a cubic, over
    the middle of the training.

    Parameters
    ----------
    net : Module
        The net.
    n_steps : int
        Length of the training.
    share : float, default=0.5
        Share of the ranks that is kept.
    """

    def __init__(self, net, n_steps, share=0.5):
        self.layers = [part for part in net.modules() if isinstance(part, AdaLoRALinear)]
        self.n_steps = n_steps
        self.share = share
        self.step = 0
        self.importance = None

    @torch.no_grad()
    def update(self):
        """Count one step, after its gradients are known and its weights are changed."""
        now = torch.cat([self._importance(layer) for layer in self.layers])
        before = now if self.importance is None else self.importance
        self.importance = 0.85 * before + 0.15 * now
        self.step += 1
        begin, end = 0.1 * self.n_steps, 0.7 * self.n_steps
        left = min(max((end - self.step) / max(end - begin, 1), 0.0), 1.0)
        n_kept = round(len(now) * (self.share + (1 - self.share) * left**3))
        kept = torch.zeros_like(now).index_fill_(0, self.importance.topk(n_kept).indices, 1.0)
        sizes = [len(layer.size) for layer in self.layers]
        for layer, keep in zip(self.layers, kept.split(sizes)):
            layer.size.mul_(keep)

    @staticmethod
    def _importance(layer):
        """Return how much each rank of a layer matters at this step."""
        right, left = ((w * w.grad).abs() for w in (layer.right, layer.left))
        return (layer.size * layer.size.grad).abs() + right.mean(1) + left.mean(0)


class AdapterLinear(nn.Module):
    """A frozen linear layer followed by a narrow residual layer, which begins as the identity.

    Parameters
    ----------
    base : Linear
        The layer.
    size : int
        Width of the narrow layer.

    References
    ----------
    Houlsby et al. (2019), "Parameter-efficient transfer learning for NLP".
    """

    def __init__(self, base, size):
        super().__init__()
        self.base = base
        self.down = nn.Linear(base.out_features, size)
        self.up = nn.Linear(size, base.out_features)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, x):
        """Return ``base(x)`` and what the adapter adds to it."""
        x = self.base(x)
        return x + self.up(F.gelu(self.down(x)))


def adapt(net, finetune, *, rank=8, n_blocks=1, adapter_size=16, n_prefix=8):
    """Choose the weights of a transformer that learn, and add the modules that do.

    The net needs ``blocks`` (each with ``attention.qkv``, ``attention.out``, ``expand`` and
    ``contract``), ``norm``, ``head`` and ``prefix``. The last normalisation and the head learn in
    every way but ``"none"``.

    Parameters
    ----------
    net : Module
        The net; it is changed.
    finetune : str
        ``"none"``; ``"head"``; ``"last"``, the top blocks; ``"lora"``; ``"adalora"``;
        ``"adapter"``; ``"prefix"``, learned tokens that all others look at (Li & Liang 2021,
        "Prefix-tuning", here before the first block only); ``"full"``.
    rank : int, default=8
        Rank of the changes of ``"lora"``, and twice the mean rank of ``"adalora"``.
    n_blocks : int, default=1
        How many blocks ``"last"`` trains.
    adapter_size : int, default=16
        Width of the adapters.
    n_prefix : int, default=8
        Number of prefix tokens.

    Returns
    -------
    net : Module
        The same net.
    """
    if finetune not in FINETUNE:
        raise ValueError(f"finetune={finetune!r} must be one of {', '.join(FINETUNE)}.")
    if finetune == "full":
        return net
    net.requires_grad_(False)
    if finetune == "none":
        return net
    net.norm.requires_grad_(True)
    net.head.requires_grad_(True)
    if finetune == "last":
        net.blocks[-n_blocks:].requires_grad_(True)
    elif finetune == "prefix":
        width = net.norm.normalized_shape[0]
        net.prefix = nn.Parameter(torch.randn(n_prefix, width) * 0.02)
    elif finetune != "head":
        for block in net.blocks:
            _wrap(block, finetune, rank, adapter_size)
    return net


def _wrap(block, finetune, rank, adapter_size):
    """Put learning layers around the frozen ones of a block."""
    attention = block.attention
    if finetune == "adapter":
        attention.out = AdapterLinear(attention.out, adapter_size)
        block.contract = AdapterLinear(block.contract, adapter_size)
        return
    kind = LoRALinear if finetune == "lora" else AdaLoRALinear
    for part, names in ((attention, ("qkv", "out")), (block, ("expand", "contract"))):
        for name in names:
            setattr(part, name, kind(getattr(part, name), rank))


@torch.no_grad()
def blend(net, start, share):
    """Go back part of the way to the weights before training.

    Of an added module only the weights that begin as zero go back: then its effect, which is
    linear in them, does so in proportion. What was learned of covariates stays: the checkpoint
    knows nothing of them.

    Parameters
    ----------
    net : Module
        The trained net; it is changed.
    start : dict of str to tensor
        Its learning weights before training, by name.
    share : float
        How much of the way is kept, from 0 to 1.

    References
    ----------
    Wortsman et al. (2022), "Robust fine-tuning of zero-shot models".
    """
    kinds = (LoRALinear, AdaLoRALinear, AdapterLinear)
    added = tuple(f"{name}." for name, part in net.named_modules() if isinstance(part, kinds))
    for name, weight in net.named_parameters():
        if not weight.requires_grad or name.startswith("covariates."):
            continue
        if not (name.startswith(added) and start[name].any()):
            weight.lerp_(start[name].to(weight), 1 - share)


def set_dropout(net, dropout):
    """Set the share of activations that a net drops in training."""
    for part in net.modules():
        if isinstance(part, nn.Dropout):
            part.p = dropout


def count_parameters(net):
    """Return how many weights learn, and how many there are."""
    sizes = [(weight.numel(), weight.requires_grad) for weight in net.parameters()]
    return sum(size for size, learns in sizes if learns), sum(size for size, _ in sizes)


def learning(net):
    """Return the weights of a net that learn, by name."""
    return {name: weight for name, weight in net.named_parameters() if weight.requires_grad}


def learned(net):
    """Return a copy of the weights of a net that learn, by name."""
    return {name: weight.detach().clone() for name, weight in learning(net).items()}


@torch.no_grad()
def put(net, weights):
    """Give the weights of a net that learn other values."""
    for name, weight in learning(net).items():
        weight.copy_(weights[name])
