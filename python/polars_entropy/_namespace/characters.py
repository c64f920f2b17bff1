"""The accessors `info.str` and `info.bin`: the characters of texts, and bytes."""

from __future__ import annotations

from polars_entropy import _lowering as lowering
from polars_entropy._namespace._base import Accessor, T


class StrInfo(Accessor[T]):
    """Methods for String columns. How often each character of a text occurs is its weight."""

    def entropy(self, *, base: float | None = None) -> T:
        r"""Shannon entropy of the characters of each text.

        :math:`H = -\sum_c \frac{n_c}{N} \ln \frac{n_c}{N}` with :math:`n_c` the number of times that the character c
        occurs, and :math:`N = \sum_c n_c` [1]_. Characters are code points, as in `str.len_chars`.

        Parameters
        ----------
        base
            Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.

        Returns
        -------
        Expr or Series
            One value per row, never negative. Float64.

            * Null for null.
            * 0.0 for an empty text.

        Raises
        ------
        TypeError, ValueError
            If `base` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            If the column does not hold texts, when the plan is resolved.

        Notes
        -----
        The relative error is at most 1e-15. No order and no exchange of characters changes a bit.

        References
        ----------
        .. [1] Shannon, C. E., "Prediction and Entropy of Printed English", 1951.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> domains = pl.DataFrame({"domain": ["aaaa", "noon", "test", "été", "", None]})
        >>> domains.select(pl.col("domain").info.str.entropy(base=2).round(6)).to_series().to_list()
        [0.0, 1.0, 1.5, 0.918296, 0.0, None]

        """
        return self._finish(lowering.characters("entropy", self._p, base=base, are_bytes=False))


class BinInfo(Accessor[T]):
    """Methods for Binary columns. How often each byte of a row occurs is its weight."""

    def entropy(self, *, base: float | None = None) -> T:
        r"""Shannon entropy of the bytes of each row.

        :math:`H = -\sum_b \frac{n_b}{N} \ln \frac{n_b}{N}` with :math:`n_b` the number of times that the byte b occurs,
        and :math:`N = \sum_b n_b` [1]_.

        Parameters
        ----------
        base
            Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.

        Returns
        -------
        Expr or Series
            One value per row, never negative, and at most 8 bits. Float64.

            * Null for null.
            * 0.0 without any byte.

        Raises
        ------
        TypeError, ValueError
            If `base` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            If the column does not hold bytes, when the plan is resolved.

        Notes
        -----
        The relative error is at most 1e-15. No order and no exchange of bytes changes a bit.

        References
        ----------
        .. [1] Shannon, C. E., "A Mathematical Theory of Communication", 1948.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> packets = pl.DataFrame({"payload": [bytes(64), bytes(range(64))]})
        >>> packets.select(pl.col("payload").info.bin.entropy(base=2)).to_series().to_list()
        [0.0, 6.0]

        """
        return self._finish(lowering.characters("entropy", self._p, base=base, are_bytes=True))
