"""The listing in JAX: an iteration's training and its test pass are one compiled function each."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

import book

args = book.arguments()
(images, labels), (test_images, test_labels) = book.load(args.data)
kernels, weights = map(jnp.asarray, book.first_weights(np.random.RandomState(1), np.float32))
key = jax.random.PRNGKey(1)


def sections(pieces):
    return jnp.stack([book.sections((x / 255).astype(np.float32)) for x in pieces])


train_sections = sections(book.batches(images))
train_targets = jnp.stack([np.eye(book.CLASSES, dtype=np.float32)[y] for y in book.batches(labels)])


def step(carry, batch):
    kernels, weights, key = carry
    section, target = batch
    key, draw = jax.random.split(key)
    layer_1 = jnp.tanh(section @ kernels).reshape(book.BATCH, -1)
    mask = jax.random.bernoulli(draw, 0.5, layer_1.shape).astype(jnp.float32)
    layer_1 = layer_1 * mask * 2
    layer_2 = jax.nn.softmax(layer_1 @ weights)
    correct = (layer_2.argmax(1) == target.argmax(1)).sum()
    layer_2_delta = (target - layer_2) / book.DELTA_SCALE
    layer_1_delta = (layer_2_delta @ weights.T) * (1 - layer_1 * layer_1) * mask
    weights = weights + book.ALPHA * (layer_1.T @ layer_2_delta)
    kernels = kernels - book.ALPHA * (section.T @ layer_1_delta.reshape(-1, book.KERNELS))
    return (kernels, weights, key), correct


@partial(jax.jit, donate_argnums=(0, 1))
def epoch(kernels, weights, key):
    carry, correct = jax.lax.scan(step, (kernels, weights, key), (train_sections, train_targets))
    return *carry, correct.sum()


def train():
    global kernels, weights, key
    kernels, weights, key, correct = epoch(kernels, weights, key)
    return int(correct)


def prepare(chunk):
    pieces = sections(book.chunks(test_images, chunk))
    answers = jnp.asarray(np.stack(book.chunks(test_labels, chunk)))

    @jax.jit
    def correct_of(kernels, weights, pieces, answers):
        def one(piece):
            section, answer = piece
            logits = jnp.tanh(section @ kernels).reshape(chunk, -1) @ weights
            return (logits.argmax(1) == answer).sum()

        return jax.lax.map(one, (pieces, answers)).sum()

    return lambda: int(correct_of(kernels, weights, pieces, answers))


book.measure(args, jax.__version__, train, prepare, len(test_images))
