"""What models are worth, measured: the paper's Table 1, the structure and the quality of samples, the speed of training."""
