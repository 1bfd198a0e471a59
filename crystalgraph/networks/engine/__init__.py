"""The network on quotient graphs: the textbook's weights and numbers, each kind of atom once.

It is an engine, not a lesson: the layer that students write is in model.py, and whoever asks why an
engine is fast finds that here. Students' code in the grader's sandbox does not see this folder.

    batches             quotient graphs of several crystals, prepared once and cut together
    layers              convolutions and batch norm with multiplicities and weights
    network             CrystalGraphConvNet's arguments, weights and numbers
    network_by_hand     forward and backward of a network of gated layers as one step
    gated_by_hand       its gated layer, in few operations
    head_by_hand        its pooling and the layers behind it
    softplus_by_hand    softplus in place, and what its gradient needs
    running_statistics  what batch norms remember
    row_sums            sums over rows that belong together
    flat_adamw          AdamW on all weights as one vector
"""
