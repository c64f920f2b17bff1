"""
A classifier errs where its entropy is high
===========================================

The entropy of the predicted probabilities says how undecided a classifier is. If its
least certain images go to a person, it is nearly always right about the rest. The
entropy of an ensemble's mean prediction has two parts: the doubt within the members,
and the disagreement between them. More training data removes most of the disagreement,
but not the doubt about an image that shows too little.

Data: the 1 797 digits of scikit-learn, 8 x 8 pixels each (UCI Optical Recognition of
Handwritten Digits, CC BY 4.0).
"""

# %%
# A logistic regression learns from the first half of the images. The second half is for
# the test. The decision function gives logits, which `info.arr.logits` takes as they
# are, without a softmax.

import matplotlib.pyplot as plt
import polars as pl
from scipy.special import softmax
from sklearn.datasets import load_digits
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.utils import resample

import polars_entropy as pe  # noqa: F401

plt.rcParams.update({"font.size": 12})

images, digit = load_digits(return_X_y=True)
train, test = slice(0, 898), slice(898, None)

logistic = LogisticRegression(C=0.01, max_iter=10_000).fit(images[train], digit[train])
z = logistic.decision_function(images[test])
predicted = pl.DataFrame({"digit": digit[test], "z": z}).with_columns(
    bits=pl.col("z").info.arr.logits.entropy(base=2),
    right=pl.col("z").arr.arg_max() == pl.col("digit"),
)
predicted.head(3)

# %%
# Accuracy against entropy
# ------------------------
#
# A choice between two equally likely digits has 1 bit, and a choice between ten has
# 3.32 bits.

predicted.group_by(bits_from=pl.col("bits") // 0.5 * 0.5).agg(
    images=pl.len(), accuracy=pl.col("right").mean()
).sort("bits_from")

# %%
# The images are sorted by entropy. The accuracy up to an image is the accuracy of the
# classifier if it answers up to that image, and leaves the others to a person.

answered = pl.int_range(1, pl.len() + 1)
kept = predicted.sort("bits").select(
    percent=100 * answered / pl.len(),
    accuracy=100 * pl.col("right").cum_sum() / answered,
)
overall = kept["accuracy"].last()
without_error = kept.filter(accuracy=100)["percent"].max()

fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
ax.plot(kept["percent"], kept["accuracy"], lw=2.5)
ax.axhline(overall, color="0.5", ls="--")
ax.text(2, overall + 0.15, f"all images: {overall:.1f}%", color="0.35")
ax.set(
    xlim=(0, 100),
    xlabel="images answered, those of least entropy first (%)",
    ylabel="accuracy (%)",
    title=f"No error among the {int(without_error)}% of least entropy",
)
plt.show()

# %%
# The parts of an ensemble's entropy
# ----------------------------------
#
# Twenty linear discriminant analyses learn from resampled images. Their disagreement is
# the entropy of their mean prediction, minus the mean of their entropies, which is the
# doubt. A second ensemble sees only the mean of each quarter of an image: four pixels.

quarters = images.reshape(-1, 2, 4, 2, 4).mean(axis=(2, 4)).reshape(-1, 4)
lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")


def member(pixels, size, seed):
    """The predictions of one member, a row for each test image."""
    y = digit[:size]
    x, y = resample(pixels[:size], y, stratify=y, random_state=seed)
    p = softmax(lda.fit(x, y).decision_function(pixels[test]), axis=1)
    return (
        pl.DataFrame({"p": p})
        .with_row_index("image")
        .with_columns(pixels=pixels.shape[1], size=size)
    )


predictions = pl.concat(
    member(pixels, size, seed)
    for pixels in (images, quarters)
    for size in (100, 200, 400, 800)
    for seed in range(20)
)

# %%
# The mean prediction is computed element by element.

p = pl.col("p")
mean = pl.concat_arr(p.arr.get(k).mean() for k in range(10))
parts = (
    predictions.lazy()
    .group_by("pixels", "size", "image")
    .agg(
        entropy=mean.info.arr.entropy(base=2),
        doubt=p.info.arr.entropy(base=2).mean(),
    )
    .with_columns(disagreement=pl.col("entropy") - pl.col("doubt"))
    .group_by("pixels", "size")
    .agg(pl.col("entropy", "doubt", "disagreement").mean())
    .sort("pixels", "size")
    .collect()
)
parts

# %%
# Members that learned from few images are too sure, and sure of different digits. With
# more images they agree more. With four pixels, they then agree that they cannot tell.

fig, axes = plt.subplots(1, 2, figsize=(7, 4), sharey=True, layout="constrained")
for ax, pixels in zip(axes, (64, 4), strict=True):
    part = parts.filter(pixels=pixels)
    size = part["size"].cast(pl.String)
    ax.bar(size, part["doubt"], label="doubt within the members")
    ax.bar(size, part["disagreement"], bottom=part["doubt"], label="disagreement")
    ax.set(title=f"{pixels} pixels", xlabel="training images")
axes[0].set_ylabel("entropy of the mean (bits)")
axes[0].legend()
fig.suptitle("More data removes the disagreement, not the doubt")
plt.show()
