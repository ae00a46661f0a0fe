"""For every NUMBER.npz of the folder, in the order of the numbers: prints its arrays as JSON, shapes and bits, and
checks that NUMBER.safetensors has the same."""
import json
import pathlib
import sys

import numpy
from safetensors.numpy import load_file

folder = pathlib.Path(sys.argv[1])
for path in sorted(folder.glob("*.npz"), key=lambda path: int(path.stem)):
    with numpy.load(path, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    about = json.loads(bytes(arrays.pop("about")))
    assert set(about) == {"spec", "dataset", "normalisation", "classes"}, about
    others = load_file(path.with_suffix(".safetensors"))
    assert arrays.keys() == others.keys(), (arrays.keys(), others.keys())
    for name, array in arrays.items():
        assert array.dtype == others[name].dtype == numpy.float32, name
        assert array.shape == others[name].shape, name
        assert array.tobytes() == others[name].tobytes(), name
    found = {
        name: {"shape": array.shape, "bits": array.view("<u4").ravel().tolist()}
        for name, array in arrays.items()
    }
    print(json.dumps(found))
