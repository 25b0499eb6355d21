"""Clean and normalise series on keyed tables."""

from sklearn_tsrec.preprocessing._imputer import SeriesImputer
from sklearn_tsrec.preprocessing._outlier import OutlierClipper
from sklearn_tsrec.preprocessing._scaler import SeriesScaler

__all__ = ["OutlierClipper", "SeriesImputer", "SeriesScaler"]
