"""Recipe of the embedded perceptual network: backbone by itself, heads by ordered degradations.

``python -m training.perceptual --packs DIR --out DIR`` trains lpips' alex layout from scratch:
first the backbone (two views of one person or picture against all others, and where in the face a
patch lies), then the heads on degradations whose order is known.  Its distance is
``lpips_embedded_crop``; it is not LPIPS.
"""
