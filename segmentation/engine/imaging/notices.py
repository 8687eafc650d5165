"""Notices: what was converted, reduced or ignored when a picture file was read."""

from dataclasses import dataclass
from typing import ClassVar

from segmentation.engine.exceptions import gettext_noop
from segmentation.engine.messages import Message

_SENTENCES = {
    "alpha_over_white": gettext_noop(
        "It has transparent pixels: they were blended with white, and fully transparent ones are left out."
    ),
    "alpha_as_mask": gettext_noop(
        "One of its bands is marked as transparency: pixels where it is 0 are left out, and it is not used otherwise. "
        "If it holds a measurement, such as infrared, have it read as data."
    ),
    "animation": gettext_noop("It is an animation; only its first frame was taken."),
    "area_planar": gettext_noop(
        "Its areas are measured in the plane of the map, which may distort them: "
        "its coordinate system is not known here, or does not cover all of it."
    ),
    "area_unknown": gettext_noop("Its areas are given in pixels: the unit of its coordinate system is not known."),
    "bands_ignored": gettext_noop(
        "It has %(bands)s bands: the first three are shown as red, green and blue; clusters are fitted to all."
    ),
    "bits_reduced": gettext_noop("It has more than 8 bits a value; they were reduced to 8, as on a common screen."),
    "channels_left_out": gettext_noop("It has %(channels)s further channels, which cannot be read here."),
    "cmyk_converted": gettext_noop("It is made for print (CMYK) and was converted to sRGB."),
    "control_points_ignored": gettext_noop(
        "It is placed on the map by control points, which are not used: rectify it to measure areas on the ground."
    ),
    "crs_user_defined": gettext_noop(
        "Its coordinate system is defined in the file and not one of the EPSG register: areas are measured in its plane."
    ),
    "depth_reduced": gettext_noop(
        "It is shown in 8 bits, its values (%(dtype)s) from %(low)s (black) to %(high)s (white); "
        "clusters are fitted to all their bits."
    ),
    "dicom_private": gettext_noop(
        "It is a DICOM picture: names of patients may be part of its pixels, and the original file still holds what is known of "
        "the patient. Nothing of it is stored elsewhere but the size of pixels, the kind of device and its maker."
    ),
    "extra_band_ignored": gettext_noop("It has two bands: the first is shown as grey; clusters are fitted to both."),
    "first_frame": gettext_noop("It is one of %(frames)s pictures in the file; only the first was taken."),
    "georeference_ignored": gettext_noop("Its place on the map cannot be read and was ignored."),
    "georeference_turned": gettext_noop(
        "It is stored turned, so that its place on the map is not clear and was ignored. Save it upright to use it."
    ),
    "selected_frame": gettext_noop("It is one of %(frames)s pictures in the file, as selected."),
    "grey": gettext_noop("It is grey: every pixel has one value."),
    "inverted": gettext_noop("In its file the smallest value is white: its values were inverted."),
    "no_data": gettext_noop("%(pixels)s of its pixels have no number (NaN or infinity) and are left out."),
    "no_data_value": gettext_noop(
        "%(pixels)s of its pixels have the value %(value)s, which stands for no data, and are left out."
    ),
    "masked_in_file": gettext_noop("The mask in the file leaves out %(pixels)s pixels."),
    "one_bit": gettext_noop("It has 1 bit a pixel: every pixel is either black or white."),
    "orientation_applied": gettext_noop("It was rotated as its camera recorded."),
    "other_extension": gettext_noop(
        "Its name ends in %(extension)s, but it is a %(format)s file, and was read as one."
    ),
    "table_for_display": gettext_noop(
        "Its colour table only displays one measured value: clusters are fitted to that value."
    ),
    "palette_applied": gettext_noop("It has a colour table, which was applied."),
    "profile_converted": gettext_noop("Its colours were converted from its profile (%(profile)s) to sRGB."),
    "profile_ignored": gettext_noop("Its colour profile cannot be read or does not fit, and was ignored."),
    "profile_shown": gettext_noop(
        "It is shown in sRGB, converted from its profile (%(profile)s); clusters are fitted to its values as stored."
    ),
    "space_converted": gettext_noop("Its colours were converted from %(space)s to sRGB."),
    "unknown": gettext_noop("A newer release has noted something about it (%(code)s)."),
}


@dataclass(frozen=True, slots=True)
class Notice(Message):
    """A message about how a picture file was read."""

    templates: ClassVar = _SENTENCES
