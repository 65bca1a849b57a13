"""Reference: the official `gfpgan` and `realesrgan` code as it runs itself, with its errors heard.

The only room that may import gfpgan, realesrgan and basicsr (extra ``reference``, Python < 3.13).
The normal engine never uses it; it is there to be compared with.
"""
