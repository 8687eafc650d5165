"""The command line as people use it: a real process, without a database or an account."""

import fcntl
import io
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path

import jsonschema
import numpy as np
import PIL.Image
import pytest
import tifffile

from segmentation.engine import artefacts, pipeline
from segmentation.engine.artefacts import ARTEFACTS
from segmentation.engine.artefacts.document import run_document
from segmentation.engine.imaging import Limits, masks
from segmentation.engine.model import FittedModel
from segmentation.engine.recipe import Recipe
from tests.factories import bar_mask, encoded, ome_stack, pixels
from tests.processes import ROOT, children_of, eventually

OUTPUTS = {"labels.png", "segmented.png", "binary.png", "run.json"}
LIMITS = Limits(bytes=10**8, pixels=10**8, decoded_bytes=10**9)
NOWHERE = {"DATABASE_URL": "sqlite:////nowhere/db.sqlite3", "MEDIA_ROOT": "/nowhere"}


def command(*arguments):
    return [sys.executable, "manage.py", "segment", *map(str, arguments)]


def environment(**settings):
    return os.environ | NOWHERE | {name: str(value) for name, value in settings.items()}


def segment(*arguments, **settings):
    return subprocess.run(
        command(*arguments), cwd=ROOT, env=environment(**settings), capture_output=True, text=True, check=False,
        stdin=subprocess.DEVNULL, timeout=120,
    )  # fmt: skip


def written(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def output(tmp_path):
    return tmp_path / "results"


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "phantom.png"
    path.write_bytes(encoded(pixels()))
    return path


@pytest.fixture
def other(tmp_path):
    path = tmp_path / "other.bmp"
    path.write_bytes(encoded(pixels(seed=1), "BMP"))
    return path


def test_pictures_are_segmented_into_folders_of_their_names(picture, other, output):
    done = segment(picture, other, "--clusters", 3, "--output", output)
    assert (done.returncode, done.stderr) == (0, "")
    assert {path.name for path in output.iterdir()} == {"phantom", "other"}
    assert all(set(written(folder)) == OUTPUTS for folder in output.iterdir())
    first, second = done.stdout.splitlines()
    assert first.startswith(f"{picture}: 3 clusters, ")
    assert first.endswith(f" -> {output / 'phantom'}")
    assert second.startswith(f"{other}: 3 clusters, ")


def test_the_files_hold_what_the_pipeline_finds(picture, output):
    segment(picture, "--clusters", 4, "--output", output, "--seed", 11)
    limits = Limits(bytes=10**8, pixels=10**8, decoded_bytes=10**9)
    outcome = pipeline.run(picture.read_bytes(), name=picture.name, recipe=Recipe(n_clusters=4, seed=11), limits=limits)
    files = written(output / "phantom")
    assert files["labels.png"] == ARTEFACTS["labels"].make(pipeline.OutcomeSource(outcome))
    document = json.loads(files.pop("run.json"))
    expected = json.loads(json.dumps(run_document(pipeline.OutcomeSource(outcome, outputs=files))))
    assert document.pop("seconds").keys() == expected.pop("seconds").keys()
    assert document == expected


def test_the_document_follows_the_committed_schema(picture, output):
    segment(picture, "--clusters", 3, "--output", output)
    schema = json.loads(Path(artefacts.__file__).with_name("run.schema.json").read_text(encoding="utf-8"))
    document = json.loads((output / "phantom" / "run.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(document)
    assert set(document["outputs"]) == OUTPUTS - {"run.json"}


def test_binary_and_labels_agree_with_the_document(picture, output):
    segment(picture, "--clusters", 3, "--output", output)
    files = written(output / "phantom")
    clusters = json.loads(files["run.json"])["clusters"]
    labels, mask = (np.asarray(PIL.Image.open(io.BytesIO(files[name]))) for name in ("labels.png", "binary.png"))
    foreground = [cluster["index"] for cluster in clusters if cluster["foreground"]]
    np.testing.assert_array_equal(mask, np.isin(labels, foreground) * 255)
    assert [cluster["pixels"] for cluster in clusters] == np.bincount(labels.ravel()).tolist()


def test_a_second_run_gives_the_same_bytes_and_replaces_the_first(picture, output):
    segment(picture, "--clusters", 3, "--output", output)
    before = written(output / "phantom")
    segment(picture, "--clusters", 3, "--output", output)
    after = written(output / "phantom")
    one, two = json.loads(before.pop("run.json")), json.loads(after.pop("run.json"))
    assert before == after
    assert one.pop("seconds") != two.pop("seconds")
    assert one == two
    segment(picture, "--clusters", 2, "--output", output)
    assert len(json.loads(written(output / "phantom")["run.json"])["clusters"]) == 2
    assert [path.name for path in output.iterdir()] == ["phantom"]


def test_what_was_converted_is_said(tmp_path, output):
    rgba = np.dstack([pixels(), np.full((36, 48), 255, dtype=np.uint8)])
    rgba[:10, :10, 3] = 0
    (tmp_path / "clear.png").write_bytes(encoded(rgba))
    done = segment(tmp_path / "clear.png", "--clusters", 3, "--output", output)
    sentences = [notice["sentence"] for notice in json.loads(written(output / "clear")["run.json"])["notices"]]
    assert sentences
    assert [line.strip() for line in done.stdout.splitlines()[1:]] == sentences


def test_a_stack_of_deep_bands_is_segmented_in_its_own_depth(tmp_path, output):
    halves = np.repeat([0, 1], 24)[None].repeat(36, axis=0)
    stack = np.random.default_rng(0).normal(3000, 30, (36, 48, 6))
    stack[..., 4] += 300 * halves  # only the fifth band tells them apart, by little more than a level of 8 bits
    tifffile.imwrite(tmp_path / "stack.tif", stack.astype(np.uint16), photometric="minisblack", planarconfig="contig")
    done = segment(tmp_path / "stack.tif", "--clusters", 2, "--output", output)
    assert (done.returncode, done.stderr) == (0, "")
    files = written(output / "stack")
    np.testing.assert_array_equal(np.asarray(PIL.Image.open(io.BytesIO(files["labels.png"]))), halves)
    features = json.loads(files["run.json"])["features"]
    assert features["names"] == [f"band {number}" for number in range(1, 7)]
    lowest = np.quantile(stack.astype(np.uint16), 0.001, method="nearest")
    assert features["offset"] == [pytest.approx(lowest, abs=1)] * 6
    assert "clusters are fitted to all." in done.stdout


def test_a_colour_space_that_a_picture_does_not_have_is_refused_with_advice(tmp_path, output):
    (tmp_path / "grey.png").write_bytes(encoded(pixels()[..., 0]))
    done = segment(tmp_path / "grey.png", "--clusters", 2, "--features", "lab", "--output", output)
    assert done.returncode == 1
    assert "The picture is grey, so it has no CIE L*a*b* colours: choose the colour space RGB or grey." in done.stderr


def test_regions_need_no_number(picture, output):
    done = segment(picture, "--preset", "regions", "--output", output)
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(written(output / "phantom")["run.json"])
    assert document["recipe"]["preset"] == "regions"
    labels = np.asarray(PIL.Image.open(io.BytesIO(written(output / "phantom")["labels.png"])))
    assert len(document["clusters"]) == labels.max() + 1 >= 3
    assert done.stdout.startswith(f"{picture}: {len(document['clusters'])} regions, ")


def test_the_details_of_a_fit_can_be_said(picture, output):
    details = [
        "--features", "lab", "--texture", "--position", "--smoothness", "0.5", "--smallest-region", "0.01", "--covariance",
        "spherical", "--restarts", 1, "--tolerance", "1e-3", "--max-iterations", 4, "--exact",
    ]  # fmt: skip
    segment(picture, "--clusters", 3, *details, "--output", output)
    document = json.loads(written(output / "phantom")["run.json"])
    assert document["recipe"] == {
        "schema": 1, "preset": "colours", "n_clusters": 3, "features": "lab", "texture": 1, "position": True,
        "covariance": "spherical", "smoothness": 0.5, "smallest_region": 0.01, "seed": 0, "restarts": 1, "tolerance": 0.001,
        "max_iterations": 4, "exact": True,
    }  # fmt: skip
    for covariance in document["mixture"]["covariances"]:
        np.testing.assert_allclose(covariance, covariance[0][0] * np.eye(6), rtol=0.01)  # floors differ a little


def test_the_number_of_clusters_can_be_left_to_the_program(tmp_path, output):
    (tmp_path / "three.png").write_bytes(encoded(pixels(240, 180)))
    segment(tmp_path / "three.png", "--clusters", "auto", "--output", output)
    document = json.loads(written(output / "three")["run.json"])
    assert document["recipe"]["n_clusters"] == "auto"
    assert len(document["clusters"]) == 3


def test_colours_need_a_number(picture, output):
    done = segment(picture, "--output", output)
    assert (done.returncode, done.stderr) == (1, "CommandError: Say how many clusters: --clusters K.\n")


def masked(tmp_path, mask):
    path = tmp_path / "mask.png"
    path.write_bytes(encoded(mask))
    return path


def test_a_mask_leaves_pixels_out_of_every_picture(picture, other, tmp_path, output):
    done = segment(picture, other, "--clusters", 2, "--mask", masked(tmp_path, bar_mask()), "--output", output)
    assert (done.returncode, done.stderr) == (0, "")
    for name in ("phantom", "other"):
        labels = np.asarray(PIL.Image.open(io.BytesIO(written(output / name)["labels.png"])))
        np.testing.assert_array_equal(labels == 255, bar_mask() == 255)
        document = json.loads(written(output / name)["run.json"])
        assert document["inputs"]["mask"] == masks.master(encoded(bar_mask()), name="", limits=LIMITS).sha256
        assert document["map"]["left_out_pixels"] == 216


@pytest.mark.parametrize(
    ("mask", "says"),
    [
        (255 - bar_mask(), "The mask leaves out 87.5\u202f% of the picture: what is not black in it is left out."),
        (0 * bar_mask(), "The mask leaves out nothing: all of it is black, and what is black in a mask is kept."),
    ],
)
def test_an_unusual_mask_is_used_with_a_warning(picture, tmp_path, output, mask, says):
    path = masked(tmp_path, mask)
    done = segment(picture, "--clusters", 2, "--mask", path, "--output", output)
    assert (done.returncode, done.stderr) == (0, f"{path}: {says}\n")
    assert json.loads(written(output / "phantom")["run.json"])["map"]["left_out_pixels"] == np.count_nonzero(mask)


def of_stack(tmp_path, output, *options):
    """Segment a stack of two depths and two channels in another way; returns its document and the process."""
    (tmp_path / "cells.tif").write_bytes(ome_stack())
    done = segment(tmp_path / "cells.tif", "--clusters", 2, *options, "--output", output)
    return json.loads(written(output / "cells")["run.json"]) if done.returncode == 0 else None, done


def test_page_channels_no_data_and_pixel_size_are_given_from_one(tmp_path, output):
    document, done = of_stack(
        tmp_path,
        output,
        "--page",
        2,
        "--channels",
        "2",
        "--no-data",
        "7",
        "--pixel-size",
        "0.5um",
        "--export",
        "document",
    )
    assert (done.returncode, done.stderr) == (0, "")
    found = document["input"]
    assert found["selection"] == {"series": 0, "z": 1, "t": 0, "channels": [1]}
    assert (found["channel_names"], found["axes"]) == (["GFP"], "ZCYX")
    assert found["no_data"] == {"source": "person", "value": 7, "pixels": 240}
    assert found["pixel_size"] == {"width": 0.5, "height": 0.5, "unit": "um", "source": "person"}
    assert document["area"] == {"unit": "um2", "method": "pixel_size"}
    assert sum(cluster["area"] for cluster in document["clusters"]) == 0.25 * (40 * 60 - 240)
    assert document["inputs"]["reading"]["selection"]["channels"] == [1]


def test_maps_are_made_of_the_plane_that_was_segmented(tmp_path, output):
    done = of_stack(
        tmp_path, output, "--page", 2, "--channels", "2", "--export", "uncertainty", "--export", "document"
    )[1]
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--page", 3], "The file has 2 pages: choose from 1 to 2."),
        (["--channels", "3"], "The picture has 2 channels: choose from 1 to 2."),
        (["--page", 0], "--page takes whole numbers from 1."),
        (["--channels", "1,x"], "--channels takes whole numbers from 1."),
        (["--no-data", "none"], "--no-data must be a number."),
        (["--no-data", "nan"], "The value of no data must be a number."),
        (["--pixel-size", "5"], "--pixel-size must be a number with a unit of length, for example 0.25um or 10m."),
    ],
)
def test_a_reading_that_makes_no_sense_is_refused(tmp_path, output, options, says):
    done = of_stack(tmp_path, output, *options)[1]
    assert done.returncode == 1
    assert says in done.stderr


def test_a_document_of_an_earlier_schema_is_gone_on_from(picture, tmp_path, output):
    segment(picture, "--clusters", 3, "--output", output)
    document = json.loads(written(output / "phantom")["run.json"])
    assert document["schema"] == 2
    for name in ("area", "hints"):
        del document[name]
    document["schema"] = 1
    (tmp_path / "run.json").write_text(json.dumps(document))
    done = segment(picture, "--begin", tmp_path / "run.json", "--output", output)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(written(output / "phantom")["run.json"])["inputs"]["mixture"]["weights"]


def test_a_mask_of_another_size_fails_the_picture(picture, tmp_path, output):
    done = segment(picture, "--clusters", 2, "--mask", masked(tmp_path, bar_mask(50, 36)), "--output", output)
    assert done.returncode == 1
    assert done.stderr.startswith(f"{picture}: The mask has 50 × 36 pixels, the picture 48 × 36")


def test_a_fit_goes_on_from_a_document_or_a_mixture(picture, tmp_path, output):
    segment(picture, "--clusters", 3, "--features", "lab", "--output", output)
    first = json.loads(written(output / "phantom")["run.json"])
    (tmp_path / "mixture.json").write_text(json.dumps(first["mixture"]))
    (tmp_path / "run.json").write_text(json.dumps(first))
    for name in ("run.json", "mixture.json"):
        done = segment(picture, "--features", "lab", "--begin", tmp_path / name, "--output", output)
        assert (done.returncode, done.stderr) == (0, "")
        again = json.loads(written(output / "phantom")["run.json"])
        assert again["inputs"] == {"schema": 2, "mixture": first["mixture"], "mask": None}
        assert again["recipe"] == first["recipe"]
        assert again["iterations"] <= 12
        shares, before = ([cluster["share"] for cluster in document["clusters"]] for document in (again, first))
        assert shares == pytest.approx(before, abs=0.01)


MIXTURE = {
    "schema": 1, "weights": [0.5, 0.5], "means": [[0, 0, 0], [9, 9, 9]],
    "covariances": [[[1, 0, 0], [0, 1, 0], [0, 0, 1]]] * 2, "covariance_type": "full",
}  # fmt: skip
DOCUMENT = {
    "schema": 1, "recipe": {"n_clusters": 2}, "mixture": MIXTURE,
    "features": {"names": ["red", "green", "blue"], "offset": [0] * 3, "scale": [1] * 3, "step": [1] * 3, "dtype": "uint8"},
    "clusters": [{"name": "a", "colour": "#000000", "foreground": False, "components": [k]} for k in range(2)],
}  # fmt: skip


@pytest.mark.parametrize(
    ("content", "options", "reason"),
    [
        ("{", [], "It is not JSON."),
        ("\xff", [], "It is not JSON."),
        ("[1]", [], "It is neither a run.json nor a mixture."),
        ("{}", [], "The starting mixture must have schema, weights, means, covariances and covariance_type."),
        (MIXTURE, ["--clusters", "3"], "The starting mixture has 2 clusters, not 3: ask for 2, or for auto."),
        (
            MIXTURE,
            ["--preset", "regions"],
            "The preset Regions takes no starting mixture: choose Colours, or remove the starting mixture.",
        ),
        (
            {"recipe": {"features": "lab"}, "mixture": MIXTURE},
            [],
            "This is not a fitted model: choose the run.json of a finished run of the preset Colours or Areas.",
        ),
        (
            DOCUMENT | {"recipe": {"preset": "regions"}},
            [],
            "Regions belong to one picture: only a run of the preset Colours or Areas leaves a model.",
        ),
        (
            DOCUMENT,
            ["--texture"],
            "Its run looked at pixels in another way: give its --features, --texture and --position, or the mixture alone.",
        ),
    ],
)
def test_a_start_that_does_not_suit_is_refused_by_its_name(picture, output, content, options, reason):
    path = picture.with_name("begin.json")
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_bytes(text.encode("latin-1"))
    done = segment(picture, "--begin", path, *options, "--output", output)
    assert (done.returncode, done.stderr) == (1, f"CommandError: {path}: {reason}\n")
    assert not output.exists()


def test_a_model_gives_the_labels_of_its_run_and_other_pictures_the_same_clusters(picture, other, output):
    options = ["--features", "lab", "--smoothness", "0.5"]
    segment(picture, "--clusters", 3, *options, "--output", output / "fitted")
    done = segment(
        picture, other, "--model", output / "fitted" / "phantom" / "run.json", "--output", output / "applied"
    )
    assert (done.returncode, done.stderr) == (0, "")
    fitted, again, another = (written(output / name) for name in ("fitted/phantom", "applied/phantom", "applied/other"))
    assert {name: again[name] for name in OUTPUTS - {"run.json"}} == {
        name: fitted[name] for name in OUTPUTS - {"run.json"}
    }
    model, document = (json.loads(files["run.json"]) for files in (fitted, another))
    for name in ("recipe", "mixture", "features"):
        assert document[name] == model[name]
    assert [cluster["colour"] for cluster in document["clusters"]] == [
        cluster["colour"] for cluster in model["clusters"]
    ]
    assert document["input"]["name"] == "other.bmp"
    assert model["applied_model"] is None
    assert document["applied_model"] == FittedModel.from_mapping(model).sha256


@pytest.mark.parametrize(
    ("content", "options", "reason"),
    [
        ("{", [], "model.json: It is not JSON."),
        ("\x89PNG", [], "model.json: It is not JSON."),
        ("[" * 10_000, [], "model.json: It is not JSON."),
        (
            [1],
            [],
            "model.json: This is not a fitted model: choose the run.json of a finished run of the preset Colours or Areas.",
        ),
        (
            MIXTURE,
            [],
            "model.json: This is not a fitted model: choose the run.json of a finished run of the preset Colours or Areas.",
        ),
        (
            DOCUMENT | {"recipe": {"preset": "regions"}},
            [],
            "model.json: Regions belong to one picture: only a run of the preset Colours or Areas leaves a model.",
        ),
        (DOCUMENT | {"schema": 3}, [], "model.json: This model was written by another release of the program."),
        (
            DOCUMENT | {"recipe": {"features": "lab"}},
            [],
            "model.json: The features, mixture and legend of this model do not match.",
        ),
        (
            DOCUMENT,
            ["--features", "lab", "--clusters", "3", "--position", "--begin", "run.json"],
            "--model brings the settings of its run: leave out --clusters, --features, --position, --begin.",
        ),
    ],
)
def test_a_model_that_does_not_suit_is_refused_before_work_starts(picture, output, content, options, reason):
    path = picture.with_name("model.json")
    path.write_bytes((content if isinstance(content, str) else json.dumps(content)).encode("latin-1"))
    done = segment(picture, "--model", path, *options, "--output", output)
    assert (done.returncode, done.stderr.replace(f"{path}", "model.json")) == (1, f"CommandError: {reason}\n")
    assert not output.exists()


def test_pictures_of_other_bands_or_depth_than_the_model_fail_by_themselves(picture, tmp_path, output):
    (tmp_path / "model.json").write_text(json.dumps(DOCUMENT))
    (tmp_path / "grey.png").write_bytes(encoded(pixels()[..., 0]))
    tifffile.imwrite(tmp_path / "deep.tif", pixels().astype(np.uint16) * 100, photometric="rgb")
    grey, deep = tmp_path / "grey.png", tmp_path / "deep.tif"
    done = segment(grey, deep, picture, "--model", tmp_path / "model.json", "--output", output)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"{grey}: The model needs a picture with 3 bands, but this one has 1: choose another picture.",
        f"{deep}: The model is of values of the type uint8, but this picture has uint16: choose a picture of the same depth.",
        "CommandError: 2 of 3 pictures failed.",
    ]
    assert [path.name for path in output.iterdir()] == ["phantom"]


def test_inputs_that_are_not_there_or_no_pictures_are_named_before_work_starts(picture, tmp_path, output):
    missing, notes = tmp_path / "missing", tmp_path / "notes.png"
    notes.write_text("not a picture")
    for options in (["--begin", missing], ["--model", missing], ["--clusters", "3", "--mask", missing]):
        done = segment(picture, *options, "--output", output)
        assert (done.returncode, done.stderr) == (1, f"CommandError: {missing}: No such file or directory.\n")
    done = segment(picture, "--clusters", "3", "--mask", notes, "--output", output)
    assert done.stderr.startswith(f"CommandError: {notes}: It is not a picture in a known format.")
    assert not output.exists()


def test_pictures_that_fail_are_named_and_the_others_are_done(picture, other, tmp_path, output):
    (tmp_path / "broken.png").write_bytes(picture.read_bytes()[:200])
    (tmp_path / "notes.png").write_text("not a picture")
    missing, broken, notes = (tmp_path / name for name in ("missing.png", "broken.png", "notes.png"))
    done = segment(missing, picture, broken, notes, tmp_path, other, "--clusters", 3, "--output", output)
    assert done.returncode == 1
    assert {path.name for path in output.iterdir()} == {"phantom", "other"}
    lines = done.stderr.splitlines()
    assert lines[0] == f"{missing}: No such file or directory."
    assert [line.split(": ")[0] for line in lines[1:4]] == [str(broken), str(notes), str(tmp_path)]
    assert lines[-1] == "CommandError: 4 of 6 pictures failed."
    assert "Traceback" not in done.stderr


def test_a_picture_that_takes_too_much_memory_fails_alone(picture, tmp_path, output):
    large = tmp_path / "large.png"
    PIL.Image.new("RGB", (7000, 7000), (10, 200, 30)).save(large)
    done = segment(large, picture, "--clusters", 3, "--output", output, GMM_RUN_MEMORY=120_000_000)
    assert done.returncode == 1
    assert [path.name for path in output.iterdir()] == ["phantom"]
    assert done.stderr.startswith(f"{large}: It needs more memory than this site allows.")


def test_the_limits_of_the_site_hold(picture, output):
    done = segment(picture, "--clusters", 3, "--output", output, GMM_MAX_PIXELS=1000)
    assert done.returncode == 1
    assert done.stderr.startswith(f"{picture}: ")
    done = segment(picture, "--clusters", 3, "--output", output, GMM_MAX_UPLOAD_BYTES=1000)
    assert done.returncode == 1
    assert not list(output.iterdir())


def test_two_pictures_of_one_name_are_refused_before_work_starts(picture, other, tmp_path, output):
    namesake = tmp_path / "elsewhere" / "phantom.jpg"
    done = segment(other, picture, namesake, "--clusters", 3, "--output", output)
    assert done.returncode == 1
    assert str(picture) in done.stderr
    assert str(namesake) in done.stderr
    assert str(other) not in done.stderr
    assert not output.exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--clusters", "33"], "The number of clusters must be between 2 and 32."),
        (["--clusters", "1"], "The number of clusters must be between 2 and 32."),
        (["--clusters", "three"], "The number of clusters must be a whole number."),
        (["--clusters", "3", "--seed", "4294967296"], "The seed must be between 0 and 4294967295."),
    ],
)
def test_a_recipe_out_of_range_is_refused_in_the_words_of_the_site(picture, output, arguments, sentence):
    done = segment(picture, *arguments, "--output", output)
    assert (done.returncode, done.stderr) == (1, f"CommandError: {sentence}\n")
    assert not output.exists()


def test_a_folder_that_holds_something_else_is_left_alone(picture, output):
    (output / "phantom").mkdir(parents=True)
    (output / "phantom" / "thesis.odt").write_text("years of work")
    done = segment(picture, "--clusters", 3, "--output", output)
    assert done.returncode == 1
    assert "holds something else than results" in done.stderr
    assert set(written(output / "phantom")) == {"thesis.odt"}


def test_an_output_that_is_a_file_is_refused(picture):
    done = segment(picture, "--clusters", 3, "--output", picture)
    assert (done.returncode, done.stderr) == (1, f"CommandError: {picture}: File exists.\n")


def test_a_terminal_shows_a_bar(picture, output):
    terminal, other_end = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    done = subprocess.run(
        command(picture, "--clusters", 3, "--output", output), cwd=ROOT, env=environment(), stderr=other_end,
        stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, check=True, timeout=120,
    )  # fmt: skip
    shown = os.read(terminal, 100_000).decode()
    os.close(other_end)
    os.close(terminal)
    assert "phantom.png" in shown
    assert "%|" in shown
    assert done.stdout.startswith(f"{picture}: 3 clusters")


def test_an_interrupted_run_leaves_only_whole_results(picture, tmp_path, output):
    large = tmp_path / "large.bmp"
    noise = np.random.default_rng(0).integers(0, 256, (3000, 4000, 3), dtype=np.uint8)
    PIL.Image.fromarray(noise).save(large)
    with subprocess.Popen(
        command(picture, large, "--clusters", 32, "--output", output), cwd=ROOT, env=environment(),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - a shell ignores it for the background
    ) as process:  # fmt: skip
        assert process.stdout.readline().startswith(str(picture))
        (child,) = eventually(lambda: children_of(process.pid))
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr) == (130, "CommandError: Stopped. Results that were announced are complete.\n")
    assert not Path(f"/proc/{child}").exists()
    assert [path.name for path in output.iterdir()] == ["phantom"]
    assert set(written(output / "phantom")) == OUTPUTS
