"""Properties of every artefact in the registry."""

import io
import pickle
import re
import zipfile

import numpy as np
import PIL.Image
import pytest

from segmentation.engine import pipeline
from segmentation.engine.artefacts import ARTEFACTS, Dependency, masks, result_name
from segmentation.engine.artefacts.cluster_mask import ClusterMask
from segmentation.engine.artefacts.masks import Masks
from segmentation.engine.imaging import decode
from segmentation.engine.recipe import Recipe
from tests.engine.pipeline.conftest import LIMITS, encoded


@pytest.fixture
def source(outcome, pixels):
    return pipeline.OutcomeSource(outcome, decode=lambda: decode(encoded(pixels), name="phantom.png", limits=LIMITS))


def files_of(artefact, source):
    return {part: artefact.make(source, part=part) for part in artefact.parts(source) or (None,)}


@pytest.mark.parametrize("artefact", ARTEFACTS.values(), ids=lambda artefact: artefact.name)
def test_every_artefact_has_all_attributes(artefact):
    assert artefact.title
    assert artefact.depends_on <= frozenset(Dependency)
    assert artefact.depends_on
    assert "/" in artefact.content_type
    assert re.search(artefact.file_pattern, artefact.file_name(7 if artefact.parts_folder else None))
    for other in ("notes.txt", f"my {artefact.file_name()}", artefact.file_name(0)):
        assert not re.search(artefact.file_pattern, other)


def test_names_of_files_are_all_different():
    names = [artefact.file_name(1 if artefact.parts_folder else None) for artefact in ARTEFACTS.values()]
    assert len(set(names)) == len(names) == len(ARTEFACTS)


@pytest.mark.parametrize("artefact", ARTEFACTS.values(), ids=lambda artefact: artefact.name)
def test_equal_sources_give_equal_bytes_of_the_stated_kind(artefact, source, run, pixels):
    if artefact.name == "evidence":
        source = pipeline.OutcomeSource(run(pixels, recipe=Recipe(n_clusters=None)))
    assert artefact.available(source)
    files = files_of(artefact, source)
    assert files == files_of(artefact, source)
    for data in files.values():
        kind = artefact.content_type_of(source)
        if kind.startswith("image/"):
            with PIL.Image.open(io.BytesIO(data)) as picture:
                assert PIL.Image.MIME[picture.format] == kind
        for palette in artefact.palettes:
            assert artefact.recoloured(data, source, palette) != data


@pytest.mark.parametrize("artefact", ARTEFACTS.values(), ids=lambda artefact: artefact.name)
def test_a_child_process_gets_all_that_an_artefact_depends_on_and_no_more(artefact, source, run, pixels, tmp_path):
    """Parts that are not declared are left out, so that an artefact fails if it reads more than it declares."""
    if artefact.name == "evidence":
        source = pipeline.OutcomeSource(run(pixels, recipe=Recipe(n_clusters=None)))
    tiles = None
    if Dependency.ORIGINAL in artefact.depends_on:
        tiles = tmp_path / "tiles"
        with tiles.open("wb") as file:
            pipeline.pixel_tiles.write_picture(decode(encoded(pixels), name="phantom.png", limits=LIMITS), file)
    fit = source.fit if Dependency.FIT in artefact.depends_on else {}
    spooled = pickle.loads(pickle.dumps(pipeline.SpooledSource.of(source, fit=fit, tiles=tiles)))  # noqa: S301 - ours
    for name in {"mixture", "components_png", "components"} - _parts_of(artefact):
        setattr(spooled, name, None)
    for part, expected in files_of(artefact, source).items():
        pipeline.write_artefact(artefact.name, spooled, part, tmp_path / "made")
        assert (tmp_path / "made").read_bytes() == expected


def _parts_of(artefact):
    parts = {
        Dependency.MIXTURE: "mixture",
        Dependency.COMPONENTS: "components_png",
        Dependency.MEASUREMENTS: "components",
    }
    return {parts.get(dependency) for dependency in artefact.depends_on}


def test_regions_have_no_maps_of_single_pixels(run, pixels):
    source = pipeline.OutcomeSource(run(pixels, recipe=Recipe.from_mapping({"preset": "regions", "n_clusters": 3})))
    missing = {name for name, artefact in ARTEFACTS.items() if not artefact.available(source)}
    assert missing == {"uncertainty", "novelty", "evidence"}


def test_each_mask_is_white_at_the_pixels_of_its_cluster(source, outcome, read):
    mask = ClusterMask()
    assert list(mask.parts(source)) == [1, 2, 3]
    for number in mask.parts(source):
        values, mode = read(mask.make(source, part=number))
        assert mode == "L"
        np.testing.assert_array_equal(values, (outcome.segmentation.labels == number - 1) * 255)


def test_masks_follow_a_merged_and_reordered_legend(made, labels, legend, read):
    merged = legend.merged(1, 3).reordered([3, 0, 1, 2])
    for number, components in enumerate(([4], [0], [1, 3], [2]), start=1):
        values, _ = read(made(ClusterMask(), merged, part=number))
        np.testing.assert_array_equal(values, np.isin(labels, components) * 255)


def test_the_archive_holds_each_mask_under_its_name_as_a_download(source):
    with zipfile.ZipFile(io.BytesIO(Masks().make(source))) as archive:
        assert archive.namelist() == [f"phantom-k3-mask-{number}.png" for number in (1, 2, 3)]
        for number in (1, 2, 3):
            assert archive.read(f"phantom-k3-mask-{number}.png") == ClusterMask().make(source, part=number)


def test_there_is_no_archive_that_would_take_too_long(source, monkeypatch):
    monkeypatch.setattr(masks, "MAX_PIXELS", 90 * 60 * 3)
    assert Masks().available(source)
    monkeypatch.setattr(masks, "MAX_PIXELS", 90 * 60 * 3 - 1)
    assert not Masks().available(source)


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        ("china.jpg", "china-k5"),
        ('höhe "3".png', "höhe _3_-k5"),
        ("../../etc/passwd", "passwd-k5"),
        ("CON.png", "_CON-k5"),
        ("nul.tar.png", "_nul.tar-k5"),
        ("consul.png", "consul-k5"),
        (".hidden.png", "hidden-k5"),
        ("-rf.png", "rf-k5"),
        ("a\r\nSet-Cookie: x=1.png", "a Set-Cookie_ x=1-k5"),
        ("a\u202egnp.png", "a gnp-k5"),
        ("   .png", "picture-k5"),
        ("e\u0301.png", "\u00e9-k5"),
        ("100%;a.png", "100__a-k5"),
    ],
)
def test_names_of_downloads_are_safe_on_every_system(picture, expected):
    assert result_name(picture, 5, regions=False) == expected


def test_long_names_of_downloads_are_cut_between_letters():
    name = result_name("漢" * 250 + ".png", 254, regions=True)
    assert len(name.encode()) <= 200
    assert name == "漢" * 60 + "-regions254"
