from sklearn_tsrec.datasets._base import make_bunch, read_table


def load_bike_sharing():
    """Load two years of hourly bicycle hires with weather and calendar.

    The data are by Hadi Fanaee-T and Capital Bikeshare and come under the licence CC BY 4.0: name
    the source when you pass them on.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with

        frame : pandas.DataFrame of shape (17544, 9)
            Columns ``time``, ``holiday``, ``workingday`` (known ahead), ``weather``,
            ``temperature``, ``feels_like``, ``humidity``, ``windspeed`` (observed) and ``hires``.
        data, target : pandas.DataFrame, pandas.Series
            The frame without ``hires``, and ``hires``.
        feature_names, target_names : list of str
            The columns of ``data``, and ``["hires"]``.
        DESCR : str
            Full description, with units, licence and source.

    See Also
    --------
    sklearn_tsrec.as_panel : Moves the time into the index.

    References
    ----------
    H. Fanaee-T, Bike Sharing, UCI Machine Learning Repository, 2013,
    https://doi.org/10.24432/C5W894 (CC BY 4.0).

    H. Fanaee-T and J. Gama, "Event labeling combining ensemble detectors and background
    knowledge", Progress in Artificial Intelligence 2, 113-127, 2014.

    Examples
    --------
    >>> from sklearn_tsrec import as_panel
    >>> from sklearn_tsrec.datasets import load_bike_sharing
    >>> bikes = load_bike_sharing()
    >>> X, y = as_panel(bikes.frame, time="time", target="hires")
    >>> X[["workingday", "weather", "temperature"]].head(2)
                         workingday weather  temperature
    time
    2011-01-01 00:00:00           0   clear         9.84
    2011-01-01 01:00:00           0   clear         9.02
    >>> y.groupby(y.index.hour).mean().idxmax()
    np.int32(17)
    """
    frame = read_table("bike_sharing", parse_dates=["time"])
    return make_bunch("bike_sharing", frame, "hires")
