"""For every NUMBER.onnx of the folder, in the order of the numbers: checks it, and prints what ONNX Runtime makes of
the pixels of NUMBER.pixels, as JSON."""
import json
import pathlib
import sys

import numpy
import onnx
import onnxruntime

folder = pathlib.Path(sys.argv[1])
for path in sorted(folder.glob("*.onnx"), key=lambda path: int(path.stem)):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    about = json.loads(path.with_suffix(".json").read_text())
    pixels = numpy.fromfile(path.with_suffix(".pixels"), "<f4").reshape(about["input"])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    assert [each.name for each in session.get_inputs()] == ["input"]
    assert session.get_inputs()[0].shape == ["N", *about["input"][1:]]
    assert [each.name for each in session.get_outputs()] == ["logits"]
    assert session.get_outputs()[0].shape == ["N", *about["output"][1:]]
    (logits,) = session.run(None, {"input": pixels})
    assert list(logits.shape) == about["output"]
    print(json.dumps(logits.ravel().tolist()))
