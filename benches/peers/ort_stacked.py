"""ONNX Runtime, inference alone: of the LeNet, made here and left for tract in the data's folder; or of model.onnx there."""

import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import stacked

args = stacked.arguments()


def model():
    names = ["w1", "b1", "w2", "b2", "w3", "b3"]
    parameters = [numpy_helper.from_array(numbers, name) for numbers, name in zip(stacked.lenet(), names)]
    pool = {"kernel_shape": [2, 2], "strides": [2, 2]}
    nodes = [
        helper.make_node("Conv", ["x", "w1", "b1"], ["conv1"], kernel_shape=[5, 5]),
        helper.make_node("MaxPool", ["conv1"], ["pool1"], **pool),
        helper.make_node("Relu", ["pool1"], ["relu1"]),
        helper.make_node("Conv", ["relu1", "w2", "b2"], ["conv2"], kernel_shape=[5, 5]),
        helper.make_node("MaxPool", ["conv2"], ["pool2"], **pool),
        helper.make_node("Relu", ["pool2"], ["relu2"]),
        helper.make_node("Flatten", ["relu2"], ["units"], axis=1),
        helper.make_node("Gemm", ["units", "w3", "b3"], ["logits"], transB=1),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 1, 28, 28])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", 10])
    graph = helper.make_graph(nodes, "lenet", [x], [logits], parameters)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made)
    return made.SerializeToString()


options = onnxruntime.SessionOptions()
options.intra_op_num_threads = args.threads
options.inter_op_num_threads = 1
if args.work == "lenet":
    path = args.data / "lenet.onnx"
    path.write_bytes(model())
else:
    path = args.data / "model.onnx"
session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
found = stacked.Found(onnxruntime.__version__)
test = stacked.images(args.data, "t10k")

name = session.get_inputs()[0].name


def run(place, count):
    return session.run(None, {name: test[place : place + count]})[0]


found.check("logits", stacked.checksum(run(0, stacked.TEST_BATCH)))
if args.work == "lenet":
    places = stacked.places(len(test), stacked.TEST_BATCH)
    found.time("inference", args.window, lambda: run(next(places), stacked.TEST_BATCH))
found.time("latency", args.window, lambda: run(0, 1))
found.print()
