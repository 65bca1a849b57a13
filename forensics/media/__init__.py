"""Media stage: opens footage safely and hands on exact frames, times and streams.

Modules: `quick` (is this footage at all? loads nothing), `probe` (what is it, exactly?),
`reader` (frames, streaming), `writer` (the restored clip), `framehash` (digests of decoded frames).
"""
