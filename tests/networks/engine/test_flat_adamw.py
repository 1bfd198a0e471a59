"""One vector in place of many parameters gives AdamW's numbers."""

import torch
from torch import nn

from crystalgraph.networks.engine.flat_adamw import FlatAdamW


def test_steps_are_those_of_adamw():
    found = []
    for flat in (True, False):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Linear(5, 4), nn.Softplus(), nn.Linear(4, 2))
        options = {"lr": 1e-2, "weight_decay": 1e-2}
        optimizer = (FlatAdamW if flat else torch.optim.AdamW)(network.parameters(), **options)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, 20)
        for _ in range(10):
            optimizer.zero_grad()
            network(torch.randn(7, 5)).square().mean().backward()
            if isinstance(optimizer, FlatAdamW):
                optimizer.join_gradients()
                nn.utils.clip_grad_norm_([optimizer.vector], 0.1)
            else:
                nn.utils.clip_grad_norm_(network.parameters(), 0.1)
            optimizer.step()
            schedule.step()
        found.append(network.state_dict())
    for name, weight in found[0].items():
        torch.testing.assert_close(weight, found[1][name], rtol=1e-6, atol=1e-7)
