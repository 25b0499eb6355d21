"""A recurrent baseline of next-item classification."""

from sklearn_tsrec.neural.items._classifier import ItemNetClassifier
from sklearn_tsrec.neural.items._nets import GRUNet


class GRUClassifier(ItemNetClassifier):
    """Expect the next item by a gated recurrent unit over the window of items before it.

    The state after the last item is one tower, the embeddings of the items are the other.

    Parameters
    ----------
    width : int, default=64
        Size of an embedding and of the state.
    loss : {"softmax", "sampled", "gbce"}, default="softmax"
        As in :class:`SASRecClassifier`.
    n_negatives : int, default=256
        How many items each batch draws, unless ``loss="softmax"``.
    dropout : float, default=0.2
        Share of the embedding dropped in training.
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
        More parameters of the skorch net.
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
    module_ : GRUNet
        The net.
    net_ : skorch.NeuralNet
        What trained it, with its ``history``.
    best_epoch_ : int
        The epoch whose weights are used.
    validation_losses_ : list of float
        1 − mean reciprocal rank before training and after each epoch.
    n_features_in_ : int
        Length of the windows.

    See Also
    --------
    SASRecClassifier : Attention instead of recurrence.

    References
    ----------
    .. [1] Hidasi et al. (2016), "Session-based recommendations with recurrent neural networks".

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_tsrec.neural import GRUClassifier
    >>> windows = np.array([[np.nan, 0], [0, 1], [1, 2], [2, 3], [np.nan, 2]] * 8)
    >>> classifier = GRUClassifier(
    ...     width=16, learning_rate=0.02, max_epochs=100, validation_fraction=0, random_state=0
    ... )
    >>> classifier.fit(windows, [1, 2, 3, 0, 3] * 8).predict([[0, 1], [1, 2]])
    array([2, 3])
    """

    def _make_module(self, **params):
        """Return a new net."""
        return GRUNet(**params)
