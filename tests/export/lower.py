"""For every RECIPE.OPSET.onnx of the folder: lowers it to that opset, checks it, and prints as JSON how far ONNX Runtime's
logits of it are from those of the file as it is, in parts of the largest one, and the metadata."""
import json
import pathlib
import sys

import numpy
import onnx
import onnxruntime
from onnx import version_converter


def logits(model, pixels):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return session.run(["logits"], {"input": pixels})[0]


folder = pathlib.Path(sys.argv[1])
pixels = numpy.random.default_rng(1).random((7, 1, 28, 28), numpy.float32)
for path in sorted(folder.glob("*.onnx")):
    recipe, opset = path.stem.split(".")
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    lowered = version_converter.convert_version(model, int(opset))
    onnx.checker.check_model(lowered, full_check=True)
    assert lowered.opset_import[0].version == int(opset)
    ours, theirs = logits(model, pixels), logits(lowered, pixels)
    print(json.dumps({
        "recipe": recipe,
        "opset": int(opset),
        "difference": float(abs(ours - theirs).max() / abs(ours).max()),
        "metadata": {each.key: each.value for each in model.metadata_props},
    }))
