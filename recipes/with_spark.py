"""SQL over all opened objects with Spark and the data keys alone.

    python with_spark.py keys.json SITE ["SELECT ... FROM entries"]

SITE is the folder of a file site, or one with copies of the objects under their names. Needs pyspark and a
JDK: ``UnwrappedKeys.java`` is compiled against Spark's own Parquet at each start. The view ``entries`` has a
row for each message and event in the opened objects, those beyond the result too. The unwrapped keys lie in a
file of this program for as long as it runs (mode 0600); on a cluster every executor must be able to read it,
so give them one by a way of your own and set ``vanvault.keys``.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from functools import reduce
from pathlib import Path

import pyspark
from bundle import Opened, opened
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.functions import col, lit

COLUMNS = (
    "gateway", "received_at", "transaction_id", "employer_code", "dossier_number", "procedure", "period",
    "state", "insurance_numbers", "size",
)  # fmt: skip
BY_STATE = (
    "SELECT state, procedure, count(*), sum(size) FROM entries WHERE entry = 'message'"
    " GROUP BY state, procedure ORDER BY state, procedure"
)


def compiled(folder: Path) -> Path:
    """The class that gives Spark the keys."""
    jars = Path(pyspark.__file__).parent / "jars"
    source = Path(__file__).with_name("UnwrappedKeys.java")
    words = ["javac", "--release", "17", "-cp", f"{jars}/*", "-d", str(folder), str(source)]
    subprocess.run(words, check=True)
    return folder


def session(classes: Path, keys: Path) -> SparkSession:
    prefix = "spark.hadoop.parquet"
    return (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.extraClassPath", str(classes))
        .config("spark.executor.extraClassPath", str(classes))
        .config("spark.sql.session.timeZone", "Asia/Ho_Chi_Minh")
        .config(
            f"{prefix}.crypto.factory.class",
            "org.apache.parquet.crypto.keytools.PropertiesDrivenCryptoFactory",
        )
        .config(f"{prefix}.encryption.kms.client.class", "UnwrappedKeys")
        .config("spark.hadoop.vanvault.keys", str(keys))
        .getOrCreate()
    )


def frame(spark: SparkSession, one: Opened) -> DataFrame:
    """One object's rows. Spark lists a folder by its name, which must end with .parquet: give it the file."""
    rows = spark.read.format("parquet").load(one.path.absolute().as_uri())
    entry = col("entry") if one.kind == "log" else lit(one.kind.removesuffix("s"))
    return rows.select(lit(one.name).alias("object"), entry.alias("entry"), *COLUMNS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("keys", type=Path)
    parser.add_argument("site", type=Path)
    parser.add_argument("sql", nargs="?", default=BY_STATE)
    given = parser.parse_args()
    rows = [one for one in opened(given.keys, given.site) if one.kind != "originals"]
    with tempfile.TemporaryDirectory() as name:  # mode 0700
        keys = Path(name) / "keys"
        with os.fdopen(os.open(keys, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.writelines(f"{one.wrapped} {one.key_base64}\n" for one in rows)
        spark = session(compiled(Path(name)), keys)
        try:
            reduce(DataFrame.unionAll, [frame(spark, one) for one in rows]).createOrReplaceTempView("entries")
            for row in spark.sql(given.sql).collect():
                print("\t".join(map(str, row)))
        finally:
            spark.stop()


if __name__ == "__main__":
    main()
