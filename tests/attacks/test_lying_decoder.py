"""A decoder that was taken over answers the site with something else than a picture."""

import json
import os
import pickle
import resource

import numpy as np
import pytest

from segmentation.engine import decoder
from segmentation.engine.decoder import client
from segmentation.engine.decoder.connection import Connection
from segmentation.engine.exceptions import ChildFailed
from segmentation.engine.imaging import Layout, Limits
from segmentation.engine.recipe import Selection

LIMITS = Limits(bytes=10_000, pixels=10_000, decoded_bytes=30_000)
HEADER = {"format": "PNG", "width": 4, "height": 4, "bands": 3, "dtype": "uint8", "frames": 1}

LAYOUT = Layout(selection=Selection(), axes="YXS", shape=(4, 4, 3)).to_mapping()
SIZE = {"width": 1.0, "height": 1.0, "unit": "um", "source": "ome"}
SYSTEM = {"epsg": 32633, "name": "", "kind": "projected", "unit_in_metres": 1.0}
PLACE = {"crs": SYSTEM, "transform": [1, 0, 0, 0, -1, 0]}


def honest(work):
    pixels = work.writer.put_array(np.zeros((4, 4, 3), np.uint8))
    description = {"header": HEADER, "notices": [], "metadata": {"schema": 1}}
    description |= {
        "layout": LAYOUT,
        "no_data": None,
        "pixel_size": None,
        "pixel_size_suggested": None,
        "georeference": None,
    }
    return {"pixels": pixels, "data": None, "data_are_booleans": False, "valid": None, **description}


def changed(**others):
    return lambda work: honest(work) | others


def array(**others):
    return lambda work: honest(work) | {"pixels": honest(work)["pixels"] | others}


def say(words):
    def speak(_work):
        answer = next(number for number in range(3, 1024) if _is_socket(number))
        os.write(answer, words)
        os._exit(0)

    return speak


def say_for_ever(_work):
    answer = next(number for number in range(3, 1024) if _is_socket(number))
    while True:
        os.write(answer, b"[" * 65536)


def raise_template(template, **values):
    def refuse(_work):
        from segmentation.engine.exceptions import Refusal  # noqa: PLC0415 - in the decoder process

        raise Refusal("corrupt", template, **values)

    return refuse


def _is_socket(number):
    try:
        os.lseek(number, 0, os.SEEK_CUR)
    except OSError as error:
        return error.errno == 29
    return False


class Evil:
    def __reduce__(self):
        return os.abort, ()


LIES = {
    "an array beyond its memory": array(shape=[4000, 4000, 3]),
    "an array before its memory": array(offset=-64),
    "a negative side": array(shape=[-4, -4, 3]),
    "sides that overflow": array(shape=[2**62, 2**62, 3]),
    "objects": array(type="object"),
    "sides that are no numbers": array(shape=["4", 4.0, True]),
    "more pixels than admitted": lambda work: (
        honest(work) | {"pixels": work.writer.put_array(np.zeros((200, 100, 3), np.uint8))}
    ),
    "another field": changed(sha256="0" * 64),
    "no field": lambda _work: {},
    "a huge number": changed(header=HEADER | {"width": 10**4000}),
    "an unknown format": changed(header=HEADER | {"format": "<script>"}),
    "an unknown type": changed(header=HEADER | {"dtype": "O"}),
    "long metadata": changed(metadata={"schema": 1, "make": "x" * 50_000}),
    "foreign metadata": changed(metadata={"schema": 1, "owner": "admin"}),
    "a pixel without width": changed(pixel_size=SIZE | {"width": 0}),
    "a pixel of negative width": changed(pixel_size_suggested=SIZE | {"width": -1.0}),
    "a pixel wider than any": changed(pixel_size=SIZE | {"width": 10**400}),
    "an unknown unit": changed(pixel_size=SIZE | {"unit": "<b>"}),
    "an unknown source": changed(pixel_size=SIZE | {"source": "x" * 50_000}),
    "another field of a size": changed(pixel_size=SIZE | {"owner": "admin"}),
    "a transform that is none": changed(georeference=PLACE | {"transform": [1, 0, 0, 0, 0, 0]}),
    "a transform of huge numbers": changed(georeference=PLACE | {"transform": [10**400, 0, 0, 0, 1, 0]}),
    "a long name of a system": changed(georeference=PLACE | {"crs": SYSTEM | {"name": "x" * 50_000}}),
    "a name of a system with controls": changed(georeference=PLACE | {"crs": SYSTEM | {"name": "\x1b[2J"}}),
    "a code of a system that is a text": changed(
        georeference=PLACE | {"crs": SYSTEM | {"epsg": "32633 +init=/etc/passwd"}}
    ),
    "no layout": changed(layout=None),
    "a layout of negative size": changed(layout=LAYOUT | {"shape": [-4, 4, 3]}),
    "no data of an unknown source": changed(no_data={"source": "x" * 50_000, "value": None, "pixels": 0}),
    "a pickle": say(pickle.dumps(Evil())),
    "deep nesting": say(b"[" * 60_000),
    "no number": say(b'{"result": NaN}'),
    "silence": say(b""),
    "no end": say_for_ever,
    "a width in a template": raise_template("%(a)999999999s", a="x"),
    "a conversion in a template": raise_template("%(a)d", a=1),
    "a long sentence": raise_template("x" * 30_000),
}


@pytest.fixture(scope="module")
def lying():
    connection = Connection(
        "from segmentation.engine.decoder.server import main; "
        "from tests.attacks.test_lying_decoder import LIES, honest; main({**LIES, 'honest': honest})"
    )
    yield connection
    connection.close()


@pytest.fixture
def ask(lying, monkeypatch):
    def decode(lie):
        monkeypatch.setattr(client, "_connection", lying)
        return client._ask(
            lie, b"a file", "", LIMITS, allowance=decoder.DEFAULT_ALLOWANCE, unpack=client.answers.unpack_picture
        )

    return decode


def test_what_is_honest_is_believed(ask):
    picture = ask("honest")
    assert picture.pixels.tolist() == np.zeros((4, 4, 3)).tolist()
    assert picture.data is picture.pixels


@pytest.mark.parametrize("lie", LIES)
def test_an_answer_that_is_no_picture(ask, lie):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ChildFailed) as failed:
        ask(lie)
    assert failed.value.code == "crashed"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB


def test_log_lines_cannot_be_forged(caplog):
    from segmentation.engine.decoder import connection  # noqa: PLC0415 - private to this test

    with pytest.raises(ChildFailed):
        connection._result(json.dumps({"bug": "x\n2026-01-01 admin signed in\r\x1b[2J"}).encode(), [0, 0.1])
    assert "\n  | 2026-01-01 admin signed in" in caplog.text
    assert "\x1b" not in caplog.text
