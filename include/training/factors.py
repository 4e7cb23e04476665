"""What products have in common, as short vectors, from who bought them: EASE cut down to its strongest directions.

With X the 0/1 matrix of U households and V products as of a night, and X ~ A S B' its D largest singular values:

    g = S^2 / (S^2 + l)        In = B g        Out = B / (1 - diag(B g B'))        l = U / 6

In[j] . Out[i] is what EASE says of product i to a household that bought j (Steck, Embarrassingly shallow autoencoders for
sparse data, WWW 2019, by the Woodbury identity, all directions kept). The singular vectors come from a random projection and
three power iterations (Halko, Martinsson and Tropp, Finding structure with randomness, SIAM Review 2011): work grows with the
number of purchases, and nothing of size V x V is made.
"""

import numpy as np
import scipy.sparse as sp

SHRINK = 1 / 6
"""The penalty l over the number of households."""
_MORE, _ROUNDS = 16, 3


def product_factors(bought: sp.csr_matrix, width: int, seed: int) -> np.ndarray:
    """In and Out side by side, float32 [V, 2 width]; directions that the data do not have are 0.

    Args:
        bought: households x products; whatever is not 0 counts once.
    """
    x = (bought != 0).astype(np.float64).tocsr()
    users, products = x.shape
    out = np.zeros((products, 2 * width), np.float32)
    directions = min(width + _MORE, users, products)
    if not x.nnz:
        return out
    basis = x.T @ (x @ np.random.default_rng(seed).normal(size=(products, directions)))
    for _ in range(_ROUNDS):
        basis = x.T @ (x @ np.linalg.qr(basis)[0])
    basis = np.linalg.qr(basis)[0]
    _, strength, turn = np.linalg.svd(x @ basis, full_matrices=False)
    strength, vectors = strength[:width], (basis @ turn.T)[:, :width]
    gain = strength**2 / (strength**2 + SHRINK * users)
    left = 1 - (vectors**2 @ gain)
    out[:, : len(gain)] = vectors * gain
    out[:, width : width + len(gain)] = vectors / left[:, None]
    return out
