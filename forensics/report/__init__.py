"""Report: HTML and PDF, both views of the data in a bundle. Importing it loads nothing heavy."""
