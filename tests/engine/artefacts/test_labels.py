import numpy as np

from segmentation.engine.artefacts.labels import Labels


def test_a_grey_value_is_the_index_of_its_cluster(made, labels, legend, read):
    values, mode = read(made(Labels(), legend))
    assert mode == "L"
    np.testing.assert_array_equal(values, labels)


def test_labels_of_a_plain_legend_have_the_compressed_data_of_the_component_map(made, components_png, legend, chunks):
    exported = made(Labels(), legend)
    assert chunks(exported)["IDAT"] == chunks(components_png)["IDAT"]
    assert set(chunks(exported)) == {"IHDR", "IDAT", "IEND"}


def test_labels_follow_a_merged_and_reordered_legend(made, labels, legend, read):
    values, _ = read(made(Labels(), legend.merged(1, 3).reordered([3, 0, 1, 2])))
    expected = labels.copy()
    for component, cluster in {0: 1, 1: 2, 2: 3, 3: 2, 4: 0}.items():  # 254 and 255 stay
        expected[labels == component] = cluster
    np.testing.assert_array_equal(values, expected)


def test_names_colours_and_foreground_change_no_byte_of_the_labels(made, legend):
    changed = legend.with_name(0, "Ground").with_colour(1, "#123456").with_foreground(2, True)
    plain = made(Labels(), legend)
    assert made(Labels(), changed) == plain
