"""Wrong answers to the tasks of notebook 1."""

import numpy as np

from crystalgraph.labs.known_answers import Mutant, mutants_into

MUTANTS: list[Mutant] = []
HELD_OUT: list[Mutant] = []
wrong, held_out = mutants_into(MUTANTS), mutants_into(HELD_OUT)

# ---- 1.1 atom_vectors


@wrong("1.1", "one per element")
def vectors_of_elements(structure, features):
    return features.matrix([el.Z for el in structure.composition.elements])


@wrong("1.1", "transposed")
def vectors_as_columns(structure, features):
    return np.stack([features.vector(site.specie.Z) for site in structure], axis=1)


@wrong("1.1", "off by one")
def vectors_counted_from_zero(structure, features):
    known = features.atomic_numbers
    earlier = [known[max(known.index(site.specie.Z) - 1, 0)] for site in structure]
    return features.matrix(earlier)


@wrong("1.1", "only the first atom")
def vectors_of_one_atom(structure, features):
    return np.array([features.vector(structure[0].specie.number) for _ in structure])


@wrong("1.1", "site number for element")
def vectors_of_site_numbers(structure, features):
    known = features.atomic_numbers
    return np.array([features.vector(known[i]) for i in range(len(structure))])


@wrong("1.1", "sorted")
def vectors_sorted(structure, features):
    return features.matrix(sorted(structure.atomic_numbers))


@wrong("1.1", "element for its number")
def vectors_of_species(structure, features):
    return np.array([features.vector(site.specie) for site in structure])


@held_out("1.1", "element for its number")
def vectors_of_symbols(structure, features):
    return np.array([features.vector(site.specie.symbol) for site in structure])


@held_out("1.1", "element for its number")
def vectors_of_all_sites(structure, features):
    return features.matrix(structure)


@held_out("1.1", "site number for element")
def vectors_by_enumerate(structure, features):
    return np.array([features.vector(i) for i, _ in enumerate(structure)])


@held_out("1.1", "one per element")
def vectors_of_a_set(structure, features):
    rows, seen = [], []
    for site in structure:
        if site.specie not in seen:
            seen.append(site.specie)
            rows.append(features.vector(site.specie.Z))
    return np.array(rows)


# ---- 1.2 find_neighbors; the first line and the return are given


def neighbors(choose):
    """find_neighbors with `choose(center, neighbor, image, distance, n, k, radius, tol)`."""

    def find_neighbors(structure, k=12, radius=8.0, tolerance=0.01):
        center, neighbor, image, distance = structure.get_neighbor_list(radius)
        n = len(structure)
        keep = choose(center, neighbor, image, distance, n, k, radius, tolerance)
        return center[keep], neighbor[keep], distance[keep]

    return find_neighbors


def _whole_shells(center, distance, n, k, tolerance):
    keep = np.zeros(len(center), dtype=bool)
    for i in range(n):
        d = distance[center == i]
        if len(d):
            keep[center == i] = d <= np.sort(d)[: max(k, 1)][-1] + tolerance
    return keep


def _chosen_first(allowed, center, distance, n, k, tolerance):
    """Whole shells of the edges that are allowed."""
    places = np.flatnonzero(allowed)
    keep = _whole_shells(center[places], distance[places], n, k, tolerance)
    return places[keep]


@wrong("1.2", "cut at k", neighbors)
def cut_at_k(center, neighbor, image, distance, n, k, radius, tolerance):
    chosen = []
    for i in range(n):
        mine = np.where(center == i)[0]
        chosen.extend(mine[np.argsort(distance[mine], kind="stable")[:k]])
    return np.array(chosen)


@wrong("1.2", "self images lost", neighbors)
def no_self_images(center, neighbor, image, distance, n, k, radius, tolerance):
    return _whole_shells(center, distance, n, k, tolerance) & (center != neighbor)


@wrong("1.2", "self images lost first", neighbors)
def other_atoms_first(center, neighbor, image, distance, n, k, radius, tolerance):
    return _chosen_first(center != neighbor, center, distance, n, k, tolerance)


@wrong("1.2", "one image per pair")
def shortest_of_each_pair(structure, k=12, radius=8.0, tolerance=0.01):
    table, edges = structure.distance_matrix, []
    for i, row in enumerate(table):
        others = [(d, j) for j, d in enumerate(row) if j != i and d < radius]
        limit = sorted(others)[:k][-1][0] + tolerance
        edges += [(i, j, d) for d, j in others if d <= limit]
    return tuple(np.array(column) for column in zip(*edges, strict=True))


@wrong("1.2", "images lost", neighbors)
def home_cell_only(center, neighbor, image, distance, n, k, radius, tolerance):
    return _whole_shells(center, distance, n, k, tolerance) & (image == 0).all(axis=1)


@wrong("1.2", "everything kept", neighbors)
def everything_in_the_sphere(center, neighbor, image, distance, n, k, radius, tolerance):
    return distance < radius


@wrong("1.2", "tolerance ignored", neighbors)
def no_tolerance(center, neighbor, image, distance, n, k, radius, tolerance):
    return _whole_shells(center, distance, n, k, 1e-6)


@wrong("1.2", "tolerance as a factor", neighbors)
def relative_tolerance(center, neighbor, image, distance, n, k, radius, tolerance):
    limit = np.array([np.sort(distance[center == i])[:k][-1] for i in range(n)])
    return distance <= limit[center] * (1 + tolerance)


@wrong("1.2", "k-th shell", neighbors)
def shells_counted(center, neighbor, image, distance, n, k, radius, tolerance):
    shells = [np.unique(distance[center == i].round(4)) for i in range(n)]
    limit = np.array([d[:k][-1] for d in shells])
    return distance <= limit[center] + tolerance


@wrong("1.2", "neighbor for center", neighbors)
def limit_of_the_neighbor(center, neighbor, image, distance, n, k, radius, tolerance):
    return _whole_shells(neighbor, distance, n, k, tolerance)


@held_out("1.2", "neighbor for center")
def ends_exchanged(structure, k=12, radius=8.0, tolerance=0.01):
    center, neighbor, _, distance = structure.get_neighbor_list(radius)
    keep = _whole_shells(center, distance, len(structure), k, tolerance)
    return neighbor[keep], center[keep], distance[keep]


@held_out("1.2", "tolerance ignored", neighbors)
def below_the_kth(center, neighbor, image, distance, n, k, radius, tolerance):
    limit = np.array([np.sort(distance[center == i])[:k][-1] for i in range(n)])
    return distance < limit[center]


@held_out("1.2", "cut at k", neighbors)
def the_last_k_of_equals(center, neighbor, image, distance, n, k, radius, tolerance):
    chosen = []
    for i in range(n):
        mine = np.flatnonzero(center == i)[::-1]
        chosen.extend(mine[np.argsort(distance[mine].round(6), kind="stable")[:k]])
    return np.array(chosen)


@held_out("1.2", "self images lost first")
def get_neighbors_of_others(structure, k=12, radius=8.0, tolerance=0.01):
    edges = []
    for i, site in enumerate(structure):
        near = [other for other in structure.get_neighbors(site, radius) if other.index != i]
        limit = sorted(other.nn_distance for other in near)[:k][-1] + tolerance
        edges += [(i, o.index, o.nn_distance) for o in near if o.nn_distance <= limit]
    return tuple(np.array(column) for column in zip(*edges, strict=True))


@wrong("1.2", "one too many", neighbors)
def counts_to_k_plus_one(center, neighbor, image, distance, n, k, radius, tolerance):
    return _whole_shells(center, distance, n, k + 1, tolerance)


@wrong("1.2", "one limit for all", neighbors)
def one_limit(center, neighbor, image, distance, n, k, radius, tolerance):
    limit = np.sort(distance)[: n * k][-1]
    return distance <= limit + tolerance


@wrong("1.2", "not sorted", neighbors)
def kth_of_the_list(center, neighbor, image, distance, n, k, radius, tolerance):
    limit = np.array([distance[center == i][:k][-1] for i in range(n)])
    return distance <= limit[center] + tolerance


@wrong("1.2", "defaults hard-coded", neighbors)
def twelve_always(center, neighbor, image, distance, n, k, radius, tolerance):
    return _whole_shells(center, distance, n, 12, 0.01)


@wrong("1.2", "first shell only", neighbors)
def nearest_shell(center, neighbor, image, distance, n, k, radius, tolerance):
    nearest = np.array([distance[center == i].min() for i in range(n)])
    return distance <= nearest[center] + tolerance


@held_out("1.2", "cut at k")
def pymatgen_cut(structure, k=12, radius=8.0, tolerance=0.01):
    rows = []
    for i, near in enumerate(structure.get_all_neighbors(radius)):
        near = sorted(near, key=lambda other: other.nn_distance)[:k]
        rows += [(i, other.index, other.nn_distance) for other in near]
    center, neighbor, distance = zip(*rows, strict=True)
    return np.array(center), np.array(neighbor), np.array(distance)


# ---- 1.3 gaussian_expansion


@wrong("1.3", "not squared")
def gaussian_not_squared(distance, centers, width):
    return np.exp(-np.abs(distance[:, None] - centers) / width)


@wrong("1.3", "width as variance")
def gaussian_variance(distance, centers, width):
    return np.exp(-((distance.reshape(-1, 1) - centers.reshape(1, -1)) ** 2) / width)


@wrong("1.3", "factor two")
def gaussian_textbook(distance, centers, width):
    return np.exp(-0.5 * ((distance[:, None] - centers[None, :]) / width) ** 2)


@wrong("1.3", "transposed")
def gaussian_transposed(distance, centers, width):
    return np.exp(-((distance - centers[:, None]) ** 2) / width**2)


@wrong("1.3", "minus missing")
def gaussian_growing(distance, centers, width):
    return np.exp((distance[:, None] - centers[None]) ** 2 / width**2)


@wrong("1.3", "normalized")
def gaussian_normalized(distance, centers, width):
    bell = np.exp(-((distance[:, None] - centers[None]) ** 2) / width**2)
    return bell / (width * np.sqrt(np.pi))


@wrong("1.3", "sums to one")
def gaussian_softmax(distance, centers, width):
    bell = np.exp(-((distance[:, None] - centers[None]) ** 2) / width**2)
    return bell / bell.sum(axis=1, keepdims=True)


@wrong("1.3", "width ignored")
def gaussian_unit_width(distance, centers, width):
    return np.exp(-((distance[:, None] - centers[None]) ** 2))


@held_out("1.3", "not squared")
def laplace(distance, centers, width):
    return np.array([[np.exp(-abs(d - mu) / width) for mu in centers] for d in distance])


@held_out("1.3", "factor two")
def normal_density(distance, centers, width):
    gap = np.subtract.outer(distance, centers)
    return np.exp(-(gap**2) / (2 * width**2))


# ---- 1.4 batch_crystals


def batched(offset_center, offset_neighbor, crystal):
    """batch_crystals from three functions of the list of graphs."""

    def batch_crystals(graphs):
        numbers = np.concatenate([g.atomic_numbers for g in graphs])
        shift_c, shift_n = offset_center(graphs), offset_neighbor(graphs)
        center = np.concatenate([g.center + s for g, s in zip(graphs, shift_c, strict=True)])
        neighbor = np.concatenate([g.neighbor + s for g, s in zip(graphs, shift_n, strict=True)])
        distance = np.concatenate([g.distance for g in graphs])
        return numbers, center, neighbor, distance, crystal(graphs)

    return batch_crystals


def _start(graphs):
    sizes = [g.n_atoms for g in graphs]
    return [sum(sizes[:i]) for i in range(len(sizes))]


def _nothing(graphs):
    return [0] * len(graphs)


def _edges_before(graphs):
    return [sum(g.n_edges for g in graphs[:i]) for i in range(len(graphs))]


def _previous_size(graphs):
    return [0] + [g.n_atoms for g in graphs[:-1]]


def _own_size(graphs):
    return [sum(g.n_atoms for g in graphs[: i + 1]) for i in range(len(graphs))]


def _number_per_atom(graphs):
    return np.concatenate([np.full(g.n_atoms, i) for i, g in enumerate(graphs)])


def _number_per_edge(graphs):
    return np.concatenate([np.full(g.n_edges, i) for i, g in enumerate(graphs)])


def _from_one(graphs):
    return _number_per_atom(graphs) + 1


def _add(cause, *parts):
    MUTANTS.append(Mutant("1.4", cause, lambda: batched(*parts)))


_add("no offset", _nothing, _nothing, _number_per_atom)
_add("offset of one end", _start, _nothing, _number_per_atom)
_add("offset counts edges", _edges_before, _edges_before, _number_per_atom)
_add("offset not cumulative", _previous_size, _previous_size, _number_per_atom)
_add("offset one crystal late", _own_size, _own_size, _number_per_atom)
_add("crystal per edge", _start, _start, _number_per_edge)
_add("crystal from 1", _start, _start, _from_one)


def _joined(ends):
    """batch_crystals with `ends(graph, start)`: its centers and neighbors, raised."""

    def batch_crystals(graphs):
        raised = [ends(g, start) for g, start in zip(graphs, _start(graphs), strict=True)]
        center, neighbor = (np.concatenate(column) for column in zip(*raised, strict=True))
        numbers = np.concatenate([g.atomic_numbers for g in graphs])
        distance = np.concatenate([g.distance for g in graphs])
        return numbers, center, neighbor, distance, _number_per_atom(graphs)

    return batch_crystals


@wrong("1.4", "in place", _joined)
def added_to_the_graph(graph, start):
    graph.center += start
    graph.neighbor += start
    return graph.center, graph.neighbor


@held_out("1.4", "in place", _joined)
def added_to_another_name(graph, start):
    center, neighbor = graph.center, graph.neighbor
    center += start
    neighbor += start
    return center, neighbor


@held_out("1.4", "in place", _joined)
def added_to_a_view(graph, start):
    ends = [np.asarray(graph.center), graph.neighbor[:]]
    for end in ends:
        np.add(end, start, out=end)
    return ends


@held_out("1.4", "no offset")
def plain_concatenation(graphs):
    columns = ("atomic_numbers", "center", "neighbor", "distance")
    joined = [np.hstack([getattr(g, c) for g in graphs]) for c in columns]
    return *joined, np.repeat(range(len(graphs)), [len(g.atomic_numbers) for g in graphs])


@held_out("1.4", "offset not cumulative")
def last_size_only(graphs):
    out, before = [[], [], [], [], []], 0
    for number, g in enumerate(graphs):
        out[0] += list(g.atomic_numbers)
        out[1] += [i + before for i in g.center]
        out[2] += [j + before for j in g.neighbor]
        out[3] += list(g.distance)
        out[4] += [number] * g.n_atoms
        before = g.n_atoms
    return tuple(np.array(column) for column in out)
