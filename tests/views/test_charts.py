import math

import pytest

from segmentation.views.charts import criterion_curve, fit_chart


def points(chart):
    return [tuple(float(part) for part in point.split(",")) for point in chart.points.split()]


def test_curve_rises_from_the_lower_left_to_the_upper_right():
    chart = fit_chart([-13.17, -13.0, -12.9, -12.88])
    assert points(chart)[0] == (52.0, 98.0)
    assert points(chart)[-1] == (352.0, 8.0)
    heights = [y for _x, y in points(chart)]
    assert heights == sorted(heights, reverse=True)


def test_axis_names_the_ends_and_the_middle_with_a_true_minus():
    chart = fit_chart([-13.18, -13.1, -13.0, -12.9, -12.88])
    assert [tick.text for tick in chart.rows] == ["−12.88", "−13.03", "−13.18"]
    assert [tick.text for tick in chart.columns] == ["0", "2", "4"]


def test_values_that_nearly_agree_get_more_decimals():
    chart = fit_chart([-12.0004, -12.0002, -12.0000])
    assert len({tick.text for tick in chart.rows}) == 3
    assert max(len(tick.text) for tick in chart.rows) == 8
    assert points(chart)[0] == (66.0, 98.0), "and room for them"
    assert (chart.left, chart.text_end) == ("66", "58")


def test_a_rise_that_is_too_small_to_be_read_is_named_by_its_end_alone():
    chart = fit_chart([-3.570012, -3.570011, -3.570010])
    assert [tick.text for tick in chart.rows] == ["−3.57"]


def test_flat_history_is_a_line_at_its_value():
    chart = fit_chart([-5.0, -5.0, -5.0])
    (row,) = chart.rows
    assert {y for _x, y in points(chart)} == {float(row.at)}
    assert row.text == "−5.00"


def test_middle_column_stands_above_its_own_iteration():
    history = [-10 + math.log1p(i) for i in range(46)]
    chart = fit_chart(history)
    middle = chart.columns[1]
    assert float(middle.at) == pytest.approx(points(chart)[int(middle.text)][0], abs=0.1)


@pytest.mark.parametrize("history", [[], [-3.0]])
def test_one_evaluation_is_no_curve(history):
    assert fit_chart(history) is None


def test_attributes_are_plain_numbers_in_any_language():
    chart = fit_chart([-2.0, -1.0])
    assert chart.end == ("352.0", "8.0")
    assert [tick.at for tick in chart.rows] == ["8.0", "53.0", "98.0"]


def test_numbers_that_do_nearly_as_well_stand_on_one_band():
    curve = criterion_curve([-9.71, -9.22, -9.18, -9.19, -9.3], [False, True, True, True, False])
    assert (curve.best, curve.band) == (2, (106, 288))


def test_a_number_that_is_best_alone_has_no_band():
    assert criterion_curve([-9.71, -9.0, -9.4], [False, True, False]).band is None
