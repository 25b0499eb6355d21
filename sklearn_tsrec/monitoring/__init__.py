"""A monitor of drift: whether inputs, errors and intervals are still what they were."""

from sklearn_tsrec.monitoring._drift_monitor import DriftMonitor

__all__ = ["DriftMonitor"]
