import copy
import hashlib
import itertools
import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from scipy import ndimage
from scipy.stats import multivariate_normal

from segmentation.engine import artefacts, pipeline
from segmentation.engine.artefacts.document import run_document
from segmentation.engine.gmm import Component, Mixture
from segmentation.engine.imaging.pixel_size import PixelSize
from segmentation.engine.legend import Legend
from segmentation.engine.recipe import Recipe
from tests.engine.imaging.geotiffs import utm

SCHEMA = json.loads(Path(artefacts.__file__).with_name("run.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def validator():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    return jsonschema.Draft202012Validator(SCHEMA)


@pytest.fixture
def document(outcome):
    return document_of(outcome, {"labels.png": b"labels", "binary.png": b"mask"})


def document_of(outcome, outputs):
    return run_document(pipeline.OutcomeSource(outcome, outputs=outputs))


def objects(schema):
    """Yield every part of a schema that describes an object, with its path of names."""
    for name, part in schema.items():
        if isinstance(part, dict):
            if part.get("type") == "object":
                yield name, part
            yield from objects(part)


def test_the_document_follows_its_schema(document, validator):
    validator.validate(json.loads(json.dumps(document, allow_nan=False)))


def test_documents_of_odd_pictures_follow_the_schema(run, translucent, validator):
    one_colour = np.zeros((1, 1, 3), dtype=np.uint8)
    for outcome in (run(translucent), run(one_colour), run(translucent[..., 0])):
        document = document_of(outcome, {})
        validator.validate(json.loads(json.dumps(document, allow_nan=False)))


def test_the_schema_knows_every_field_and_takes_no_other(document, validator):
    for field in document:
        shorter = {name: value for name, value in document.items() if name != field}
        assert not validator.is_valid(shorter), field
    assert not validator.is_valid(document | {"note": "mine"})
    for place in ("input", "recipe", "inputs", "mixture", "map", "versions", "seconds"):
        longer = copy.deepcopy(document)
        longer[place]["note"] = "mine"
        assert not validator.is_valid(longer), place


def test_every_object_of_the_schema_forbids_other_fields_and_lists_the_required_ones():
    for name, part in objects(SCHEMA):
        closed = part["additionalProperties"]
        assert closed is False or isinstance(closed, dict), name
        assert set(part.get("required", ())) == set(part.get("properties", ())), name


def test_the_schema_says_how_areas_of_merged_clusters_differ():
    assert "near boundaries" in SCHEMA["description"]


def test_the_document_says_what_was_done_and_found(outcome, document, pixels):
    assert document["recipe"] == Recipe(n_clusters=3, seed=7).to_mapping()
    assert document["input"] == {
        "name": "phantom.png", "sha256": outcome.sha256, "bytes": outcome.size, "format": "PNG",
        "width": 90, "height": 60, "bands": 3, "dtype": "uint8", "frames": 1,
        "selection": {"series": 0, "z": 0, "t": 0, "channels": None}, "axes": "YXS", "shape": [60, 90, 3],
        "channel_names": [], "overviews": 0, "no_data": None, "pixel_size": None, "pixel_size_suggested": None,
        "georeference": None,
    }  # fmt: skip
    assert document["area"] == {"unit": "px", "method": "pixels"}
    labels = outcome.segmentation.labels
    for cluster in document["clusters"]:
        inside = labels == cluster["index"]
        assert cluster["pixels"] == inside.sum() == cluster["area"]
        assert cluster["bands"] == []
        assert cluster["share"] == pytest.approx(inside.mean())
        assert cluster["mean"] == pytest.approx(pixels[inside].mean(axis=0))
    foreground = [cluster["index"] for cluster in document["clusters"] if cluster["foreground"]]
    assert document["foreground_share"] == pytest.approx(np.isin(labels, foreground).mean())


def test_the_document_says_where_clusters_are_and_how_they_vary(outcome, document, pixels):
    labels = outcome.segmentation.labels
    for cluster, component in zip(document["clusters"], document["components"], strict=True):
        rows, columns = np.nonzero(labels == cluster["index"])
        assert cluster["box"] == [rows.min(), columns.min(), rows.max() + 1, columns.max() + 1] == component["box"]
        assert cluster["regions"] == ndimage.label(labels == cluster["index"])[1]
        covariance = np.cov(pixels[rows, columns].T, bias=True)
        np.testing.assert_allclose(cluster["covariance"], covariance, atol=1e-6)
        assert Component.from_mapping(component).pixels == cluster["pixels"]


def test_the_document_names_the_pair_to_merge_first(document):
    mixture = Mixture.from_mapping(document["mixture"])
    across = [overlap_by_quadrature(mixture, *pair) for pair in ((0, 1), (0, 2), (1, 2))]
    assert document["overlaps"] == pytest.approx(np.array(document["overlaps"]).T)
    found = [document["overlaps"][i][j] for i, j in ((0, 1), (0, 2), (1, 2))]
    np.testing.assert_allclose(found, across, atol=0.02)
    assert tuple(document["merge_first"]) == [(0, 1), (0, 2), (1, 2)][int(np.argmax(found))]


def overlap_by_quadrature(mixture, i, j):
    """Estimate the expectation under component i of the square root of the ratio of both densities, by Monte Carlo."""
    one, other = (multivariate_normal(mixture.means[k], mixture.covariances[k]) for k in (i, j))
    drawn = one.rvs(200_000, random_state=0)
    return np.exp((other.logpdf(drawn) - one.logpdf(drawn)) / 2).mean()


def test_the_log_likelihood_of_the_document_is_that_of_its_mixture(document, pixels):
    mixture = Mixture.from_mapping(json.loads(json.dumps(document["mixture"])))
    precisions = np.linalg.inv(mixture.covariances)
    offsets = pixels.reshape(-1, 1, 3) - mixture.means
    distances = np.einsum("nki,kij,nkj->nk", offsets, precisions, offsets)
    _, log_determinants = np.linalg.slogdet(2 * np.pi * mixture.covariances)
    density = np.exp(-(distances + log_determinants) / 2) @ mixture.weights
    assert document["log_likelihood"] == pytest.approx(np.log(density).mean(), rel=1e-6)


def test_the_history_never_falls_and_has_one_entry_for_each_evaluation(document):
    assert len(document["history"]) == document["iterations"]
    assert all(later >= earlier for earlier, later in itertools.pairwise(document["history"]))


def test_files_are_listed_with_size_and_hash(document):
    assert document["outputs"] == {
        "labels.png": {"bytes": 6, "sha256": hashlib.sha256(b"labels").hexdigest()},
        "binary.png": {"bytes": 4, "sha256": hashlib.sha256(b"mask").hexdigest()},
    }


BANDS = {"photometric": "minisblack", "planarconfig": "contig"}


def two_lands(dtype=np.uint16):
    """Four bands: the left 40 columns low, the right 20 high, and a frame without data on top of both."""
    values = np.empty((50, 60, 4), dtype)
    values[:, :40], values[:, 40:] = (400, 600, 800, 3000), (2000, 1500, 1000, 500)
    values += np.random.default_rng(0).integers(0, 50, values.shape).astype(dtype)
    values[:5] = 65535
    return values


def test_a_map_of_the_ground_has_its_areas_on_the_earth_and_the_values_of_its_bands(run, validator):
    values = two_lands()
    no_data = [(42113, "s", 0, "65535", True)]
    outcome = run(utm(values=values, extratags=no_data, **BANDS), name="land.tif", recipe=Recipe(n_clusters=2))
    document = json.loads(json.dumps(document_of(outcome, {}), allow_nan=False))
    validator.validate(document)
    assert document["area"] == {"unit": "m2", "method": "ellipsoid"}
    assert document["input"]["georeference"]["crs"]["epsg"] == 32633
    assert document["input"]["georeference"]["transform"] == [10, 0, 500_000, 0, -10, 5_000_000]
    assert document["input"]["pixel_size"] == {"width": 10, "height": 10, "unit": "m", "source": "geotiff"}
    assert document["input"]["no_data"] == {"source": "gdal_nodata", "value": 65535, "pixels": 300}
    for cluster, columns in zip(
        sorted(document["clusters"], key=lambda c: -c["pixels"]), (range(40), range(40, 60)), strict=True
    ):
        inside = values[5:, columns].reshape(-1, 4)
        assert cluster["pixels"] == len(inside)
        assert cluster["area"] == pytest.approx(100 * len(inside) / 0.9996**2, rel=1e-4)  # on the meridian of the zone
        np.testing.assert_allclose([band["mean"] for band in cluster["bands"]], inside.mean(axis=0))
        np.testing.assert_allclose([band["sd"] for band in cluster["bands"]], inside.std(axis=0, ddof=1))
        assert {band["name"] for band in cluster["bands"]} == {None}


def test_a_size_that_a_person_gives_comes_before_that_of_the_file(run, validator):
    outcome = run(utm(values=two_lands(), **BANDS), name="land.tif", recipe=Recipe(n_clusters=2))
    given = PixelSize(width=0.5, height=2, unit="mm", source="person")
    document = run_document(pipeline.OutcomeSource(outcome, outputs={}, pixel_size=given))
    validator.validate(json.loads(json.dumps(document)))
    assert document["area"] == {"unit": "mm2", "method": "pixel_size"}
    assert document["input"]["pixel_size"] == given.to_mapping()
    assert all(cluster["area"] == cluster["pixels"] for cluster in document["clusters"])


def test_merged_clusters_have_the_area_and_the_bands_of_all_their_pixels(run):
    values = two_lands()
    outcome = run(utm(values=values, **BANDS), name="land.tif", recipe=Recipe(n_clusters=2))
    source = pipeline.OutcomeSource(outcome, outputs={})
    source.legend = outcome.legend.merged(0, 1)
    (cluster,) = run_document(source)["clusters"]
    assert cluster["area"] == pytest.approx(sum(outcome.map_areas.components))
    every = values.reshape(-1, 4)
    np.testing.assert_allclose([band["mean"] for band in cluster["bands"]], every.mean(axis=0))
    np.testing.assert_allclose([band["sd"] for band in cluster["bands"]], every.std(axis=0, ddof=1))


def test_two_runs_differ_in_seconds_only(run, translucent):
    one, two = (document_of(run(translucent), {}) for _ in range(2))
    assert one.pop("seconds") != two.pop("seconds")
    assert json.dumps(one) == json.dumps(two)


def test_notices_have_sentences(run, translucent):
    document = document_of(run(translucent), {})
    assert document["notices"]
    assert all(notice["sentence"].endswith(".") for notice in document["notices"])


def test_fewer_colours_than_clusters_leave_the_recipe_as_asked(run):
    document = document_of(run(np.zeros((4, 4, 3), dtype=np.uint8), recipe=Recipe(n_clusters=6)), {})
    assert (document["recipe"]["n_clusters"], len(document["clusters"])) == (6, 1)


def test_the_summary_survives_json_and_holds_what_is_needed_to_show_the_result(outcome):
    summary = json.loads(json.dumps(pipeline.summary(outcome), allow_nan=False))
    assert set(summary) == {
        "pixels_sha256", "log_likelihood", "iterations", "converged", "seconds", "mixture", "components", "versions",
        "legend", "notices", "distinct_colours", "fitted_pixels", "valid_pixels", "left_out_pixels", "features", "header",
        "layout", "no_data", "pixel_size", "pixel_size_suggested", "georeference", "map_areas", "band_sums",
        "coverage", "gain",
    }  # fmt: skip
    assert Legend.from_mapping(summary["legend"]) == outcome.legend
    assert tuple(Component.from_mapping(entry) for entry in summary["components"]) == outcome.segmentation.components
    restored = Mixture.from_mapping(summary["mixture"])
    np.testing.assert_array_equal(restored.covariances, outcome.segmentation.mixture.covariances)
    assert summary["pixels_sha256"] == pipeline.pixels_sha256(outcome.segmentation.labels)
