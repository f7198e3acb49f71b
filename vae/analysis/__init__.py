"""What models are worth, measured: the paper's Table 1, structure and quality of samples, speed of training."""
