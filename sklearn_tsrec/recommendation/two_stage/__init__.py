"""Two stages: recommenders propose candidates, and a ranker puts them in order."""
