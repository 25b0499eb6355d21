"""Parts of the patch transformer."""

import torch
from torch import nn
from torch.nn import functional as F

_SLOWEST = 64.0  # wavelength, in units of the fastest, of the slowest rotation; contexts are short


class ResidualMLP(nn.Module):
    """One hidden layer beside a linear skip.

    Parameters
    ----------
    n_in, n_hidden, n_out : int
        Sizes of the input, the hidden layer and the output.
    """

    def __init__(self, n_in, n_hidden, n_out):
        super().__init__()
        self.hidden = nn.Linear(n_in, n_hidden)
        self.out = nn.Linear(n_hidden, n_out)
        self.skip = nn.Linear(n_in, n_out)

    def forward(self, x):
        """Return ``out(gelu(hidden(x))) + skip(x)``."""
        return self.out(F.gelu(self.hidden(x))) + self.skip(x)


class Attention(nn.Module):
    """Multi-head self-attention with rotary positions.

    Parameters
    ----------
    width : int
        Size of a token.
    heads : int
        Number of heads.

    References
    ----------
    Su et al. (2021), "RoFormer: Enhanced transformer with rotary position embedding".
    """

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x, allowed, rotation, n_last=None):
        """Return what the last tokens gather from the tokens that they are allowed to see.

        Parameters
        ----------
        x : tensor of shape (B, N, width)
            Tokens.
        allowed : tensor of shape (B, 1, N, N)
            Whether the token of a row may look at the token of a column: bool, or as what is added
            to its attention, 0 or −inf.
        rotation : tuple of two tensors of shape (N, 1, heads, width / heads)
            What ``rotation_angles`` returns.
        n_last : int, default=None
            How many of the tokens, the last ones, gather. None means all.

        Returns
        -------
        gathered : tensor of shape (B, n_last, width)
            The sum over the seen tokens.
        """
        n_rows, n_tokens, width = x.shape
        n_last = n_last or n_tokens
        parts = self.qkv(x).view(n_rows, n_tokens, 3, self.heads, width // self.heads)
        query, key = rotate(parts[:, :, :2], *rotation).permute(2, 0, 3, 1, 4)
        # No attention weight is dropped: that would rule out the fused kernel on a CPU.
        gathered = F.scaled_dot_product_attention(
            query[:, :, -n_last:],
            key,
            parts[:, :, 2].transpose(1, 2),
            attn_mask=allowed[:, :, -n_last:],
        )
        return self.out(gathered.transpose(1, 2).reshape(n_rows, n_last, width))


class Dropout(nn.Dropout):
    """Dropout whose mask compares uniform numbers: on a CPU, half the time of Bernoulli ones."""

    def forward(self, x):
        """Return x with a share ``p`` of its values dropped and the others raised, in training."""
        if not self.training or not self.p:
            return x
        return x * (torch.rand_like(x) >= self.p).to(x.dtype).div_(1 - self.p)


class TransformerBlock(nn.Module):
    """Attention and feed-forward, each normalised before and added after.

    Parameters
    ----------
    width, heads, feedforward : int
        Size of a token, number of heads, hidden size.
    dropout : float
        Share of activations dropped in training.

    References
    ----------
    Xiong et al. (2020), "On layer normalization in the transformer architecture".
    """

    def __init__(self, width, heads, feedforward, dropout):
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.feedforward_norm = nn.LayerNorm(width)
        self.expand = nn.Linear(width, feedforward)
        self.contract = nn.Linear(feedforward, width)
        self.dropout = Dropout(dropout)

    def forward(self, x, allowed, rotation, n_last=None):
        """Return the last tokens of the next block; arguments as in :class:`Attention`."""
        gathered = self.attention(self.attention_norm(x), allowed, rotation, n_last)
        x = x[:, -gathered.shape[1] :] + self.dropout(gathered)
        hidden = F.gelu(self.expand(self.feedforward_norm(x)))
        return x + self.dropout(self.contract(hidden))


def rotation_angles(positions, size, heads=1):
    """Return cosine and signed sine, each (N, 1, heads, size), of rotary angles at positions (N,).

    All heads turn alike, and a single one is broadcast; written out for each it is faster.
    """
    steps = torch.arange(size // 2, device=positions.device) / (size // 2)
    angles = (positions[:, None] * _SLOWEST**-steps)[:, None, None]
    cosine, sine = torch.cat([angles.cos()] * 2, -1), torch.cat([-angles.sin(), angles.sin()], -1)
    return cosine.repeat(1, 1, heads, 1), sine.repeat(1, 1, heads, 1)


def rotate(x, cosine, sine):
    """Turn pairs of features, half of ``x`` apart, by the angle of their position."""
    return torch.addcmul(x * cosine, x.roll(x.shape[-1] // 2, -1), sine)
