"""The evidence network: recipe, calibration and card.

1. ``python -m training.evidence train --packs DIR --out DIR`` trains (resumable);
2. ``... export --packs DIR --out DIR`` writes the weights, calibrates the intervals on ``cal``
   people and measures on ``val`` people, and writes card, table and contact sheet.
"""
