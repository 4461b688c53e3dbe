"""The tab of the values of a tensor: statistics, a histogram, and a map down to the single number."""
