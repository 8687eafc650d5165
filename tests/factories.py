"""Factories of people, pictures, images and runs, which use the services of the application."""

import io

import numpy as np
import PIL.Image
import tifffile
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile

from segmentation.models import User

PASSWORD = "plum-orbit-lantern"


def make_user(name="owner", **fields):
    return User.objects.create_user(name, password=PASSWORD, **fields)


def make_staff(name="staff"):
    """Make a member of staff who may do everything with the application's rows."""
    staff = make_user(name, is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(content_type__app_label="segmentation"))
    return staff


def pixels(width=48, height=36, *, seed=0):
    """A dark disc and a bright bar on a grey ground, with noise: three clusters, two of them inside."""
    noise = np.random.default_rng(seed).normal(0, 6, (height, width, 3))
    rows, columns = np.mgrid[:height, :width] / np.array([height, width])[:, None, None]
    picture = np.full((height, width, 3), (120.0, 125.0, 130.0))
    picture[(rows - 0.5) ** 2 + (columns - 0.3) ** 2 < 0.04] = (90, 30, 45)
    picture[(abs(rows - 0.5) < 0.3) & (abs(columns - 0.75) < 0.1)] = (235, 220, 150)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def translucent():
    """The phantom with an alpha channel; its upper left corner is fully transparent."""
    alpha = np.full((36, 48, 1), 255, np.uint8)
    alpha[:4, :6] = 0
    return np.dstack([pixels(), alpha])


def shades():
    """Greys that pass into each other, whose clusters overlap everywhere; a fit takes many steps."""
    grey = np.random.default_rng(5).normal(np.linspace(60, 200, 48), 12, (36, 48))
    return np.clip(grey, 0, 255).astype(np.uint8)


def ome_stack():
    """A file of OME with two depths and two channels, pixels of 0.25 by 0.5 micrometres, and a quarter of wide pixels."""
    values = np.full((2, 2, 40, 60), 100, np.uint16)
    values[:, :, :, 45:] = 900
    values += np.random.default_rng(0).integers(0, 20, values.shape).astype(np.uint16)
    values[:, :, :4] = 7
    file, sizes = io.BytesIO(), {"PhysicalSizeX": 0.25, "PhysicalSizeY": 0.5, "PhysicalSizeXUnit": "µm"}
    metadata = {"axes": "ZCYX", "Channel": {"Name": ["DAPI", "GFP"]}, **sizes, "PhysicalSizeYUnit": "µm"}
    tifffile.imwrite(file, values, ome=True, photometric="minisblack", metadata=metadata)
    return file.getvalue()


def encoded(array, image_format="PNG"):
    buffer = io.BytesIO()
    PIL.Image.fromarray(array).save(buffer, image_format)
    return buffer.getvalue()


def named(data, name):
    """A file as a form sends it."""
    file = io.BytesIO(data)
    file.name = name
    return file


def make_image(owner, data=None, name="phantom.png"):
    """Upload a picture for real: inspected in the sandbox, stored, in the database."""
    from segmentation import services  # noqa: PLC0415 - tests of lower layers use the factories for people only

    data = encoded(pixels()) if data is None else data
    return services.upload_image(owner=owner, file=SimpleUploadedFile("upload", data), name=name)


def make_run(image, n_clusters=3, seed=0, **more):
    """Queue a run."""
    from segmentation import services  # noqa: PLC0415 - as above
    from segmentation.engine.recipe import Recipe  # noqa: PLC0415 - as above

    return services.create_run(image=image, recipe=Recipe(n_clusters=n_clusters, seed=seed), **more)


def make_archive(owner):
    """Ask for the archive of a person's data; returns its job."""
    from segmentation import services  # noqa: PLC0415 - as above
    from segmentation.models import Job  # noqa: PLC0415 - as above

    services.create_archive(owner=owner)
    return Job.objects.get(owner=owner, kind="archive")


def bar_mask(width=48, height=36):
    """Of a picture of `pixels`: white on the bright bar, black elsewhere; an eighth of it, and an array of 0 and 255."""
    mask = np.zeros((height, width), dtype=np.uint8)
    mask[: height // 2, width * 5 // 8 : width * 7 // 8] = 255
    return mask


def make_mask(image, mask=None):
    """Upload a mask for real; returns the hash that names it."""
    from segmentation import services  # noqa: PLC0415 - as above

    data = encoded(bar_mask() if mask is None else mask)
    return services.upload_mask(image=image, file=SimpleUploadedFile("upload", data), name="mask.png").sha256
