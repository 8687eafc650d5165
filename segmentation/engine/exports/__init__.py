"""Pictures of a result for download and display: one module for each format, all with the same function.

``export(components_png, legend, *, colours=None) -> bytes`` returns an image file made from the component map (the palette PNG
that holds the component of each pixel) and a legend. The files have no colour profile or gamma, so that browsers decode the
values unchanged.
"""
