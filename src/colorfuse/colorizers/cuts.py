"""Minimum cuts of graphs, by OR-Tools or SciPy."""

import importlib.util
from collections.abc import Callable, Sequence

import numpy as np
import scipy
from numpy.typing import NDArray

SOLVERS = ("auto", "ortools", "scipy")


def minimum_cut(
    pairs: NDArray[np.intp],
    capacities: NDArray[np.int64],
    from_source: NDArray[np.int64],
    to_sink: NDArray[np.int64],
    solver: str = "auto",
) -> NDArray[np.bool_]:
    """Cut a graph into a source's and a sink's side, so that the capacities of all cut edges sum to the least.

    Args:
        pairs: The nodes `(E, 2)` that edges join.
        capacities: The edges' capacities `(E,)`, the same in both directions, or `(E, 2)`, there and back.
        from_source: Capacities of edges from the source to each node `(nodes,)`; 0 for none.
        to_sink: Capacities of edges from each node to the sink `(nodes,)`.
        solver: "ortools"; "scipy", which takes many times as long; or "auto" for the first that is installed.

    Returns:
        Which nodes are on the source's side `(nodes,)`; of several minimum cuts, the smallest side.

    Raises:
        ImportError: OR-Tools is asked for and not installed.
        ValueError: The solver is unknown.

    Example:
        >>> chain = np.array([[0, 1], [1, 2]])
        >>> minimum_cut(chain, np.array([5, 2]), np.array([9, 0, 0]), np.array([0, 0, 9])).tolist()
        [True, True, False]
    """
    nodes = len(from_source)
    source, sink = nodes, nodes + 1
    sourced, sunk = np.flatnonzero(from_source), np.flatnonzero(to_sink)
    # An edge without capacity from source to sink makes both known where no other edge does.
    tails = np.concatenate([pairs[:, 0], pairs[:, 1], np.full_like(sourced, source), sunk, [source]])
    heads = np.concatenate([pairs[:, 1], pairs[:, 0], sourced, np.full_like(sunk, sink), [sink]])
    there, back = capacities.T if capacities.ndim == 2 else (capacities, capacities)
    all_capacities = np.concatenate([there, back, from_source[sourced], to_sink[sunk], [0]])
    side = _solver(solver)(tails, heads, all_capacities, nodes + 2)
    return side[:nodes]


def grid_pairs(height: int, width: int, steps: Sequence[tuple[int, int]]) -> NDArray[np.intp]:
    """Pairs `(pairs, 2)` of the pixels of a grid, numbered row by row, that lie such steps apart, step by step.

    Args:
        height: Rows of the grid.
        width: Columns of the grid.
        steps: Rows down, at least 0, and columns to the right.

    Example:
        >>> grid_pairs(2, 2, [(0, 1), (1, -1)]).tolist()
        [[0, 1], [2, 3], [1, 2]]
    """
    pixels = np.arange(height * width).reshape(height, width)
    pairs = []
    for down, right in steps:
        left, beside = max(0, -right), max(0, right)
        one = pixels[: height - down, left : width - beside]
        pairs.append(np.stack([one.ravel(), one.ravel() + down * width + right], axis=1))
    return np.concatenate(pairs)


def check_solver(solver: str) -> None:
    """Check that a solver is known and installed.

    Raises:
        ImportError: It is not installed.
        ValueError: It is unknown.
    """
    _solver(solver)


def _solver(name: str) -> Callable[..., NDArray[np.bool_]]:
    if name not in SOLVERS:
        raise ValueError(f"solver must be one of {', '.join(SOLVERS)}, not {name!r}")
    installed = importlib.util.find_spec("ortools") is not None
    if name == "ortools" and not installed:
        raise ImportError("to cut graphs with OR-Tools, install colorfuse[cuts]; solver='scipy' is slower")
    return _by_ortools if installed and name != "scipy" else _by_scipy


def _by_ortools(
    tails: NDArray[np.intp], heads: NDArray[np.intp], capacities: NDArray[np.int64], nodes: int
) -> NDArray[np.bool_]:
    from ortools.graph.python import max_flow

    flow = max_flow.SimpleMaxFlow()
    flow.add_arcs_with_capacity(tails, heads, capacities)
    if flow.solve(nodes - 2, nodes - 1) != flow.OPTIMAL:
        raise RuntimeError("the minimum cut was not found; the capacities overflow")
    side = np.zeros(nodes, bool)
    side[flow.get_source_side_min_cut()] = True
    return side


def _by_scipy(
    tails: NDArray[np.intp], heads: NDArray[np.intp], capacities: NDArray[np.int64], nodes: int
) -> NDArray[np.bool_]:
    # SciPy before 1.14 takes no other integers.
    values, rows, columns = (each.astype(np.int32) for each in (capacities, tails, heads))
    graph = scipy.sparse.coo_array((values, (rows, columns)), shape=(nodes, nodes)).tocsr()
    residual = graph - scipy.sparse.csgraph.maximum_flow(graph, nodes - 2, nodes - 1).flow
    residual.data = (residual.data > 0).astype(np.int32)
    residual.eliminate_zeros()
    side = np.zeros(nodes, bool)
    side[scipy.sparse.csgraph.breadth_first_order(residual, nodes - 2, return_predecessors=False)] = True
    return side
