"""A cluster on this machine: a master, two executors of one core each, and Python workers beside them."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest

# Only `make test-spark` has PySpark.
collect_ignore_glob = [] if importlib.util.find_spec("pyspark") else ["test_*.py"]


@pytest.fixture(scope="session")
def spark():
    import pyspark
    from pyspark.sql import SparkSession

    # The executors are started from this folder, and take this Python.
    os.environ["SPARK_HOME"] = str(Path(pyspark.__file__).parent)
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    conf = {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "4",
        # The zone has a name that Polars doesn't know.
        "spark.sql.session.timeZone": "GMT+2",
        "spark.task.maxFailures": "4",
    }
    builder = SparkSession.builder.master("local-cluster[2,1,1024]").appName("tests")
    for key, value in conf.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    # Jobs that fail on purpose would fill pages.
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()
