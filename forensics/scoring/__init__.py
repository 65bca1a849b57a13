"""Scoring: which parts of a restored face the footage supports, contradicts, or cannot decide.

`scorer.Scorer` measures faces, `flags` and `risk` read the numbers by stated rules, `cards` says
what each number means and how it can mislead.  Nothing here says who somebody is, and no measure
looks at a "true" face: there is none in a real case.
"""
