"""Entropies of groups of 50 million rows on a Spark cluster: `make demo-spark`, or `ROWS=1000000 make demo-spark`.

The cluster runs on this machine: a master, two executors of one core each, and their Python workers. Each query
generates the rows on the cluster, with the same numbers every time. For comparison, Spark SQL computes the same
entropies from two sums.
"""

import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyspark
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

import polars_entropy.spark as pes

ROWS = int(os.environ.get("ROWS", "50_000_000"))
GROUPS = 1000
PARTITIONS = 32


def cluster() -> SparkSession:
    os.environ["SPARK_HOME"] = str(Path(pyspark.__file__).parent)
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    builder = SparkSession.builder.master("local-cluster[2,1,1024]").appName("entropies of groups")
    conf = {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1", "spark.ui.enabled": "false"}
    for key, value in conf.items():
        builder = builder.config(key, value)
    # A progress bar of tasks, on terminals and in logs.
    spark = builder.config("spark.ui.showConsoleProgress", "true").getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def visits(spark: SparkSession) -> DataFrame:
    """Visits to shops and their lengths in minutes. Every fourth visit is to the first shop."""
    shop = F.when(F.col("id") % 4 == 0, 0).otherwise(F.pmod(F.xxhash64("id"), F.lit(GROUPS)))
    return spark.range(ROWS, numPartitions=PARTITIONS).select(shop.alias("shop"), (-F.log(F.rand(1))).alias("minutes"))


def two_sums(rows: DataFrame) -> DataFrame:
    """Entropies in bits by Spark SQL: H = ln S - (sum of x ln x) / S."""
    x, s = F.col("minutes"), F.sum("minutes")
    terms = F.when(x == 0, 0.0).otherwise(x * F.log(x))
    return rows.groupBy("shop").agg(((F.log(s) - F.sum(terms) / s) / math.log(2)).alias("minutes"))


def timed(what: str, query: Callable[[], DataFrame]) -> pl.DataFrame:
    start = time.perf_counter()
    result = pl.DataFrame(query().toArrow())
    seconds = time.perf_counter() - start
    print(f"{what:<44} {seconds:6.1f} s {ROWS / seconds / 1e6:7.2f} million rows a second", flush=True)
    return result.sort("shop")


def main() -> None:
    spark = cluster()
    try:
        rows = visits(spark)
        # The first job starts executors and workers. It is not timed.
        pes.entropy(rows.limit(1000), "minutes", by="shop").collect()
        print(f"\n{ROWS:,} rows in {GROUPS:,} groups, a quarter of them in one; {PARTITIONS} partitions")
        timed("generating them, a maximum of each group", lambda: rows.groupBy("shop").agg(F.max("minutes")))
        sums = timed("two sums in Spark SQL", lambda: two_sums(rows))
        ours = timed("polars_entropy.spark.entropy", lambda: pes.entropy(rows, "minutes", by="shop", base=2))
    finally:
        spark.stop()
    print(ours.head(5))
    both = ours.join(sums, on="shop", suffix="_sums", validate="1:1")
    difference = both.select((pl.col("minutes") - pl.col("minutes_sums")).abs().max()).item()
    print(f"{both.height:,} groups, and the largest difference between the two is {difference:.1e} bits.")


if __name__ == "__main__":
    main()
