"""Wrong answers to the tasks of notebook 3."""

import numpy as np
import torch
from torch import nn
from torch.nn.functional import l1_loss, mse_loss

from crystalgraph.labs.known_answers import Mutant, mutants_into

MUTANTS: list[Mutant] = []
HELD_OUT: list[Mutant] = []
wrong, held_out = mutants_into(MUTANTS), mutants_into(HELD_OUT)

# ---- 3.1 formation_energy


@wrong("3.1", "not per atom")
def formation_of_the_cell(energy_total, symbols, references):
    return energy_total - sum(references[s] for s in symbols)


@wrong("3.1", "each element once")
def formation_set(energy_total, symbols, references):
    return (energy_total - sum(references[s] for s in set(symbols))) / len(symbols)


@wrong("3.1", "references added")
def formation_added(energy_total, symbols, references):
    return (energy_total + sum(references[s] for s in symbols)) / len(symbols)


@wrong("3.1", "divided by elements")
def formation_per_element(energy_total, symbols, references):
    return (energy_total - sum(references[s] for s in symbols)) / len(set(symbols))


@wrong("3.1", "only the energy divided")
def formation_half_divided(energy_total, symbols, references):
    return energy_total / len(symbols) - sum(references[s] for s in symbols)


@wrong("3.1", "only the references divided")
def formation_without_brackets(energy_total, symbols, references):
    return energy_total - sum(references[s] for s in symbols) / len(symbols)


@held_out("3.1", "only the references divided")
def formation_mean_of_atoms(energy_total, symbols, references):
    return energy_total - np.mean([references[s] for s in symbols])


@wrong("3.1", "references ignored")
def formation_none(energy_total, symbols, references):
    return energy_total / len(symbols)


@wrong("3.1", "sign")
def formation_sign(energy_total, symbols, references):
    return (sum(references[s] for s in symbols) - energy_total) / len(symbols)


@wrong("3.1", "mean of references")
def formation_mean_reference(energy_total, symbols, references):
    return energy_total / len(symbols) - np.mean(list(references.values()))


@held_out("3.1", "not per atom")
def formation_loop(energy_total, symbols, references):
    left = energy_total
    for symbol in symbols:
        left -= references[symbol]
    return left


# ---- 3.2 site_fractions


def _blocks(sites, elements, share=None, order=(0, 1, 2)):
    table = np.zeros((3, len(elements)))
    a, *b, x = sites
    table[order[0], elements.index(a)] = 1
    for symbol in b:
        table[order[1], elements.index(symbol)] += share or 1 / len(b)
    table[order[2], elements.index(x)] = 1
    return table


@wrong("3.2", "two B count twice")
def fractions_doubled(sites, elements):
    return _blocks(sites, elements, share=1).ravel()


@wrong("3.2", "second B lost")
def fractions_first_b(sites, elements):
    a, b, *_, x = sites
    return np.concatenate([[float(e == s) for e in elements] for s in (a, b, x)])


@wrong("3.2", "assigned, not added")
def fractions_assigned(sites, elements):
    table = _blocks(sites, elements)
    if len(sites) == 4:
        table[1, elements.index(sites[1])] = 1 / 2
        table[1, elements.index(sites[2])] = 1 / 2
    return table.ravel()


@wrong("3.2", "sites mixed up")
def fractions_wrong_blocks(sites, elements):
    return _blocks(sites, elements, order=(1, 0, 2)).ravel()


@wrong("3.2", "not flattened")
def fractions_table(sites, elements):
    return _blocks(sites, elements)


@wrong("3.2", "flattened by element")
def fractions_transposed(sites, elements):
    return _blocks(sites, elements).T.ravel()


@wrong("3.2", "composition only")
def fractions_of_elements(sites, elements):
    return _blocks(sites, elements).sum(axis=0)


@held_out("3.2", "two B count twice")
def fractions_list(sites, elements):
    a, *b, x = sites
    return (
        [float(e == a) for e in elements]
        + [b.count(e) for e in elements]
        + [float(e == x) for e in elements]
    )


# ---- 3.3 fit_normalizer


@wrong("3.3", "fitted on all")
def normalizer_all(targets, train_index):
    return targets.mean(), targets.std()


@wrong("3.3", "sample deviation")
def normalizer_sample(targets, train_index):
    return targets[train_index].mean(), targets[train_index].std(ddof=1)


@wrong("3.3", "variance")
def normalizer_variance(targets, train_index):
    return np.mean(targets[train_index]), np.var(targets[train_index])


@wrong("3.3", "exchanged")
def normalizer_exchanged(targets, train_index):
    return targets[train_index].std(), targets[train_index].mean()


@wrong("3.3", "index as targets")
def normalizer_index(targets, train_index):
    return train_index.mean(), train_index.std()


@wrong("3.3", "first rows")
def normalizer_of_a_slice(targets, train_index):
    return targets[: len(train_index)].mean(), targets[: len(train_index)].std()


@wrong("3.3", "std of all")
def normalizer_half(targets, train_index):
    return targets[train_index].mean(), targets.std()


@held_out("3.3", "sample deviation")
def normalizer_torch(targets, train_index):
    chosen = torch.as_tensor(targets)[train_index]
    return chosen.mean(), chosen.std()


# ---- 3.4 training_step


def _step(model, batch, target, optimizer, loss=l1_loss, clip=1.0):
    optimizer.zero_grad()
    value = loss(model(*batch.inputs()), target)
    value.backward()
    if clip:
        nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimizer.step()
    return value.item()


@wrong("3.4", "squared error")
def step_mse(model, batch, target, optimizer):
    return _step(model, batch, target, optimizer, loss=mse_loss)


@wrong("3.4", "sum for mean")
def step_sum(model, batch, target, optimizer):
    return _step(model, batch, target, optimizer, loss=lambda a, b: (a - b).abs().sum())


@wrong("3.4", "no clipping")
def step_unclipped(model, batch, target, optimizer):
    return _step(model, batch, target, optimizer, clip=0.0)


@wrong("3.4", "(C,) against (C, 1)")
def step_broadcast(model, batch, target, optimizer):
    return _step(model, batch, target[:, None], optimizer)


@wrong("3.4", "gradient not cleared")
def step_accumulating(model, batch, target, optimizer):
    loss = l1_loss(model(*batch.inputs()), target)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()


@wrong("3.4", "gradient cleared too late")
def step_cleared_late(model, batch, target, optimizer):
    loss = l1_loss(model(*batch.inputs()), target)
    loss.backward()
    optimizer.zero_grad()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()


@held_out("3.4", "no clipping")
def step_clipped_early(model, batch, target, optimizer):
    optimizer.zero_grad()
    loss = l1_loss(model(*batch.inputs()), target)
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    loss.backward()
    optimizer.step()
    return loss.item()


@wrong("3.4", "clipped by value")
def step_clip_value(model, batch, target, optimizer):
    optimizer.zero_grad()
    loss = l1_loss(model(*batch.inputs()), target)
    loss.backward()
    nn.utils.clip_grad_value_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()


@wrong("3.4", "loss after the step")
def step_late_loss(model, batch, target, optimizer):
    _step(model, batch, target, optimizer)
    return l1_loss(model(*batch.inputs()), target).item()


@wrong("3.4", "no step")
def step_standing_still(model, batch, target, optimizer):
    optimizer.zero_grad()
    loss = l1_loss(model(*batch.inputs()), target)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    return loss.item()


@wrong("3.4", "eval mode")
def step_eval(model, batch, target, optimizer):
    model.eval()
    return _step(model, batch, target, optimizer)


@wrong("3.4", "tensor returned")
def step_tensor(model, batch, target, optimizer):
    optimizer.zero_grad()
    loss = l1_loss(model(*batch.inputs()), target)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss


@wrong("3.4", "batch not unpacked")
def step_of_a_batch(model, batch, target, optimizer):
    optimizer.zero_grad()
    loss = l1_loss(model(batch), target)
    loss.backward()
    optimizer.step()
    return loss.item()


@held_out("3.4", "(C,) against (C, 1)")
def step_of_a_column(model, batch, target, optimizer):
    prediction = model(*batch.inputs()).unsqueeze(1)
    loss = (prediction - target).abs().mean()
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()


@held_out("3.4", "squared error")
def step_squared(model, batch, target, optimizer):
    loss = ((target - model(*batch.inputs())) ** 2).mean()
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            parameter.grad = None
    loss.backward()
    torch.nn.utils.clip_grad_norm_(list(model.parameters()), max_norm=1)
    optimizer.step()
    return float(loss)


@held_out("3.4", "no clipping")
def step_criterion(model, batch, target, optimizer):
    criterion = nn.L1Loss()
    prediction = model(*batch.inputs())
    loss = criterion(prediction, target)
    model.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach().numpy().item()


# ---- 3.5 mean_absolute_error


def _errors(model, batches, mean, std):
    return [(model(*b.inputs()) * std + mean - t).abs() for b, t in batches]


@wrong("3.5", "train mode")
def error_train_mode(model, batches, mean, std):
    with torch.no_grad():
        return torch.cat(_errors(model, batches, mean, std)).mean().item()


@wrong("3.5", "train mode switched on")
def error_forced_training(model, batches, mean, std):
    was, _ = model.training, model.train()
    with torch.no_grad():
        error = torch.cat(_errors(model, batches, mean, std)).mean().item()
    model.train(was)
    return error


@wrong("3.5", "mode not restored")
def error_left_in_eval(model, batches, mean, std):
    model.eval()
    with torch.no_grad():
        return torch.cat(_errors(model, batches, mean, std)).mean().item()


@wrong("3.5", "left in training mode")
def error_left_in_train(model, batches, mean, std):
    model.eval()
    with torch.no_grad():
        error = torch.cat(_errors(model, batches, mean, std)).mean().item()
    model.train()
    return error


def evaluated(reduce, grad=False):
    """mean_absolute_error with `reduce(predictions, targets, mean, std)`, lists by batch."""

    def mean_absolute_error(model, batches, mean, std):
        was = model.training
        model.eval()
        with torch.set_grad_enabled(grad):
            pairs = [(model(*b.inputs()), t) for b, t in batches]
        model.train(was)
        return float(reduce(*zip(*pairs, strict=True), mean, std))

    return mean_absolute_error


@wrong("3.5", "mean of batch means", evaluated)
def error_of_batches(p, t, mean, std):
    return np.mean([(a * std + mean - b).abs().mean().item() for a, b in zip(p, t, strict=True)])


@wrong("3.5", "not denormalized", evaluated)
def error_normalized(p, t, mean, std):
    return (torch.cat(p) - torch.cat(t)).abs().mean()


@wrong("3.5", "mean forgotten", evaluated)
def error_without_mean(p, t, mean, std):
    return (torch.cat(p) * std - torch.cat(t)).abs().mean()


@wrong("3.5", "normalized again", evaluated)
def error_normalized_again(p, t, mean, std):
    return ((torch.cat(p) - mean) / std - torch.cat(t)).abs().mean()


@wrong("3.5", "(C,) against (C, 1)", evaluated)
def error_broadcast(p, t, mean, std):
    pairs = zip(p, t, strict=True)
    errors = [(a * std + mean - b[:, None]).abs().mean(dim=0) for a, b in pairs]
    return torch.cat(errors).mean()


@wrong("3.5", "batch not unpacked")
def error_of_a_batch(model, batches, mean, std):
    model.eval()
    with torch.no_grad():
        return torch.cat([(model(b) * std + mean - t).abs() for b, t in batches]).mean().item()


@wrong("3.5", "abs missing", evaluated)
def error_signed(p, t, mean, std):
    return (torch.cat(p) * std + mean - torch.cat(t)).mean()


@wrong("3.5", "root mean square", evaluated)
def error_rms(p, t, mean, std):
    return ((torch.cat(p) * std + mean - torch.cat(t)) ** 2).mean().sqrt()


@wrong("3.5", "sum for mean", evaluated)
def error_sum(p, t, mean, std):
    return (torch.cat(p) * std + mean - torch.cat(t)).abs().sum()


@wrong("3.5", "last batch only", evaluated)
def error_last(p, t, mean, std):
    return (p[-1] * std + mean - t[-1]).abs().mean()


@wrong("3.5", "target in normalized units", evaluated)
def error_in_units_of_std(p, t, mean, std):
    return (torch.cat(p) - (torch.cat(t) - mean) / std).abs().mean()


@wrong("3.5", "divided by atoms")
def error_per_atom(model, batches, mean, std):
    was, total, n_atoms = model.training, 0.0, 0
    model.eval()
    with torch.no_grad():
        for batch, target in batches:
            total += (model(*batch.inputs()) * std + mean - target).abs().sum().item()
            n_atoms += len(batch.atom_features)
    model.train(was)
    return total / n_atoms


MUTANTS.append(
    Mutant(
        "3.5",
        "gradient recorded",
        lambda: evaluated(
            lambda p, t, mean, std: (torch.cat(p) * std + mean - torch.cat(t)).abs().mean(), True
        ),
    )
)


@held_out("3.5", "(C,) against (C, 1)")
def error_of_columns(model, batches, mean, std):
    was, total, n = model.training, 0.0, 0
    model.eval()
    with torch.no_grad():
        for batch, target in batches:
            prediction = (model(*batch.inputs()) * std + mean).reshape(-1, 1)
            total += (prediction - target).abs().mean().item() * len(target)
            n += len(target)
    model.train(was)
    return total / n


@held_out("3.5", "mean of batch means")
def error_running(model, batches, mean, std):
    was, errors = model.training, []
    model.eval()
    with torch.no_grad():
        for batch, target in batches:
            errors.append(l1_loss(model(*batch.inputs()) * std + mean, target).item())
    model.train(was)
    return sum(errors) / len(errors)


@held_out("3.5", "train mode")
@torch.no_grad()
def error_numpy(model, batches, mean, std):
    all_errors = np.array([])
    for batch, target in batches:
        predicted = mean + std * model(*batch.inputs()).numpy()
        all_errors = np.append(all_errors, np.abs(predicted - target.numpy()))
    return all_errors.mean()
