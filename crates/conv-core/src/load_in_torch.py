from safetensors.torch import load_file
names = {"kernels": "weight", "weights": "weight", "gamma": "weight", "beta": "bias", "running_variance": "running_var"}
found = [(*name.rsplit(".", 1), x.permute({4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[x.ndim])) for name, x in load_file(path).items()]
model.load_state_dict({f"{at}.{names.get(what, what)}": x for at, what, x in found})
