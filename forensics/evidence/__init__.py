"""Evidence: writes the bundle, hashes and chains what happened, and checks it again.

Nothing here decodes media or runs a network: importing it loads none of torch, cv2, av and
weasyprint, so a bundle can be checked where none of them is installed.
"""
