"""Pictures of a result, one module a format, all with one signature.

``export(components_png, legend, *, colours=None) -> bytes`` makes a PNG file from the master map (the palette PNG that
holds the component of each pixel) and a legend. None of them carries colour management, so that a browser reads the
values as they are.
"""
