"""Self-attentive next-item classification on windows of items."""

from numbers import Integral
from typing import Any, ClassVar

from sklearn_tsrec._sklearn import Interval, StrOptions
from sklearn_tsrec._typing import Seed
from sklearn_tsrec.neural._finetune import FINETUNE, adapt
from sklearn_tsrec.neural.items._classifier import ItemNetClassifier
from sklearn_tsrec.neural.items._nets import PretrainingSet, SASRecNet


class SASRecClassifier(ItemNetClassifier):
    """Expect the next item by self-attention over the window of items before it.

    Windows that overlap, as those of :class:`~sklearn_tsrec.SequenceRecommender` do, are read as
    one sequence whose every position is learned from at once, whatever the order of the rows.

    ``SequenceRecommender(gaps=True)`` adds the time from each item to the next one, in buckets
    [5]_, ``columns=[…]`` numbers that describe the time after the window, and ``item_features=…``
    what is known of items: all are learned from without another parameter.

    Parameters
    ----------
    width : int, default=64
        Size of an embedding; a multiple of ``2 * heads``.
    depth : int, default=2
        Number of transformer blocks.
    heads : int, default=2
        Attention heads of each.
    loss : {"softmax", "sampled", "gbce"}, default="softmax"
        Which items the next one is compared with: all; ``n_negatives`` drawn by popularity, with
        their logits corrected for it [2]_ [6]_; or as many drawn uniformly, one against each,
        calibrated [3]_. The last two are for large catalogues.
    n_negatives : int, default=256
        How many items each batch draws.
    pretrain : {"next", "masked"} or None, default=None
        What is learned from the sequences alone beforehand, each event counting the same: the
        next item at each position, or items that are masked, read both ways [4]_.
    pretrain_epochs : int, default=5
        Passes of that.
    finetune : str, default="full"
        What learns from y after that: ``"none"``, ``"head"``, ``"last"``, ``"lora"``,
        ``"adalora"``, ``"adapter"``, ``"prefix"`` or ``"full"``, as in
        :class:`PatchTransformerRegressor`.
    dropout : float, default=0.2
        Share of activations dropped in training.
    learning_rate : float, default=1e-3
        Step size of AdamW.
    weight_decay : float, default=0.0
        Decoupled weight decay.
    max_epochs : int, default=20
        Passes over the sequences.
    batch_size : int, default=64
        Sequences in a batch.
    validation_fraction : float, default=0.1
        Share of the windows, the latest of each series and at most 2,000, on which epochs are
        compared by mean reciprocal rank. 0 keeps the last epoch.
    patience : int or None, default=3
        Epochs without a better one after which training ends.
    device : str, default="auto"
        Where the net runs: ``"auto"`` is a GPU if there is one, else the CPU.
    random_state : int, RandomState instance or None, default=0
        Source of weights, batches, dropout and negatives.
    net_params : dict or None, default=None
        More parameters of the skorch net, such as ``{"optimizer__betas": …, "callbacks": […]}``.
    verbose : int, default=0
        Whether to show the progress of training.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
        The items that can be recommended.
    class_count_, class_prior_ : array of shape (n_classes,)
        Weight and share of the training rows of each item.
    items_ : array of shape (n_items,)
        The items that have an embedding.
    module_ : SASRecNet
        The net.
    net_ : skorch.NeuralNet
        What trained it last, with its ``history``.
    best_epoch_ : int
        The epoch whose weights are used.
    validation_losses_ : list of float
        1 − mean reciprocal rank before training and after each epoch.
    n_features_in_ : int
        Length of the windows.

    See Also
    --------
    GRUClassifier : The recurrent baseline.
    sklearn_tsrec.SequenceRecommender : Makes the windows out of a log of events.

    References
    ----------
    .. [1] Kang & McAuley (2018), "Self-attentive sequential recommendation".
    .. [2] Yi et al. (2019), "Sampling-bias-corrected neural modeling for large corpus item
       recommendations".
    .. [3] Petrov & Macdonald (2023), "gSASRec: reducing overconfidence in sequential recommendation
       trained with negative sampling".
    .. [4] Sun et al. (2019), "BERT4Rec: sequential recommendation with bidirectional encoder
       representations from transformer".
    .. [5] Li, Wang & McAuley (2020), "Time interval aware self-attention for sequential
       recommendation".
    .. [6] Khrylchenko et al. (2025), "Correcting the LogQ correction: revisiting sampled softmax
       for large-scale retrieval".

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_tsrec.neural import SASRecClassifier
    >>> windows = np.array([[np.nan, 0], [0, 1], [1, 2], [2, 3], [np.nan, 2]] * 8)
    >>> classifier = SASRecClassifier(
    ...     width=16, learning_rate=0.05, max_epochs=40, validation_fraction=0, random_state=0
    ... )
    >>> classifier.fit(windows, [1, 2, 3, 0, 3] * 8).predict([[0, 1], [1, 2]])
    array([2, 3])
    """

    _parameter_constraints: ClassVar[dict] = {
        **ItemNetClassifier._parameter_constraints,
        "depth": [Interval(Integral, 1, None, closed="left")],
        "heads": [Interval(Integral, 1, None, closed="left")],
        "pretrain": [StrOptions({"next", "masked"}), None],
        "pretrain_epochs": [Interval(Integral, 1, None, closed="left")],
        "finetune": [StrOptions(set(FINETUNE))],
    }

    def __init__(
        self,
        width: int = 64,
        *,
        depth: int = 2,
        heads: int = 2,
        loss: str = "softmax",
        n_negatives: int = 256,
        pretrain: str | None = None,
        pretrain_epochs: int = 5,
        finetune: str = "full",
        dropout: float = 0.2,
        learning_rate: float = 1e-3,
        weight_decay: float = 0.0,
        max_epochs: int = 20,
        batch_size: int = 64,
        validation_fraction: float = 0.1,
        patience: int | None = 3,
        device: str = "auto",
        random_state: Seed = 0,
        net_params: dict[str, Any] | None = None,
        verbose: int = 0,
    ):
        super().__init__(
            width,
            loss=loss,
            n_negatives=n_negatives,
            dropout=dropout,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            max_epochs=max_epochs,
            batch_size=batch_size,
            validation_fraction=validation_fraction,
            patience=patience,
            device=device,
            random_state=random_state,
            net_params=net_params,
            verbose=verbose,
        )
        self.depth = depth
        self.heads = heads
        self.pretrain = pretrain
        self.pretrain_epochs = pretrain_epochs
        self.finetune = finetune

    def _make_module(self, **params):
        """Return a new net."""
        if self.width % (2 * self.heads):
            raise ValueError(
                f"width must be a multiple of 2 * heads = {2 * self.heads}, got {self.width}."
            )
        if self.pretrain is None and self.finetune != "full":
            raise ValueError(
                f"finetune={self.finetune!r} needs a pretrained net: use pretrain='next' or "
                "'masked', or finetune='full'."
            )
        return SASRecNet(depth=self.depth, heads=self.heads, **params)

    def _train_all(self, coded, codes, weight, context):
        """Pretrain on the sequences, then learn from y."""
        train, held = self._sets(coded, codes, weight, context)
        if self.pretrain is not None:
            net = self.module_
            sequences = PretrainingSet(
                train, net.class_tokens.cpu(), net.embedding.num_embeddings - 1, self.pretrain
            )
            # What is read both ways does not rank the next item yet: there is no best epoch.
            check = held if self.pretrain == "next" else None
            if len(sequences):
                self._train(sequences, check, epochs=self.pretrain_epochs)
            adapt(self.module_, self.finetune).to(net.bias.device)
        if self.finetune != "none":
            self._train(train, held)
