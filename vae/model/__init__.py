"""The models of the paper as pure functions of weights and tensors."""
