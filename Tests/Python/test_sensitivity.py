"""The rank correlation of Tools/experiments/sensitivity.py, against values worked out by hand."""

import math
import os
import sys
import unittest

PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(PACKAGE, "Tools", "experiments"))

from sensitivity import ranks, spearman, table  # noqa: E402


class Sensitivity(unittest.TestCase):
    def test_equal_values_share_the_mean_of_their_ranks(self):
        self.assertEqual(ranks([5, 1, 5, 7]), [1.5, 0, 1.5, 3])

    def test_correlation(self):
        self.assertAlmostEqual(spearman([1, 2, 3], [10, 20, 90]), 1)
        self.assertAlmostEqual(spearman([1, 2, 3], [3, 2, -5]), -1)
        # 1 - 6 (0 + 1 + 1 + 0) / (4 * 15)
        self.assertAlmostEqual(spearman([1, 2, 3, 4], [1, 3, 2, 4]), 0.8)
        self.assertTrue(math.isnan(spearman([1, 1], [1, 2])))

    def test_table_has_the_largest_divergence_first_and_a_row_for_each_part(self):
        rows = [
            {"name": name, "part": part, "damage": x, "weights": x, "divergence": {"meanKL": x}}
            for name, part, x in (("a", "vision", 1.0), ("b", "language", 3.0), ("c", "vision", 2.0))
        ]
        text = table(rows)
        self.assertLess(text.index("| b |"), text.index("| c |"))
        self.assertIn("| all | 3 | 1.00 | 1.00 |", text)
        self.assertIn("| vision | 2 | 1.00 | 1.00 |", text)


if __name__ == "__main__":
    unittest.main()
