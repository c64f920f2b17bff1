"""
A binding motif rarely singles out one place in the genome
==========================================================

A transcription factor is a protein that binds to DNA that resembles its motif. A motif
has four counts for each position, one for each base. The information content of a
position is 2 bits minus its entropy. It says how specific the factor is there, and is
the height of a sequence logo [1]_. To find one of the 6.2 billion places in the human
genome takes 32.5 bits. Nearly all motifs of the JASPAR database have far fewer [2]_.

Data: JASPAR 2026 (CC BY 4.0) in the package pyjaspar (MIT).
"""

# %%
# The package contains the database as a SQLite file, which Polars reads. For a motif
# with several versions, the latest is used.

import math

import matplotlib.pyplot as plt
import polars as pl
from matplotlib.font_manager import FontProperties
from matplotlib.patches import PathPatch
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D
from pyjaspar import jaspardb

import polars_entropy as pe  # noqa: F401

plt.rcParams.update({"font.size": 12})

human = """
    SELECT BASE_ID AS id, VERSION AS version, NAME AS name,
           col AS position, row AS base, val AS n
    FROM MATRIX JOIN MATRIX_DATA USING (ID) JOIN MATRIX_SPECIES USING (ID)
    WHERE COLLECTION = 'CORE' AND TAX_ID = '9606'
"""
motifs = (
    pl.read_database(human, jaspardb(release="JASPAR2026").conn)
    .filter(pl.col("version") == pl.col("version").max().over("id"))
    .sort("id", "position", "base")
    .group_by("id", "name", "position", maintain_order=True)
    .agg("base", "n")
)
motifs.head(3)

# %%
# The logo of CTCF
# ----------------
#
# CTCF is a factor that folds the genome into loops. The information content of a
# position is also the divergence from four equally likely bases. ``kl_div`` takes other
# backgrounds as well. In the human genome 41 % of the bases are C or G, so a C is rarer
# than an A, and carries more information.

background = [0.295, 0.205, 0.205, 0.295]
n = pl.col("n").info.list
motifs = motifs.with_columns(
    bits=2 - n.entropy(base=2),
    from_uniform=n.kl_div([1, 1, 1, 1], base=2),
    from_genome=n.kl_div(background, base=2),
)
ctcf = motifs.filter(id="MA0139")
ctcf.select("position", "n", "bits", "from_uniform", "from_genome")

# %%
# In the logo, the letters of a position share its bits in proportion to their counts.

letters = (
    ctcf.with_columns(height=pl.col("n") / pl.col("n").list.sum() * pl.col("bits"))
    .explode("base", "height")
    .sort("position", "height")
    .with_columns(bottom=pl.col("height").cum_sum().over("position") - pl.col("height"))
)


def draw(ax, letter, x, bottom, height):
    """A letter stretched to a width of 0.9 and a height."""
    path = TextPath((0, 0), letter, prop=FontProperties(weight="bold"))
    box = path.get_extents()
    stretch = (
        Affine2D()
        .translate(-box.x0, -box.y0)
        .scale(0.9 / box.width, height / box.height)
        .translate(x - 0.45, bottom)
    )
    colour = {"A": "#2a9d4b", "C": "#2b6cb0", "G": "#e69f00", "T": "#c53030"}[letter]
    ax.add_patch(PathPatch(stretch.transform_path(path), facecolor=colour, lw=0))


fig, ax = plt.subplots(figsize=(7, 3.5), layout="constrained")
for row in letters.select("base", "position", "bottom", "height").iter_rows():
    draw(ax, *row)
ax.set(
    xlim=(0.4, ctcf.height + 0.6),
    ylim=(0, 2),
    xticks=ctcf["position"],
    xlabel="position",
    ylabel="information (bits)",
    yticks=[0, 0.5, 1, 1.5, 2],
    title=f"CTCF is strict at some of its positions: {ctcf['bits'].sum():.1f} bits",
)
ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# All human factors
# -----------------
#
# If positions are independent, the bits of a motif are the sum of the bits of its
# positions. With n bits, a chance match is expected once in 2 to the power of n places.
# A motif from few binding sites looks more specific than it is, so motifs from fewer
# than a hundred sites are left out.

totals = (
    motifs.group_by("id", "name")
    .agg(
        sites=pl.col("n").list.sum().min(),
        positions=pl.len(),
        bits=pl.col("from_genome").sum(),
    )
    .filter(pl.col("sites") >= 100)
    .sort("bits", descending=True)
)
totals.head(4)

# %%
# Both strands of 3.1 billion bases are 6.2 billion places.

needed = math.log2(6.2e9)
totals.select(
    motifs=pl.len(),
    median=pl.col("bits").median(),
    specific_enough=(pl.col("bits") >= needed).sum(),
)

# %%
# One motif of 850 is specific enough: the motif of EWSR1-FLI1, a fusion protein of
# tumours. It is a repeat of GGAA, and the genome has such repeats in many places
# nevertheless. All other factors need help to find one place, from other factors or
# from the packing of the DNA.

fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
ax.hist(totals["bits"], bins=range(4, 36), color="C0", edgecolor="white")
ax.axvline(needed, color="C3", lw=2)
ax.text(needed - 0.4, 60, "one place\nin the genome", color="C3", ha="right")
ax.set(
    xlabel="divergence of a motif from the genome's bases (bits)",
    ylabel="human motifs",
    title="Half of the motifs have fewer than 13 bits",
)
plt.show()

# %%
# .. [1] T. D. Schneider and R. M. Stephens, "Sequence logos: a new way to display
#        consensus sequences", Nucleic Acids Research 18, 1990.
# .. [2] Z. Wunderlich and L. A. Mirny, "Different gene regulation strategies revealed
#        by analysis of binding motifs", Trends in Genetics 25, 2009.
