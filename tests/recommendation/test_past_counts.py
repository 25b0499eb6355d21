import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_tsrec.recommendation.two_stage._past_counts import PastCounts

EVENTS = st.lists(
    st.tuples(
        st.integers(0, 3), st.integers(0, 6), st.sampled_from([-1.0, 0.5, 2.0, float("nan")])
    ),
    max_size=20,
)


@settings(max_examples=100)
@given(EVENTS, st.lists(st.tuples(st.integers(-1, 4), st.integers(0, 7)), min_size=1, max_size=9))
def test_sums_ages_and_gaps(events, asked):
    codes, times, weights = (np.array(part) for part in zip(*events)) if events else [[]] * 3
    counts = PastCounts(
        np.asarray(codes, dtype=np.int64),
        np.asarray(times, dtype=np.float64),
        np.array([1.0, 3.0]),
        np.asarray(weights, dtype=np.float64),
    )
    code, time = (np.array(part) for part in zip(*asked))
    past = counts.before(code, time.astype(np.float64))
    for i, (c, t) in enumerate(asked):
        seen = [(s, w) for k, s, w in events if k == c and s < t and w == w]
        np.testing.assert_allclose(past.total[i], sum(w for _, w in seen))
        for j, half_life in enumerate((1.0, 3.0)):
            expected = sum(w * 0.5 ** ((t - s) / half_life) for s, w in seen)
            np.testing.assert_allclose(past.decayed[i, j], expected, atol=1e-12)
        clock = sorted(s for s, _ in seen)
        np.testing.assert_allclose(past.age[i], t - clock[-1] if seen else np.nan)
        gap = (clock[-1] - clock[0]) / (len(clock) - 1) if len(clock) > 1 else np.nan
        np.testing.assert_allclose(past.gap[i], gap)
