"""Nets that read sequences of items, their losses and their batches."""

import math
from collections.abc import Callable

import numpy as np
import torch
from skorch import NeuralNet
from skorch.callbacks import Callback
from torch import nn
from torch.nn import functional as F
from torch.utils.data import Dataset

from sklearn_tsrec.neural._finetune import learned, put
from sklearn_tsrec.neural._layers import Dropout, TransformerBlock, rotation_angles
from sklearn_tsrec.neural.items._time_gaps import N_GAPS

_LEAST_GAIN = 2e-3  # relative; less on the validation windows is chance, and the start is kept


class ItemNet(nn.Module):
    """Base of nets that read items, the oldest first, and score the next one.

    A position of a sequence is one code: the token of its item times ``N_GAPS``, plus the bucket of
    the time until the next item; 0 is no item.

    Parameters
    ----------
    n_tokens : int
        Number of items, and 0 for none.
    class_tokens : long tensor of shape (n_classes,)
        The token of each item that can be next.
    log_prior : tensor of shape (n_classes,)
        Logarithm of how often each is next.
    width : int
        Size of an embedding.
    dropout : float
        Share of activations dropped in training.
    with_gaps : bool, default=False
        Whether codes hold more than the item.
    features : sparse tensor of shape (n_tokens + 1, n_features) or None, default=None
        What is known of each item: a linear map of it joins the embedding.
    n_context : int, default=0
        How many numbers describe the time after a window.
    """

    read: Callable[..., torch.Tensor]  # codes of sequences → what is known after each item
    features: torch.Tensor | None
    class_tokens: torch.Tensor
    log_prior: torch.Tensor
    prefix: nn.Parameter | None

    def __init__(
        self,
        n_tokens,
        class_tokens,
        log_prior,
        width,
        dropout,
        with_gaps=False,
        features=None,
        n_context=0,
    ):
        super().__init__()
        # One token more than there are: the mask of pretraining.
        self.embedding = nn.Embedding(n_tokens + 1, width, padding_idx=0)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)
        self.gap_embedding = nn.Embedding(N_GAPS, width, padding_idx=0) if with_gaps else None
        self.context = nn.Linear(n_context, width, bias=False) if n_context else None
        for part in (self.gap_embedding, self.context):
            if part is not None:
                nn.init.zeros_(part.weight)
        self.register_buffer("features", features)
        self.feature_weights = None
        if features is not None:
            size = features.shape[1]
            self.feature_weights = nn.Parameter(torch.randn(size, width) * (size * width) ** -0.5)
        self.dropout = Dropout(dropout)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, width)
        nn.init.eye_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.register_buffer("class_tokens", class_tokens)
        self.register_parameter("prefix", None)  # learned tokens, if fine-tuning puts them there
        self.bias = nn.Parameter(log_prior.clone())
        self.register_buffer("log_prior", log_prior)

    def items(self):
        """Return the embedding of every item, (n_tokens + 1, width)."""
        if self.features is None:
            return self.embedding.weight
        return self.embedding.weight + torch.sparse.mm(self.features, self.feature_weights)

    def embed(self, codes):
        """Return what each position of sequences (B, N) begins as, (B, N, width)."""
        x = F.embedding(codes // N_GAPS, self.items(), padding_idx=0)
        if self.gap_embedding is not None:
            x = x + self.gap_embedding(codes % N_GAPS)
        return self.dropout(x)

    def forward(self, codes, position, context=None, **how):
        """Return what is known at some positions of sequences.

        Parameters
        ----------
        codes : long tensor of shape (1, B, N)
            Items and gaps, left-aligned; 0 after the last.
        position : long tensor of shape (1, P)
            Positions in the flattened (B, N).
        context : tensor of shape (1, P, n_context) or None, default=None
            What is known of the time after each position.
        **how
            What ``read`` takes besides.

        Returns
        -------
        known : tensor of shape (P, width)
        """
        known = self.head(self.norm(self.read(codes[0], **how).flatten(0, 1)[position[0]]))
        return known if context is None else known + self.context(context[0])

    def logits(self, known, chosen=None):
        """Return scores (P, C) of all classes, or of the chosen ones."""
        tokens, bias = self.class_tokens, self.bias
        if chosen is not None:
            tokens, bias = tokens[chosen], bias[chosen]
        return F.linear(known, self.items()[tokens], bias)


class SASRecNet(ItemNet):
    """Self-attention over items, with rotary positions.

    Parameters
    ----------
    depth, heads : int
        Number of blocks, and of attention heads.
    **params
        Those of :class:`ItemNet`.
    """

    def __init__(self, *, depth, heads, **params):
        super().__init__(**params)
        width, dropout = params["width"], params["dropout"]
        self.blocks = nn.ModuleList(
            TransformerBlock(width, heads, 2 * width, dropout) for _ in range(depth)
        )
        self.heads = heads

    def read(self, codes, both_ways=None):
        """Return what is known after each item, (B, N, width)."""
        x = self.embed(codes)
        n = codes.shape[1]
        prefix, n_prefix = self.prefix, 0
        if prefix is not None:
            n_prefix = len(prefix)
            x = torch.cat([prefix.expand(len(x), -1, -1), x], 1)
        if both_ways is not None:
            allowed = (codes > 0)[:, None, None, :].expand(-1, 1, n, -1)
        else:
            allowed = torch.ones(n, n, dtype=torch.bool, device=x.device).tril()[None, None]
        allowed = F.pad(allowed, (n_prefix, 0, n_prefix, 0), value=True)
        positions = F.pad(torch.arange(float(n), device=x.device), (n_prefix, 0))
        rotation = rotation_angles(positions, x.shape[-1] // self.heads)
        for block in self.blocks:
            x = block(x, allowed, rotation)
        return x[:, n_prefix:]


class GRUNet(ItemNet):
    """A gated recurrent unit over items.

    Parameters
    ----------
    **params
        Those of :class:`ItemNet`.
    """

    def __init__(self, **params):
        super().__init__(**params)
        self.unit = nn.GRU(params["width"], params["width"], batch_first=True)

    def read(self, codes):
        """Return what is known after each item, (B, N, width)."""
        return self.unit(self.embed(codes))[0]


class SequenceSet(Dataset):
    """Sequences, and the targets at their positions.

    Parameters
    ----------
    codes : long tensor of shape (S, N)
        Left-aligned sequences.
    sequence, position, target, weight : tensors of shape (n,)
        Sequence, position, next class and weight of each target.
    context : tensor of shape (n, n_context) or None, default=None
        What is known of the time of each target.
    """

    def __init__(self, codes, sequence, position, target, weight, context=None):
        order = sequence.argsort(stable=True)
        self.codes, self.position, self.target = codes, position[order], target[order]
        self.weight = weight[order]
        self.context = None if context is None else context[order]
        count = torch.bincount(sequence, minlength=len(codes))
        self.starts = F.pad(count.cumsum(0), (1, 0))
        # Positions behind the last target are never read: they need not be computed.
        last = np.full(len(codes), -1)
        np.maximum.at(last, sequence.numpy(), position.numpy())
        self.length = torch.from_numpy(last + 1)

    def __len__(self):
        return int((self.starts[1:] > self.starts[:-1]).sum())

    def batch(self, chosen):
        """Return inputs and targets of some sequences."""
        n = int(self.length[chosen].max())
        first, end = self.starts[chosen], self.starts[chosen + 1]
        count = end - first
        row = torch.repeat_interleave(torch.arange(len(chosen)), count)
        inner = torch.arange(len(row)) - torch.repeat_interleave(count.cumsum(0) - count, count)
        at = first[row] + inner
        inputs = {
            "codes": self.codes[chosen, :n][None],
            "position": (row * n + self.position[at])[None],
        }
        if self.context is not None:
            inputs["context"] = self.context[at][None]
        return inputs, torch.stack([self.target[at].double(), self.weight[at]])[None]


class PretrainingSet(Dataset):
    """Sequences as their own targets: the next item at each position, or items that are masked.

    Parameters
    ----------
    known : SequenceSet
        The sequences; what lies behind their last targets is not read.
    class_tokens : long tensor of shape (n_classes,)
        The token of each class; other tokens are no targets.
    n_tokens : int
        Number of tokens; the mask comes after them.
    kind : str
        ``"next"`` or ``"masked"``.
    share : float, default=0.2
        Share of the items that are masked.
    """

    def __init__(self, known, class_tokens, n_tokens, kind, share=0.2):
        self.kind, self.share, self.mask = kind, share, n_tokens
        self.codes = known.codes * (torch.arange(known.codes.shape[1]) < known.length[:, None])
        self.class_of = torch.full((n_tokens + 1,), -1)
        self.class_of[class_tokens] = torch.arange(len(class_tokens))
        self.length = known.length
        # A sequence without a target teaches nothing.
        self.starts = F.pad((self.length > (kind == "next")).long().cumsum(0), (1, 0))

    def __len__(self):
        return int(self.starts[-1])

    def batch(self, chosen):
        """Return inputs and targets of some sequences."""
        codes = self.codes[chosen, : int(self.length[chosen].max())]
        inputs, own = {}, self.class_of[codes // N_GAPS]
        if self.kind == "next":
            target = F.pad(own[:, 1:], (0, 1), value=-1)
        else:
            hidden = (torch.rand(codes.shape) < self.share) & (codes > 0)
            target = own.masked_fill(~hidden, -1)
            codes = torch.where(hidden, self.mask * N_GAPS + codes % N_GAPS, codes)
            inputs["both_ways"] = torch.ones(1)
        position = torch.nonzero(target.flatten() >= 0)[:, 0]
        chosen_target = target.flatten()[position].double()
        inputs |= {"codes": codes[None], "position": position[None]}
        return inputs, torch.stack([chosen_target, torch.ones(len(position)).double()])[None]


class SequenceBatches:
    """The batches of one epoch: sequences of like length together, in random order.

    Parameters
    ----------
    dataset : SequenceSet
        Sequences.
    batch_size : int
        Sequences in a batch.
    shuffle : bool, default=False
        Whether the order is random.
    """

    def __init__(self, dataset, batch_size, shuffle=False):
        self.dataset, self.batch_size, self.shuffle = dataset, batch_size, shuffle

    def __iter__(self):
        data = self.dataset
        rows = torch.nonzero(data.starts[1:] > data.starts[:-1])[:, 0]
        noise = torch.rand(len(rows)) if self.shuffle else torch.zeros(len(rows))
        rows = rows[(data.length[rows] * (1 + 0.1 * noise) + noise).argsort(stable=True)]
        batches = rows.split(self.batch_size)
        order = torch.randperm(len(batches)) if self.shuffle else range(len(batches))
        for i in order:
            yield data.batch(batches[i])


class ItemTraining(NeuralNet):
    """A skorch net with the losses of large catalogues.

    In validation the loss is 1 − mean reciprocal rank: what lists are for.

    Parameters
    ----------
    loss : str, default="softmax"
        ``"softmax"``, ``"sampled"`` or ``"gbce"``.
    n_negatives : int, default=256
        Items that a batch compares its targets with, unless all are.
    """

    module_: ItemNet

    def __init__(self, module, criterion=nn.Identity, *, loss="softmax", n_negatives=256, **kwargs):
        super().__init__(module, criterion, **kwargs)
        self.loss = loss
        self.n_negatives = n_negatives

    def get_loss(self, y_pred, y_true, X=None, training=False):
        """Return the mean loss over the targets of a batch."""
        net = self.module_
        target, weight = y_true[0, 0].long().to(y_pred.device), y_true[0, 1].to(y_pred)
        if not training:
            scores = net.logits(y_pred)
            own = scores.gather(1, target[:, None])
            rank = 1 + (scores > own).sum(1) + ((scores == own).sum(1) - 1) / 2
            loss = 1 - 1 / rank.float()
        elif self.loss == "softmax" or self.n_negatives >= len(net.class_tokens):
            loss = F.cross_entropy(net.logits(y_pred), target, reduction="none")
        else:
            loss = self._against_some(y_pred, target)
        return (loss * weight).sum() / weight.sum().clamp(min=1e-12)

    def _against_some(self, known, target):
        """Return the loss of each target against items drawn for the whole batch."""
        net, m = self.module_, self.n_negatives
        n_classes = len(net.class_tokens)
        own = (known * net.items()[net.class_tokens[target]]).sum(1) + net.bias[target]
        if self.loss == "sampled":
            # Even steps through the cumulated shares: what is popular is drawn every time.
            until = net.log_prior.double().exp().cumsum(0)
            at = (torch.arange(m, device=until.device) + torch.rand(1, device=until.device)) / m
            drawn = torch.searchsorted(until, at * until[-1]).clamp(max=n_classes - 1)
            # Corrected, their sum stands for that over all items but the target, which needs no
            # correction: it is there anyway.
            others = net.logits(known, drawn) - (net.log_prior[drawn] + math.log(m))
            others = others.masked_fill(drawn == target[:, None], -torch.inf)
            return torch.cat([own[:, None], others], 1).logsumexp(1) - own
        drawn = torch.randint(n_classes, (m,), device=known.device)
        others = net.logits(known, drawn).masked_fill(drawn == target[:, None], -torch.inf)
        share, calibration = m / (n_classes - 1), 0.75
        power = share * (calibration * (1 - 1 / share) + 1 / share)
        return -power * F.logsigmoid(own) + F.softplus(others).sum(1)


class BestEpoch(Callback):
    """Keep the weights of the epoch with the least validation loss; the start is one of them.

    Parameters
    ----------
    held : SequenceSet or None
        What epochs are judged on. None keeps the last epoch.
    patience : int or None
        Epochs without a new best after which training ends.
    """

    def __init__(self, held, patience):
        self.held, self.patience = held, patience

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        """Measure the start."""
        self.losses_, self.best_ = [], 0
        if self.held is not None:
            self.losses_.append(self._measure(net))
            self._weights = learned(net.module_)

    def on_epoch_end(self, net, **kwargs):
        """Compare an epoch with the best so far."""
        if self.held is None:
            return
        loss = self._measure(net)
        net.history.record("valid_loss", loss)
        bar = self.losses_[self.best_] * (1 - _LEAST_GAIN * (self.best_ == 0))
        self.losses_.append(loss)
        if loss < bar:
            self.best_, self._weights = len(self.losses_) - 1, learned(net.module_)
        elif self.patience and len(self.losses_) - 1 - self.best_ >= self.patience:
            raise KeyboardInterrupt  # how callbacks end the training of a skorch net

    def on_train_end(self, net, **kwargs):
        """Go back to the best."""
        if self.held is None:
            self.best_ = len(net.history)
            return
        put(net.module_, self._weights)
        self.held = self._weights = None  # data and weights

    def _measure(self, net):
        """Return the mean loss of the targets, by their weights."""
        total = weights = 0.0
        for batch in net.get_iterator(self.held, training=False):
            weight = float(batch[1][0, 1].sum())
            total += weight * net.validation_step(batch)["loss"].item()
            weights += weight
        return total / weights
