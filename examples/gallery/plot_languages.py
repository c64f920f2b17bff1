"""
Letter frequencies alone find families of languages
===================================================

Letter frequencies differ between languages, and less so between related ones. The
Jensen-Shannon divergences between all pairs of languages are a matrix, and the matrix
gives a tree. Many letters occur only in some of the languages. The divergence is finite
nevertheless, so nothing has to be smoothed.

Data: word frequencies of the package wordfreq (Apache-2.0; data CC BY-SA 4.0).
"""

# %%
# The data are words and their frequencies, for fourteen languages that use the Latin
# alphabet.

import matplotlib.pyplot as plt
import polars as pl
from scipy.cluster.hierarchy import dendrogram, linkage
from scipy.spatial.distance import squareform
from wordfreq import get_frequency_dict

import polars_entropy as pe  # noqa: F401

plt.rcParams.update({"font.size": 12})

languages = {
    "cs": "Czech", "da": "Danish", "nl": "Dutch", "en": "English", "fi": "Finnish",
    "fr": "French", "de": "German", "hu": "Hungarian", "it": "Italian", "pl": "Polish",
    "pt": "Portuguese", "sk": "Slovak", "es": "Spanish", "sv": "Swedish",
}  # fmt: skip


def read(code: str, language: str) -> pl.DataFrame:
    words = get_frequency_dict(code, wordlist="small")
    columns = {"word": list(words.keys()), "frequency": list(words.values())}
    return pl.DataFrame(columns).select(pl.lit(language).alias("language"), pl.all())


words = pl.concat(read(code, language) for code, language in languages.items())
words.group_by("language", maintain_order=True).agg(
    words=pl.len(), most_frequent=pl.col("word").sort_by("frequency").tail(3)
)

# %%
# Letters
# -------
#
# The frequency of a letter is the sum of the frequencies of its words. Accents are part
# of a letter: é is not e.

letters = (
    words.with_columns(letter=pl.col("word").str.extract_all(r"\p{Latin}"))
    .explode("letter")
    .drop_nulls("letter")
    .group_by("language", "letter")
    .agg(pl.col("frequency").sum())
)
letters.group_by("language").agg(
    letters=pl.len(), bits=pl.col("frequency").info.entropy(base=2)
).sort("bits")

# %%
# All pairs of languages
# ----------------------
#
# A struct of a letter and its frequency, for each letter, makes a distribution by key.
# A letter that a language lacks weighs 0 there. A cross join makes the pairs.

distributions = (
    letters.group_by("language")
    .agg(p=pl.struct("letter", "frequency"))
    .sort("language")
)
pairs = distributions.join(distributions, how="cross", suffix="_2").select(
    "language", "language_2", bits=pl.col("p").info.map.js_div("p_2", base=2)
)
pairs.filter(pl.col("language") < pl.col("language_2")).sort("bits").head(5)

# %%
# The tree needs distances, and the square root of the divergence is a distance. The
# heatmap shows the divergence itself.

bits = (
    pairs.pivot("language_2", index="language", values="bits")
    .drop("language")
    .to_numpy()
)
tree = linkage(squareform(bits**0.5), "average", optimal_ordering=True)

fig, (left, right) = plt.subplots(
    1, 2, figsize=(7, 5), layout="constrained", width_ratios=(1, 3)
)
drawn = dendrogram(tree, orientation="left", ax=left, link_color_func=lambda _: "0.3")
left.axis("off")
order = drawn["leaves"]
names = [distributions["language"][i] for i in order]
image = right.imshow(
    bits[order][:, order], cmap="viridis_r", origin="lower", aspect="auto"
)
right.set_yticks(range(len(names)), names)
right.set_xticks(range(len(names)), names, rotation=90)
fig.colorbar(image, label="Jensen-Shannon divergence (bits)")
fig.suptitle("Romance and Germanic languages keep together")
plt.show()

# %%
# The four Romance languages are one branch, and the five Germanic languages another.
# Czech and Slovak are close. Polish is far from both, since it writes the same sounds
# with other letters. Hungarian is not related to Czech and Slovak, but shares some of
# their accents.
