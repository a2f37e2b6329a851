"""Figures of tables: what reaches the panel of each column."""

import numpy as np
import pytest
from matplotlib.dates import date2num
from sklearn.metrics import accuracy_score, confusion_matrix, r2_score

from models.evaluation.metrics import column_scores
from models.plotting import plot_column_reconstructions, plot_column_samples


def panels_of(figure):
    figure.draw_without_rendering()
    return {ax.get_title(): ax for ax in figure.axes}


def scores_of(columns, predicted):
    found = {k: column_scores(v, predicted[k]) for k, v in columns.items()}
    shares = {k: each.get("r2", each.get("right")) for k, each in found.items()}
    return {k: np.nan if each is None else each for k, each in shares.items()}


def test_numbers_and_dates_are_dots_of_true_and_reconstructed(table, predicted):
    panels = panels_of(
        plot_column_reconstructions(table, predicted, scores_of(table, predicted))
    )
    assert [*panels] == ["size", "sold", "town"]
    numbers = {"size": np.asarray, "sold": date2num}
    for name, convert in numbers.items():
        pair = [convert(each[name]) for each in (table, predicted)]
        filled = ~np.isnan(pair[0])
        true, reconstructed = (each[filled] for each in pair)
        ax = panels[name]
        points = ax.collections[0].get_offsets().data
        np.testing.assert_array_equal(points, np.column_stack([true, reconstructed]))
        assert ax.texts[0].get_text() == f"R² {r2_score(true, reconstructed):.2f}"
        assert ax.get_xlim() == ax.get_ylim()
        diagonal = ax.get_lines()[0].get_xydata()
        np.testing.assert_array_equal(diagonal[:, 0], diagonal[:, 1])


def test_categories_are_a_confusion_of_the_filled_cells(table, predicted):
    ax = panels_of(
        plot_column_reconstructions(table, predicted, scores_of(table, predicted))
    )["town"]
    true, words = (np.delete(each["town"], 5) for each in (table, predicted))
    expected = confusion_matrix(true, words, normalize="true").T
    np.testing.assert_allclose(ax.get_images()[0].get_array(), expected)
    assert [t.get_text() for t in ax.get_xticklabels()] == ["Bern", "Oslo", "Rome"]
    assert ax.get_xlabel() == f"{accuracy_score(true, words):.0%} right"


def test_of_many_columns_the_best_explained_are_shown_in_their_order(rng):
    x = {f"c{i}": rng.normal(size=80) for i in range(30)}
    noise = rng.permutation(30) / 10
    x_mean = {
        name: values + noise[i] * rng.normal(size=80)
        for i, (name, values) in enumerate(x.items())
    }
    figure = plot_column_reconstructions(x, x_mean, scores_of(x, x_mean))
    scores = np.array([r2_score(x[name], x_mean[name]) for name in x])
    expected = [f"c{i}" for i in np.sort(np.argsort(-scores)[:20])]
    assert [ax.get_title() for ax in figure.axes] == expected
    assert figure.get_suptitle().endswith(
        "the 20 of 30 columns with the largest R² or share right"
    )


def test_samples_are_compared_with_the_data_by_column(table, predicted):
    panels = panels_of(plot_column_samples(table, predicted, "Samples"))
    data, samples = panels["size"].patches[:-1], panels["size"].patches[-1]
    edges = np.array(
        [bar.get_x() for bar in data] + [data[-1].get_x() + data[-1].get_width()]
    )
    filled = table["size"][~np.isnan(table["size"])]
    heights, _ = np.histogram(filled, edges, density=True)
    np.testing.assert_allclose([bar.get_height() for bar in data], heights)
    heights, _ = np.histogram(predicted["size"], edges, density=True)
    drawn = samples.get_xy()
    np.testing.assert_allclose(np.unique(drawn[:, 1]), np.unique([0, *heights]))
    words = np.delete(table["town"], 5)
    shares = [np.mean(words == name) for name in ("Bern", "Oslo", "Rome")]
    shares += [np.mean(predicted["town"] == name) for name in ("Bern", "Oslo", "Rome")]
    np.testing.assert_allclose(
        [bar.get_height() for bar in panels["town"].patches], shares
    )


def test_each_bin_of_integers_has_as_many_of_them(rng):
    counts = {"visits": rng.integers(0, 47, 400).astype(float)}
    (ax,) = plot_column_samples(counts, counts).axes
    edges = np.array([bar.get_x() for bar in ax.patches[:-1]])
    assert np.all(edges % 1 == 0.5) and len({*np.diff(edges)}) == 1


def test_the_first_of_many_columns_are_sampled_and_the_title_tells_it(rng):
    x = {f"c{i}": rng.normal(size=9) for i in range(21)}
    figure = plot_column_samples(x, x, "Samples")
    assert [ax.get_title() for ax in figure.axes] == [*x][:20]
    assert figure.get_suptitle() == "Samples\nthe first 20 of 21 columns"


def test_columns_of_other_names_are_refused(table):
    fewer = {name: table[name] for name in ("size", "town")}
    with pytest.raises(ValueError, match="predicted: expected the columns"):
        plot_column_reconstructions(table, fewer, {})
    with pytest.raises(ValueError, match=r"columns\['town'\]: expected shape \(60,\)"):
        plot_column_samples(table | {"town": table["town"][:9]}, table)


def test_constant_and_empty_columns_and_a_long_name_with_a_dollar_are_drawn():
    names = ["constant", "$ and a very long name that fits in no panel at all $"]
    x = {name: np.array([1.0, 1.0, 1.0]) for name in names}
    x |= {"empty": np.full(3, np.nan), "blank": np.array(["", "", ""])}
    panels_of(plot_column_reconstructions(x, x, scores_of(x, x)))
    panels_of(plot_column_samples(x, x))
