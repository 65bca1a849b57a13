"""Recipe of the embedded face detector: scenes, teachers, losses, training, card."""
