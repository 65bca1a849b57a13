"""The two passes over a clip: follow the people, then redraw and measure their faces."""
