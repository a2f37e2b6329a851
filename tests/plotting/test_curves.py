"""Curves over epochs and rounds: the lines in the axes."""

import numpy as np
import pytest

from models.plotting import plot_round_scores, plot_training_curves
from models.plotting.curves import BLUE, VIOLET


def history(n=60):
    steps = np.arange(n)
    loss = 100 + 5000 * np.exp(-4.0 * steps) + np.sin(steps)
    parts = {"loss": loss, "log_likelihood": -loss, "kl": 5 + np.cos(steps)}
    return {k: list(v) for k, v in parts.items()} | {"val_loss": list(loss + 1)}


def test_curves_draw_the_history():
    figure = plot_training_curves(history())
    titles = [ax.get_title() for ax in figure.axes]
    assert titles == ["Loss", "Log-likelihood", "KL divergence"]
    training, validation = figure.axes[0].get_lines()
    np.testing.assert_array_equal(training.get_xdata(), np.arange(1, 61))
    np.testing.assert_array_equal(training.get_ydata(), history()["loss"])
    np.testing.assert_array_equal(validation.get_ydata(), history()["val_loss"])
    assert training.get_color() == validation.get_color()
    assert (training.get_linestyle(), validation.get_linestyle()) == ("-", "--")


def test_curves_draw_what_else_the_objective_reports():
    reported = {"total_correlation": [3.0, 2.0], "val_total_correlation": [4.0, 3.0]}
    others = {"capacity": [0.0, 1.0], "loss": [9.0, 8.0], "kl": [1.0, 2.0]}
    figure = plot_training_curves(reported | others)
    titles = [ax.get_title() for ax in figure.axes]
    assert titles == ["Loss", "KL divergence", "Total correlation"]
    lines = figure.axes[-1].get_lines()
    assert [[*line.get_ydata()] for line in lines] == [[3.0, 2.0], [4.0, 3.0]]


def test_steep_first_epochs_do_not_flatten_the_curve():
    low, high = plot_training_curves(history()).axes[0].get_ylim()
    assert 95 < low < 99 and 102 < high < 110


def test_curves_mark_new_rounds_and_a_weight_that_varies():
    weights = {"kl_weight": [0.1] * 30 + [1.0] * 30}
    figure = plot_training_curves(history() | weights, rounds=[1] * 20 + [2] * 40)
    (line,) = [x for x in figure.axes[0].get_lines() if x.get_label() == "new round"]
    assert list(line.get_xdata()) == [20.5, 20.5]
    (weight,) = figure.axes[-1].get_lines()
    assert list(weight.get_ydata()) == weights["kl_weight"]
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["training", "validation", "new round", "KL weight"]
    assert len(plot_training_curves(history() | {"kl_weight": [1.0] * 60}).axes) == 3


def test_curves_survive_one_epoch_and_a_loss_that_diverges():
    plot_training_curves({"loss": [3.0]}).draw_without_rendering()
    plot_training_curves(
        {"loss": [3.0, 2.0, np.inf, np.nan], "kl": [np.nan] * 4}
    ).draw_without_rendering()


@pytest.mark.parametrize(
    ("wrong", "rounds", "message"),
    [
        ({"accuracy": [1.0]}, None, "history: expected any of loss"),
        ({"loss": [1, 2], "kl": [1]}, None, r"history\['kl'\]: expected 2 epochs"),
        ({"loss": [1, 2]}, [1], r"rounds: expected 2 epochs, got \(1,\)"),
    ],
)
def test_wrong_histories_are_refused(wrong, rounds, message):
    with pytest.raises(ValueError, match=message):
        plot_training_curves(wrong, rounds)


def test_rounds_draw_what_is_there_and_name_it_at_the_end():
    table = [
        {"round": 1, "accuracy": 0.5, "ari": 0.2, "agreement": None},
        {"round": 2, "accuracy": 0.70, "ari": 0.69, "agreement": 0.9},
        {"round": 3, "accuracy": 0.72, "ari": 0.71, "agreement": np.nan},
    ]
    (ax,) = plot_round_scores(table).axes
    lines = {tuple(line.get_xdata()): None for line in ax.get_lines()}
    assert lines.keys() == {(1, 2, 3)}
    drawn = {line.get_color(): line.get_ydata() for line in ax.get_lines()}
    np.testing.assert_array_equal(drawn[BLUE], [0.5, 0.70, 0.72])
    np.testing.assert_array_equal(drawn[VIOLET], [np.nan, 0.9, np.nan])
    heights = {text.get_text().strip(): text.get_position()[1] for text in ax.texts}
    assert [*heights] == ["ARI 0.71", "accuracy 0.72", "agreement 0.90"]
    assert heights["accuracy 0.72"] - heights["ARI 0.71"] > 0.04
    assert ax.get_ylim()[0] <= 0.2 and ax.get_ylim()[1] >= 1
    with pytest.raises(ValueError, match="rows: expected dicts with any of accuracy"):
        plot_round_scores([{"round": 1, "nmi": None}])
