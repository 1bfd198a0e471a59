"""Networks: training, checkpoints, published weights, model files."""
