"""Recipe of the two face embeddings, one network, two ways of learning.

``python -m training.appearance --mode appearance`` distils MobileFace (used for tracking only);
``--mode identity`` learns from the train people alone, without MobileFace, because that network
judges the result and stands behind ``identity_drift``.
"""
