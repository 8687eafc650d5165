"""DICOM files, written by pydicom."""

from io import BytesIO

import imagecodecs
import numpy as np
import pydicom
from pydicom import uid
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate

JPEG_XL = "1.2.840.10008.1.2.4.110"
_KNOWN = uid.JPEG2000Lossless.encode()
PATIENT = "Doe^Jane"


def dicom(values, syntax=uid.ExplicitVRLittleEndian, frames=None, content=None, **elements):
    """A file of values (H, W) or (H, W, 3); `content` is what stands for the pixels, if that is something else."""
    values = np.asarray(values)
    dataset = pydicom.Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = uid.JPEG2000Lossless if syntax == JPEG_XL else syntax
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = uid.SecondaryCaptureImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = "1.2.3"
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = PATIENT, "4711", "19700101"
    dataset.Rows, dataset.Columns = values.shape[-2:] if values.ndim == 2 or frames else values.shape[:2]
    dataset.SamplesPerPixel = 3 if values.ndim == 3 and not frames else 1
    dataset.PhotometricInterpretation = "RGB" if dataset.SamplesPerPixel == 3 else "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = values.dtype.itemsize * 8
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(values.dtype.kind == "i")
    if dataset.SamplesPerPixel == 3:
        dataset.PlanarConfiguration = 0
    if frames:
        dataset.NumberOfFrames = frames
    for name, value in elements.items():
        setattr(dataset, name, value)
    raw = values.tobytes() if content is None else content
    is_encapsulated = syntax not in {uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian, uid.ExplicitVRBigEndian}
    dataset.PixelData = encapsulate([raw]) if is_encapsulated else raw + bytes(len(raw) % 2)
    dataset["PixelData"].VR = "OB" if dataset.BitsAllocated == 8 or is_encapsulated else "OW"
    file = BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    if syntax == JPEG_XL:  # which pydicom does not write
        known, other = (b"UI" + len(name).to_bytes(2, "little") + name for name in (_KNOWN, JPEG_XL.encode() + b"\0"))
        return file.getvalue().replace(known, other, 1)
    return file.getvalue()


def jpeg_2000(values, **elements):
    encoded = imagecodecs.jpeg2k_encode(values, level=0, reversible=True, codecformat="j2k")
    return dicom(values, uid.JPEG2000Lossless, content=encoded, **elements)


def rle(values, **elements):
    dataset = pydicom.dcmread(BytesIO(dicom(values, **elements)))
    dataset.compress(uid.RLELossless, generate_instance_uid=False)
    file = BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()
