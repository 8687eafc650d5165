import io
import itertools

import numpy as np
import PIL.Image
import pytest

from segmentation import execution, files, services
from segmentation.engine.exceptions import SegmentationError
from segmentation.engine.gmm import Mixture
from segmentation.engine.recipe import Recipe
from segmentation.exceptions import Conflict
from segmentation.models import CachedFile, Run
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def finished(image, **recipe):
    run = services.create_run(image=image, recipe=Recipe.from_mapping(recipe))
    execution.serve_until_empty()
    run = Run.objects.select_related("job", "image", "result").get(pk=run.pk)
    assert run.succeeded, run.job.error_detail
    return run


def opened(picture):
    if isinstance(picture, bytes):
        data = picture
    else:
        with picture:
            data = picture.read()
    with PIL.Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGBA"))


def component_map(run):
    with PIL.Image.open(io.BytesIO(files.read(run.result.files["components.png"]["key"]))) as image:
        return np.asarray(image)


def oracle(run):
    """Posteriors (H, W, K) and log densities (H, W) by scikit-learn, of colours."""
    model = Mixture.from_mapping(run.result.mixture).to_sklearn()
    values = factories.pixels().reshape(-1, 3).astype(float)
    return model.predict_proba(values).reshape(36, 48, -1), model.score_samples(values).reshape(36, 48)


def test_a_pixel_report_agrees_with_scikit_learn(finished_run):
    posterior, log_density = oracle(finished_run)
    for x, y in ((0, 0), (47, 35), (14, 18)):
        report = services.pixel_report(run=finished_run, x=x, y=y)
        assert report.colour == tuple(report.values) == tuple(factories.pixels()[y, x])
        assert report.component == report.cluster == component_map(finished_run)[y, x]
        assert report.components == report.clusters == pytest.approx(posterior[y, x], abs=1e-6)
        assert report.log_density == pytest.approx(log_density[y, x])
        assert report.novelty == pytest.approx((log_density > log_density[y, x]).mean(), abs=1e-3)


def test_every_corner_of_a_larger_picture_has_a_report(owner):
    pixels = factories.pixels(300, 140)
    run = finished(factories.make_image(owner, factories.encoded(pixels)), n_clusters=3)
    labels = component_map(run)
    for x, y in ((0, 0), (299, 0), (127, 128), (128, 127), (299, 139)):
        report = services.pixel_report(run=run, x=x, y=y)
        assert report.colour == tuple(pixels[y, x])
        assert report.component == labels[y, x] == np.argmax(report.components)


def test_a_merged_cluster_has_the_sum_of_its_components(finished_run, owner):
    services.edit_legend(run=finished_run, author=owner, expected=0, merge=(0, 2))
    posterior, _ = oracle(finished_run)
    for x, y in ((20, 18), (14, 18)):
        report = services.pixel_report(run=finished_run, x=x, y=y)
        both = [posterior[y, x, 0] + posterior[y, x, 2], posterior[y, x, 1]]
        assert report.clusters == pytest.approx(both, abs=1e-6)
        assert report.cluster == int(report.component == 1)
        shares = np.maximum(both, 1e-300)
        assert report.uncertainty == pytest.approx(-(shares * np.log2(shares)).sum(), abs=1e-6)


def entropy(posterior):
    """Shannon's, of shares along the last axis, as a part of the most that there can be."""
    shares = np.maximum(posterior, 1e-300)
    return -(shares * np.log(shares)).sum(axis=-1) / np.log(posterior.shape[-1])


@pytest.mark.parametrize("pair", [(0, 1), (1, 2)])
def test_uncertainty_after_a_merge_is_between_the_clusters_that_are_left(owner, pair):
    """Compared where it tells: at pixels that are undecided between the two that were merged, and between those left."""
    image = factories.make_image(owner, factories.encoded(factories.shades()))
    run = finished(image, n_clusters=3)
    services.edit_legend(run=run, author=owner, expected=0, merge=pair)
    with PIL.Image.open(io.BytesIO(files.read(files.image_key(image.pk, "original")))) as picture:
        grey = np.asarray(picture)
    posterior = Mixture.from_mapping(run.result.mixture).to_sklearn().predict_proba(grey.reshape(-1, 1).astype(float))
    posterior = posterior.reshape(36, 48, 3)
    third = ({0, 1, 2} - set(pair)).pop()
    left = np.stack([posterior[..., list(pair)].sum(axis=-1), posterior[..., third]], axis=-1)
    apart = entropy(left) - entropy(posterior)
    places = [np.unravel_index(place, apart.shape) for place in (apart.argmin(), apart.argmax())]
    assert apart[places[0]] < -0.3
    assert apart[places[1]] > 0.1
    for y, x in places:
        report = services.pixel_report(run=run, x=int(x), y=int(y))
        assert report.uncertainty == pytest.approx(entropy(left)[y, x], abs=1e-4)
        assert sorted(report.clusters) == pytest.approx(sorted(left[y, x]), abs=1e-4)
    shown = opened(services.open_artefact(run=run, name="uncertainty"))
    np.testing.assert_allclose(shown[..., 0] / 255, entropy(left), atol=0.005)


@pytest.mark.parametrize(("x", "y"), [(48, 0), (0, 36), (-1, 0), (0, -1)])
def test_outside_the_picture_the_error_says_its_size(finished_run, x, y):
    with pytest.raises(SegmentationError) as refused:
        services.pixel_report(run=finished_run, x=x, y=y)
    assert refused.value.code == "invalid_request"
    assert "48" in str(refused.value)
    assert "36" in str(refused.value)


def test_a_run_without_result_has_no_report(queued_run):
    with pytest.raises(Conflict) as refused:
        services.pixel_report(run=queued_run, x=0, y=0)
    assert refused.value.code == "state_conflict"


def test_where_there_is_no_data_there_is_only_a_colour(owner):
    run = finished(factories.make_image(owner, factories.encoded(factories.translucent())), n_clusters=3)
    report = services.pixel_report(run=run, x=0, y=0)
    assert (report.component, report.cluster, report.components, report.uncertainty) == (None, None, [], None)
    assert services.pixel_report(run=run, x=6, y=0).components
    for name in ("uncertainty", "novelty"):
        alpha = opened(services.open_artefact(run=run, name=name))[..., 3]
        np.testing.assert_array_equal(alpha == 0, component_map(run) == 255)


@pytest.mark.parametrize("recipe", [{"features": "lab", "n_clusters": 3}, {"texture": 1, "position": True}])
def test_a_pixel_report_measures_what_the_fit_has_measured(image, recipe):
    run = finished(image, **recipe)
    mixture = Mixture.from_mapping(run.result.mixture)
    reports = [services.pixel_report(run=run, x=x, y=y) for x, y in ((3, 3), (14, 18), (36, 18), (47, 35))]
    assert all(len(report.values) == mixture.means.shape[1] for report in reports)
    assert [report.component for report in reports] == [int(np.argmax(report.components)) for report in reports]


def test_the_uncertainty_map_is_the_normalised_entropy_of_the_posterior(finished_run):
    posterior, _ = oracle(finished_run)
    shares = np.maximum(posterior, 1e-300)
    expected = -(shares * np.log(shares)).sum(axis=-1) / np.log(3)
    grey = opened(services.open_artefact(run=finished_run, name="uncertainty"))
    np.testing.assert_allclose(grey[..., 0] / 255, expected, atol=0.004)
    assert (grey[..., 3] == 255).all()


def test_the_novelty_map_is_the_share_of_likelier_pixels(finished_run):
    _, log_density = oracle(finished_run)
    expected = (log_density.ravel()[:, None] < log_density.ravel()).mean(axis=1).reshape(36, 48)
    grey = opened(services.open_artefact(run=finished_run, name="novelty"))
    np.testing.assert_allclose(grey[..., 0] / 255, expected, atol=0.005)


def test_maps_are_kept_and_in_colours_have_the_same_levels(finished_run):
    first = opened(services.open_artefact(run=finished_run, name="novelty"))
    assert CachedFile.objects.get(run=finished_run).name == "novelty.png"
    heat = opened(services.open_artefact(run=finished_run, name="novelty", palette="heat"))
    order = np.argsort(first[..., 0], axis=None, kind="stable")
    brightness = heat[..., :3].reshape(-1, 3)[order].astype(int).sum(axis=1)
    assert all(later >= earlier - 3 for earlier, later in itertools.pairwise(brightness))


def test_a_merged_cluster_has_no_uncertainty_within(finished_run, owner):
    assert opened(services.open_artefact(run=finished_run, name="uncertainty")).shape == (36, 48, 4)
    for pair, n in (((0, 1), 2), ((0, 1), 1)):
        services.edit_legend(run=finished_run, author=owner, expected=finished_run.revision, merge=pair)
        assert len(services.stored_result(run=finished_run).clusters) == n
    grey = opened(services.open_artefact(run=finished_run, name="uncertainty"))
    assert (grey[..., :3] == 0).all()


def test_regions_are_sure_of_their_pixels_and_have_no_maps(image):
    run = finished(image, preset="regions")
    report = services.pixel_report(run=run, x=14, y=18)
    assert report.components[report.component] == 1 == sum(report.components)
    assert (report.values, report.log_density, report.novelty) == ([], None, None)
    with pytest.raises(SegmentationError) as refused:
        services.open_artefact(run=run, name="uncertainty")
    assert refused.value.code == "not_found"
