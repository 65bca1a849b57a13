"""Calibration: what a restorer gets wrong, learnt from true faces and tested on other people.

Stands above scoring, restore, faces and engines, because it films true faces, restores them with a
run's own engines and measures them with a run's own scorer.  An audit never imports it: it reads
the record by `forensics.scoring.probability`.
"""
