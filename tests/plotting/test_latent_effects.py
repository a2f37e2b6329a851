"""What latents do to columns: the heat map, the lines along paths, the planes."""

import numpy as np
import pytest
from matplotlib.dates import date2num

from models.plotting import plot_column_paths, plot_column_planes, plot_latent_effects


def texts(labels):
    return [label.get_text() for label in labels]


def test_the_heat_map_has_latents_by_effect_and_columns_in_order(rng):
    effects = rng.normal(size=(3, 4)) * [[0.1], [2.0], [1.0]]
    figure = plot_latent_effects(effects, ["a", "b", "c", "d"])
    ax = figure.axes[0]
    (image,) = ax.get_images()
    np.testing.assert_array_equal(image.get_array(), effects[[1, 2, 0]].T)
    assert texts(ax.get_xticklabels()) == ["z₂", "z₃", "z₁"]
    assert texts(ax.get_yticklabels()) == ["a", "b", "c", "d"]
    low, high = image.get_clim()
    assert low == -high and high >= np.abs(effects).max()


def test_of_many_columns_those_with_the_largest_effect_are_shown(rng):
    effects = rng.normal(size=(2, 50))
    names = [f"c{i}" for i in range(50)]
    figure = plot_latent_effects(effects, names, "Effects")
    strongest = np.sort(np.argsort(-np.abs(effects).max(axis=0))[:40])
    assert texts(figure.axes[0].get_yticklabels()) == [names[i] for i in strongest]
    assert "the 40 of 50 columns" in figure.get_suptitle()
    with pytest.raises(ValueError, match="names: expected 50 names, got 3"):
        plot_latent_effects(effects, ["a", "b", "c"])


def test_paths_are_lines_in_the_units_of_each_column(table, predicted):
    along = np.linspace(0, 1, 6)
    paths = {
        name: {key: values[first : first + 6] for key, values in predicted.items()}
        for name, first in (("linear", 10), ("spherical", 20))
    }
    ends = {key: values[[10, 20]] for key, values in predicted.items()}
    figure = plot_column_paths(along, paths, table, ends=ends, title="Paths")
    figure.draw_without_rendering()
    panels = {ax.get_title(): ax for ax in figure.axes}
    assert [*panels] == ["size", "sold", "town"]
    codes = {"Bern": 0, "Oslo": 1, "Rome": 2}
    convert = {"size": np.asarray, "sold": date2num}
    convert["town"] = lambda words: [codes[word] for word in words]
    for name, ax in panels.items():
        *lines, dots = ax.get_lines()
        for line, path in zip(lines, paths.values(), strict=True):
            np.testing.assert_array_equal(line.get_xdata(), along)
            np.testing.assert_array_equal(line.get_ydata(), convert[name](path[name]))
        np.testing.assert_array_equal(dots.get_ydata(), convert[name](ends[name]))
        np.testing.assert_array_equal(dots.get_xdata(), [0, 1])
    names = texts(figure.legends[0].get_texts())
    assert {*names} == {"linear", "spherical", "the two rows", "90 % of the data"}
    band = panels["size"].patches[0]
    expected = np.nanquantile(table["size"], [0.05, 0.95])
    np.testing.assert_allclose(
        [band.get_y(), band.get_y() + band.get_height()], expected
    )


def test_paths_of_another_length_are_refused(table):
    with pytest.raises(
        ValueError, match=r"paths\['z1'\]\['size'\]: expected shape \(3,"
    ):
        plot_column_paths(np.arange(3), {"z1": table}, table)


def test_a_plane_is_a_heat_map_of_each_column_below_the_latents(table, predicted, rng):
    plane = {name: values.reshape(6, 10) for name, values in predicted.items()}
    points, extent = rng.normal(size=(40, 2)), (-2.0, 2.0, -1.0, 1.0)
    figure = plot_column_planes(plane, extent, points, "Plane")
    figure.draw_without_rendering()
    panels = {ax.get_title(): ax for ax in figure.axes if ax.get_title()}
    images = {name: ax.get_images()[0] for name, ax in panels.items()}
    np.testing.assert_array_equal(images["size"].get_array(), plane["size"])
    np.testing.assert_array_equal(images["sold"].get_array(), date2num(plane["sold"]))
    codes = np.searchsorted(["Bern", "Oslo", "Rome"], plane["town"])
    np.testing.assert_array_equal(images["town"].get_array(), codes)
    legend = panels["town"].get_legend()
    assert texts(legend.get_texts()) == ["Bern", "Oslo", "Rome"]
    for name, ax in panels.items():
        assert images[name].origin == "upper" and images[name].get_extent() == [*extent]
        np.testing.assert_array_equal(ax.collections[0].get_offsets().data, points)
    with pytest.raises(ValueError, match="extent: expected"):
        plot_column_planes(plane, (0, 1), points)
