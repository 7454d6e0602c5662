"""Tools/experiments/folding.py: a fold changes weights, and leaves the products that they stand for."""

import os
import pathlib
import sys
import tempfile
import unittest

from tools import PACKAGE, TOOLS

sys.path.insert(0, os.path.join(TOOLS, "experiments"))

try:
    import numpy as np
    from folding import ADAPTER, LANGUAGE, Model, hadamard, read_checkpoint, write_checkpoint
except ImportError as error:
    raise unittest.SkipTest(f"folding.py needs numpy: {error}") from error

TINY = os.path.join(PACKAGE, "Tests", "Fixtures", "tiny", "checkpoint")


class SomeInputs:
    """Scales as a calibration would give them, with a geometric mean of 1."""

    def __init__(self, model):
        self.model, self.random = model, np.random.default_rng(1)

    def scales(self, weight, power):
        logs = self.random.normal(size=self.model.tensors[weight].shape[1]) * power
        return np.exp(logs - logs.mean())


class Folding(unittest.TestCase):
    def values(self, model):
        """Each head's values through the output, and the share of their bias in it."""
        products = []
        for _, weight, bias, rows, output, columns in model.value_places():
            for some in columns:
                products.append(model.tensors[output][:, some] @ model.tensors[weight][rows])
                if bias:
                    products.append(model.tensors[output][:, some] @ model.tensors[bias][rows])
        return products

    def norms(self, model):
        return [
            model.tensors[weight] * model.tensors[norm] for norm, behind in model.norms() for weight in behind
        ]

    def gated(self, model):
        """The down projection of what the up projection of one input channel gives."""
        prefixes = [LANGUAGE.format(layer) + "mlp.language_mlp." for layer in range(model.layers)]
        places = [(f"{prefix}up_proj.weight", f"{prefix}down_proj.weight") for prefix in prefixes]
        places.append([f"{ADAPTER}{name}.weight" for name in ("dense_h_to_4h", "dense_4h_to_h")])
        return [model.tensors[down] * model.tensors[up][:, 0] for up, down in places]

    def test_folds_leave_what_is_computed(self):
        for fold, products in (
            ("rotate-language", self.values),
            ("rotate-vision", self.values),
            ("values=0.5", self.values),
            ("norms=0.25", self.norms),
            ("up=0.5", self.gated),
            ("adapter=0.5", self.gated),
        ):
            model, changed = Model(TINY), Model(TINY)
            changed.fold(fold, SomeInputs(changed), np.random.default_rng(0))
            names = [name for name in model.tensors if (model.tensors[name] != changed.tensors[name]).any()]
            self.assertGreater(len(names), 1, fold)
            for before, after in zip(products(model), products(changed)):
                np.testing.assert_allclose(after, before, rtol=1e-9, atol=1e-12, err_msg=fold)

    def test_a_fold_that_is_none_is_refused(self):
        with self.assertRaises(SystemExit):
            Model(TINY).fold("bend", None, None)

    def test_rotations_are_orthogonal(self):
        for size in (8, 12):
            matrix = hadamard(size, np.random.default_rng(2))
            np.testing.assert_allclose(matrix @ matrix.T, np.eye(size), atol=1e-12)

    def test_a_checkpoint_that_is_written_is_read_again(self):
        tensors = read_checkpoint(TINY)
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name) / "again"
            write_checkpoint(tensors, TINY, folder)
            again = read_checkpoint(folder)
            self.assertTrue((folder / "config.json").exists())
        self.assertEqual(list(again), list(tensors))
        for name, values in tensors.items():
            np.testing.assert_array_equal(again[name], values)


if __name__ == "__main__":
    unittest.main()
