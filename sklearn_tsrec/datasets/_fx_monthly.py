from sklearn_tsrec.datasets._base import make_bunch, read_table


def load_fx_monthly():
    """Load monthly exchange rates of 15 currencies against the US dollar.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with

        frame : pandas.DataFrame of shape (8240, 3)
            Columns ``country``, ``month`` and ``rate``: units of the currency for one dollar.
        data, target : pandas.DataFrame, pandas.Series
            The frame without ``rate``, and ``rate``.
        feature_names, target_names : list of str
            The columns of ``data``, and ``["rate"]``.
        DESCR : str
            Full description, with its licence (ODC PDDL 1.0) and its source.

    See Also
    --------
    sklearn_tsrec.as_panel : Moves country and month into the index.

    Examples
    --------
    >>> from sklearn_tsrec import as_panel
    >>> from sklearn_tsrec.datasets import load_fx_monthly
    >>> fx = load_fx_monthly()
    >>> X, y = as_panel(fx.frame, group="country", time="month", target="rate")
    >>> y.loc["Brazil"].tail(2)
    month
    2026-05-01    4.9815
    2026-06-01    5.1241
    Name: rate, dtype: float64
    """
    frame = read_table("fx_monthly", parse_dates=["month"])
    return make_bunch("fx_monthly", frame, "rate")
