"""A mixture with mixed pixels: pixels on a border show a blend of the two components that meet there.

In microscopy they are called partial volume, in remote sensing mixed pixels. Without them in the model, a component grows or
shrinks by the width of its borders. Read the modules in this order: `lines`, `model`, `em`, `fitting`, `coverage`, `hints`.

The model follows Santago and Gage (1993), Choi, Haynor and Kim (1991) and Laidlaw, Fleischer and Barr (1998): pure components
are Gaussian, and the share of a component in a mixed pixel is uniform from 0 to 1. Shattuck et al. (2001) restrict mixed pixels
to pairs of components, as is done here.
"""
