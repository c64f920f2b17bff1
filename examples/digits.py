"""Entropies and divergences of scikit-learn's 1 797 scanned digits: `make demo`.

Each image of 8 x 8 pixels is a distribution of ink over 64 places. How spread out is the ink of an image, of a digit?
How far is an image from the mean image of each digit, and is the nearest one the digit that was written?
"""

import tempfile
from pathlib import Path

import numpy as np
import polars as pl
import scipy.stats
from sklearn.datasets import load_digits

import polars_entropy as pe

pl.Config(tbl_hide_dataframe_shape=True, tbl_rows=12, tbl_hide_column_data_types=True, float_precision=4)


def heading(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}")


def load() -> pl.DataFrame:
    """One row for each image: its number, the digit that was written, and the ink of its pixels, 0 to 16."""
    digits = load_digits()
    return pl.DataFrame({"digit": digits.target, "ink": pl.Series(digits.data.astype(np.uint8))}).with_row_index(
        "image"
    )


def mean_images(images: pl.LazyFrame) -> pl.LazyFrame:
    """The mean image of each digit, plus one for every pixel: without it a pixel that a digit never uses has q = 0, and
    the divergence of an image that does use it is infinite."""
    pixels = images.select("digit", pl.col("ink").arr.to_list(), pixel=pl.int_ranges(0, 64)).explode("ink", "pixel")
    means = pixels.group_by("digit", "pixel").agg(pl.col("ink").mean() + 1).sort("digit", "pixel")
    return means.group_by("digit", maintain_order=True).agg(mean_image="ink")


def entropies(images: pl.LazyFrame) -> pl.LazyFrame:
    """For each digit, in bits: the entropy of an image, of all its images on top of each other, and of the ink over the
    images, which is log2 of their number if they all have the same."""
    per_digit = images.group_by("digit").agg(
        pl.len().alias("images"),
        pl.col("ink").info.arr.entropy(base=2).mean().alias("bits of an image"),
        pl.col("ink").arr.sum().info.entropy(base=2).alias("bits over the images"),
    )
    mean = mean_images(images).select("digit", pl.col("mean_image").info.list.entropy(base=2).alias("bits of the mean"))
    return per_digit.join(mean, on="digit").sort("digit")


def nearest(images: pl.LazyFrame) -> pl.LazyFrame:
    """For each image the digit whose mean image it diverges least from."""
    divergence = pe.info(pl.col("ink").arr.to_list()).list.kl_div("mean_image")
    pairs = images.join(mean_images(images).rename({"digit": "nearest"}), how="cross")
    return (
        pairs.select("image", "digit", "nearest", divergence.alias("nats"))
        .group_by("image", "digit")
        .agg(pl.col("nearest", "nats").sort_by("nats").first())
    )


def main() -> None:
    images = load()

    heading("The ten images with the least entropy, in bits")
    bits = images.select("image", "digit", pl.col("ink").info.arr.entropy(base=2).alias("bits"))
    print(bits.sort("bits").head(10))

    heading("Entropy per digit")
    print(entropies(images.lazy()).collect())

    heading("Nearest mean image by Kullback-Leibler divergence")
    found = nearest(images.lazy()).collect()
    right = (pl.col("digit") == pl.col("nearest")).mean()
    print(found.group_by("digit").agg(right.alias("right"), pl.col("nats").mean()).sort("digit"))
    print(f"The smallest divergence names the digit of {found.select(right).item():.1%} of {images.height} images.")

    heading("The same from a Parquet file, lazily, on the streaming engine")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "digits.parquet"
        images.write_parquet(path, row_group_size=256)
        streamed = nearest(pl.scan_parquet(path)).collect(engine="streaming")
    same = streamed.sort("image").equals(found.sort("image"))
    print(f"{streamed.select(right).item():.1%} right; equal to the above: {same}")

    heading("Beside SciPy")
    ink = images["ink"].to_numpy().astype(float)
    means = mean_images(images.lazy()).collect()["mean_image"].to_list()
    pairs = {
        "H of image 0, bits": (bits["bits"][0], scipy.stats.entropy(ink[0], base=2)),
        "H of all ink, nats": (images["ink"].info.arr.entropy(axis=None).item(), scipy.stats.entropy(ink, axis=None)),
        "D of image 0 from mean 0": (
            images["ink"].arr.to_list()[:1].info.list.kl_div(means[0]).item(),
            scipy.stats.entropy(ink[0], means[0]),
        ),
        "largest D to the nearest": (
            found["nats"].max(),
            max(min(scipy.stats.entropy(i, m) for m in means) for i in ink),
        ),
    }
    rows = [
        (name, f"{ours:.15f}", f"{theirs:.15f}", f"{abs(ours - theirs):.0e}") for name, (ours, theirs) in pairs.items()
    ]
    print(pl.DataFrame(rows, schema=["value", "polars-entropy", "SciPy", "difference"], orient="row"))


if __name__ == "__main__":
    main()
