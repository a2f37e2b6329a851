"""Agents that name things: messages, rows, bounds, saving, pictures, errors."""

import io
from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from sklearn.metrics import adjusted_rand_score, cohen_kappa_score

import serket_bridge as srk
from serket_bridge import serialization
from serket_bridge.inference import naming
from serket_bridge.inference.em import EM
from serket_bridge.inference.gaussian_mixture import GaussianMixture
from serket_bridge.inference.neighbor_graph import NeighborGraph
from serket_bridge.naming_game import kappa

QUIET = {"verbose": False}
MODES = ("metropolis", "all", "none", "gibbs")
LABELS = np.arange(120) % 3
ROTATION = np.array([[0.0, 2.0], [-2.0, 0.0]])


def view(number):
    """(120, 2): three groups that overlap, in a view of its own."""
    rng = np.random.default_rng(number)
    centres = np.roll([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]], number, axis=0)
    turned = np.linalg.matrix_power(ROTATION, number)
    return (centres[LABELS] + rng.standard_normal((120, 2))) @ turned


def make_agent(number, x=None, K=3, **gmm):
    """An observation, and a mixture of it."""
    letter = "abcd"[number]
    obs = srk.Observation(view(number) if x is None else x, f"obs_{letter}")
    settings = {"inference": EM(n_init=3), "seed": number} | gmm
    agent = srk.GMM(K, name=letter, **settings)
    agent.connect(obs)
    return obs, agent


def make_game(n_agents=2, **game):
    """A loop of agents without VAEs, and a game above them."""
    agents = [make_agent(number) for number in range(n_agents)]
    game = srk.NamingGame(**{"seed": 5} | game)
    game.connect(*[agent for _, agent in agents])
    return srk.MessageLoop([m for pair in agents for m in pair] + [game])


def log_densities(loop, n_agents):
    """log p(z_in | w) of each agent, (N, n, K), by SciPy."""
    return np.array(
        [
            [
                multivariate_normal.logpdf(obs, mean, np.linalg.inv(precision))
                for mean, precision in zip(m.means, m.precisions, strict=True)
            ]
            for letter in "abcd"[:n_agents]
            for m in [loop[letter].mixture]
            for obs in [loop[f"obs_{letter}"].forward.mean.astype(float)]
        ]
    ).swapaxes(1, 2)


def of_names(loop, arrays):
    """(N, n, K) of classes -> of names."""
    pairs = zip(arrays, loop["game"].dictionary, strict=True)
    return np.stack([array[:, d] for array, d in pairs])


# --- Names ----------------------------------------------------------------------------


@pytest.mark.parametrize("acceptance", ["metropolis", "all", "gibbs"])
@pytest.mark.parametrize("n_agents", [2, 3])
def test_agents_share_names(acceptance, n_agents):
    """Though each has numbered its classes in its own way."""
    loop = make_game(n_agents, acceptance=acceptance, category=LABELS)
    loop.run(1, **QUIET)
    a, b = (loop["game"].log_likelihoods().argmax(axis=2))[:2]
    assert kappa(a, b) < 0.5
    loop.run(5, LABELS, **QUIET)
    last = loop.rows[-1]
    assert last["game.kappa"] > 0.85
    assert all(last[f"game.ari {a}"] > 0.75 for a in "abc"[:n_agents])


@dataclass(frozen=True)
class Renumbered:
    """An inference with other numbers for its classes in each round."""

    def __call__(self, z, log_prior, n_components, state, rng):
        fit = EM(n_init=3)(z, log_prior * 0, n_components, None, rng)
        order = rng.permutation(n_components)
        arrays = [array[order] for array in vars(fit.mixture).values()]
        return replace(fit, mixture=GaussianMixture(*arrays))


def test_classes_may_be_renumbered():
    loop = make_game(2)
    loop["b"].inference = Renumbered()
    dictionaries = set()
    for _ in range(6):
        loop.run(1, **QUIET)
        assert loop.rows[-1]["game.kappa"] > 0.85
        dictionaries.add(tuple(loop["game"].dictionary[1]))
    assert len(dictionaries) > 1


def test_the_names_of_all_are_better_than_those_of_one():
    """Each view is noisy, and the noise differs: the posterior of all is sharper."""
    loop = make_game(4, acceptance="gibbs", category=LABELS)
    loop.run(8, LABELS, **QUIET)
    last = loop.rows[-1]
    assert last["ari"] > max(last[f"game.ari {a}"] for a in "abcd")


def test_without_communication_agents_learn_alone():
    loop = make_game(acceptance="none")
    loop.run(2, **QUIET)
    for number, name in enumerate("ab"):
        _, agent = make_agent(number)
        for _ in loop.rows:
            agent.step()
        np.testing.assert_array_equal(loop[name].mixture.means, agent.mixture.means)
    assert not loop["a"]._backward
    np.testing.assert_array_equal(loop.classes, loop["a"].classes)


def test_the_first_names_are_the_first_agents_classes():
    loop = make_game(3)
    loop.run(1, **QUIET)
    game, classes = loop["game"], loop["game"].log_likelihoods().argmax(axis=2)
    np.testing.assert_array_equal(game.dictionary[0], range(3))
    for own, d in zip(classes, game.dictionary, strict=True):
        expected = naming.classes_of_names(own, classes[0], 3)
        np.testing.assert_array_equal(d, expected)


def test_beliefs_are_densities_without_weights():
    loop = make_game(3)
    loop.run(2, **QUIET)
    ours, expected = loop["game"].log_likelihoods(), log_densities(loop, 3)
    np.testing.assert_allclose(np.diff(ours), np.diff(expected), rtol=1e-6, atol=1e-6)
    expected = of_names(loop, expected)
    np.testing.assert_array_equal(loop["game"].names, expected.argmax(axis=2))
    product = srk.Categorical(expected.sum(axis=0)).prob
    np.testing.assert_allclose(loop["game"].forward.prob, product, atol=1e-8)


def test_an_agents_posterior_is_that_of_the_names():
    """Its weights are taken out: prop. to p(z_in | w) times what the others say."""
    loop = make_game(3, acceptance="gibbs")
    loop.run(3, **QUIET)
    game = loop["game"]
    for name, d in zip("abc", game.dictionary, strict=True):
        loop[name].send()
        r = loop[name].responsibilities[:, d]
        np.testing.assert_allclose(r, game.forward.prob, atol=1e-9)


@pytest.mark.parametrize("acceptance", ["metropolis", "gibbs"])
def test_a_message_from_above_is_a_prior_of_names(send_message, acceptance):
    loop = make_game(acceptance=acceptance)
    loop.run(2, **QUIET)
    game, before = loop["game"], loop["game"].forward.log_prob
    known = np.full((120, 3), -np.inf)
    known[:, 1] = 0.0
    send_message(game, known)
    game.step()
    assert (game.classes == 1).all()
    np.testing.assert_array_equal(game.forward.log_prob, before)  # without it
    loop["b"].send()
    assert (loop["b"].classes == game.dictionary[1, 1]).all()


def test_agents_need_no_mixture():
    """Classes of any module, which has no weights then, are a belief."""

    class Sure(srk.Module):
        output_message = srk.Categorical

        def send(self):
            self.forward = srk.Categorical(3.0 * np.eye(3)[LABELS])

    obs = srk.Observation(np.ones((120, 1)))
    agents = [Sure("one"), Sure("two")]
    game = srk.NamingGame(seed=0)
    for agent in agents:
        agent.connect(obs)
    game.connect(*agents)
    loop = srk.MessageLoop([obs, *agents, game])
    loop.run(2, LABELS, **QUIET)
    assert loop.rows[-1]["game.kappa"] == 1
    np.testing.assert_array_equal(game.names, [LABELS, LABELS])


# --- The bound ------------------------------------------------------------------------


@pytest.mark.parametrize("acceptance", ["metropolis", "gibbs"])
@pytest.mark.parametrize("n_agents", [2, 3])
def test_the_elbo_is_log_p_of_all_views(acceptance, n_agents):
    """mean log sum_w 1/K prod_i p(z_in | w), by enumeration of the names."""
    loop = make_game(n_agents, acceptance=acceptance)
    for _ in range(2):
        loop.run(1, **QUIET)
        joint = of_names(loop, log_densities(loop, n_agents)).sum(axis=0)
        expected = np.mean(logsumexp(joint, axis=1) - np.log(3))
        assert loop.rows[-1]["elbo"] == pytest.approx(expected, rel=1e-6)


def test_without_communication_the_elbo_is_the_sum_of_the_agents():
    loop = make_game(acceptance="none")
    loop.run(1, **QUIET)
    expected = 0.0
    for density, name in zip(log_densities(loop, 2), "ab", strict=True):
        log_joint = density + np.log(loop[name].mixture.weights)
        expected += np.mean(logsumexp(log_joint, axis=1))
    assert loop.rows[-1]["elbo"] == pytest.approx(expected, rel=1e-6)


# --- Rows -----------------------------------------------------------------------------


def test_rows_have_every_pair_and_every_direction():
    loop = make_game(3, category=LABELS)
    loop.run(2, LABELS, **QUIET)
    row, game = loop.rows[-1], loop["game"]
    pairs = [("a", "b"), ("a", "c"), ("b", "c")]
    kappas = [row[f"game.kappa {a} and {b}"] for a, b in pairs]
    for value, (i, j) in zip(kappas, [(0, 1), (0, 2), (1, 2)], strict=True):
        assert value == cohen_kappa_score(game.names[i], game.names[j])
    assert row["game.kappa"] == pytest.approx(np.mean(kappas))
    directions = pairs + [(b, a) for a, b in pairs]
    assert all(0 < row[f"game.acceptance {a} to {b}"] <= 1 for a, b in directions)
    for letter, names in zip("abc", game.names, strict=True):
        assert row[f"game.ari {letter}"] == adjusted_rand_score(LABELS, names)


def test_kappa_of_equal_names_is_1():
    """scikit-learn's is NaN where there is one name only."""
    assert kappa(np.zeros(4, int), np.zeros(4, int)) == 1.0
    one, other = np.array([0, 0, 1, 1, 1]), np.array([0, 1, 1, 1, 0])
    observed, chance = 3 / 5, 2 / 5 * 2 / 5 + 3 / 5 * 3 / 5
    assert kappa(one, other) == pytest.approx((observed - chance) / (1 - chance))


def test_kappa_is_printed(capsys):
    make_game().run(1)
    assert "kappa" in capsys.readouterr().out


# --- Saving ---------------------------------------------------------------------------


def assert_same(one, other):
    timed = [
        [{k: v for k, v in r.items() if "seconds" not in k} for r in loop.rows]
        for loop in (one, other)
    ]
    assert timed[0] == timed[1]
    np.testing.assert_array_equal(one["game"].names, other["game"].names)
    np.testing.assert_array_equal(one.classes, other.classes)
    for agent in one["game"].parents:
        mixtures = [vars(loop[agent.name].mixture) for loop in (one, other)]
        for name, array in mixtures[0].items():
            np.testing.assert_array_equal(array, mixtures[1][name])


@pytest.mark.parametrize("acceptance", MODES)
def test_a_resumed_game_is_the_game_that_was_never_stopped(acceptance, tmp_path):
    whole, first, second = (make_game(acceptance=acceptance) for _ in "123")
    whole.run(4, **QUIET)
    first.run(2, folder=tmp_path, **QUIET)
    second.run(4, folder=tmp_path, **QUIET)
    assert_same(whole, second)


def test_a_loaded_game_continues(tmp_path):
    whole = make_game(3)
    whole.run(2, folder=tmp_path, **QUIET)
    loaded = srk.load(tmp_path, {f"obs_{'abc'[i]}": view(i) for i in range(3)})
    for loop in (whole, loaded):
        loop.run(2, **QUIET)
    assert_same(whole, loaded)


def test_new_things_are_named(tmp_path):
    loop = make_game()
    loop.run(4, folder=tmp_path, **QUIET)
    new = {"obs_a": view(0)[:40], "obs_b": view(1)[:40]}
    for trained in (loop, srk.load(tmp_path)):
        one, other = (trained.recognize(new) for _ in range(2))
        np.testing.assert_array_equal(one.classes, other.classes)
        assert adjusted_rand_score(LABELS[:40], one.classes) > 0.85
        assert one["game"].names.shape == (2, 40)
    assert loop["game"].names.shape == (2, 120)  # as it was


def test_a_name_is_what_each_agent_expects_to_see():
    loop = make_game()
    loop.run(2, **QUIET)
    seen = loop["game"].predict([0, 2])
    assert seen.keys() == {"a", "b"}
    expected = loop["b"].mixture.means[loop["game"].dictionary[1, [0, 2]]]
    np.testing.assert_array_equal(seen["b"], expected)


def test_update_writes_files_and_recognises(tmp_path):
    with srk.output_dir(tmp_path):
        loop = make_game()
        obs_a, a, obs_b, b, game = loop.modules
        for module in 2 * [a, b, game]:
            module.update()
        folder = tmp_path / game.folder
        written = np.loadtxt(folder / "class_learn.txt")
        np.testing.assert_array_equal(written, game.classes)
        written = np.loadtxt(folder / "names_learn.txt")
        np.testing.assert_array_equal(written.T, game.names)
        game.mode = "recog"
        expected, game.learned, game.dictionary = game.dictionary, False, None
        game.update()
        np.testing.assert_array_equal(game.dictionary, expected)
        assert (folder / "class_recog.txt").exists()


def talkative(log_beliefs, log_prior, itr, rng):
    """A mode of the user's own."""
    return naming.metropolis(log_beliefs, log_prior, 2 * itr, rng)


def test_a_mode_of_ones_own_is_saved_if_registered(tmp_path, monkeypatch):
    loop = make_game(acceptance=talkative)
    with pytest.raises(ValueError, match="game cannot be saved: functions.*registered"):
        loop.run(1, folder=tmp_path, **QUIET)
    monkeypatch.setattr(serialization, "REGISTRY", {**serialization.REGISTRY})
    srk.register(talkative)
    loop.run(1, folder=tmp_path, **QUIET)
    assert srk.load(tmp_path)["game"].play is talkative


# --- The whole loop -------------------------------------------------------------------


def make_whole(prints):
    """Two VAEs with mixtures, the second of which sees the bits in another order."""
    modules, agents = [], []
    for number, name in enumerate("ab"):
        obs = srk.Observation(prints[0][:, :: 1 - 2 * number], f"obs_{name}")
        settings = {"itr": 4, "batch_size": 50, "hidden_encoder_dim": 8, "seed": number}
        message = {"message": srk.vae.moments, "learning_rate": 0.02}
        vae = srk.VAE(2, name=f"vae_{name}", **settings | message)
        inference = NeighborGraph(neighbors=5) if number else EM(n_init=2)
        gmm = srk.GMM(3, name=name, inference=inference, seed=number)
        vae.connect(obs)
        gmm.connect(vae)
        modules += [obs, vae, gmm]
        agents.append(gmm)
    game = srk.NamingGame(3, seed=9)
    game.connect(*agents)
    return srk.MessageLoop([*modules, game])


def test_names_reach_the_vae_and_it_continues_from_disk(prints, tmp_path):
    """The prior of its latents is the mean of the class that the names choose."""
    whole, x = make_whole(prints), prints[0]
    whole.run(2, folder=tmp_path, **QUIET)
    loaded = srk.load(tmp_path, {"obs_a": x, "obs_b": x[:, ::-1]})
    for loop in (whole, loaded):
        loop.run(1, **QUIET)
    assert_same(whole, loaded)
    for name in ("vae_a", "vae_b"):
        weights = (loop[name].model.get_weights() for loop in (whole, loaded))
        for one, other in zip(*weights, strict=True):
            np.testing.assert_array_equal(one, other)
    vae, gmm = whole["vae_b"], whole["b"]
    whole["game"].send_backward(gmm, srk.Categorical(50.0 * np.eye(3)[prints[1]]))
    gmm.step()
    inputs = vae.training_inputs(vae.observed()[0])
    np.testing.assert_array_equal(inputs["prior_mean"], gmm.mixture.means[prints[1]])


# --- Pictures -------------------------------------------------------------------------


def png_of(figure):
    figure.savefig(stream := io.BytesIO())
    return stream.getvalue()[:4] == b"\x89PNG"


def test_the_rounds_are_drawn():
    loop = make_game(3)
    loop.run(3, **QUIET)
    figure = loop["game"].draw_rounds(loop.rows)
    for ax, metric, n_lines in zip(
        figure.axes, ("kappa", "acceptance"), (3, 6), strict=True
    ):
        assert len(ax.lines) == n_lines
        for line in ax.lines:
            key = f"game.{metric} {line.get_label()}"
            expected = {r["round"]: r[key] for r in loop.rows if key in r}
            assert dict(zip(*line.get_data(), strict=True)) == expected
    assert png_of(figure)


def test_a_game_without_acceptance_is_drawn():
    loop = make_game(acceptance="none")
    loop.run(1, **QUIET)
    assert png_of(loop["game"].draw_rounds(loop.rows))
    with pytest.raises(ValueError, match="a loop with a NamingGame 'game'"):
        loop["game"].draw_rounds([{"round": 1}])


def test_latents_have_the_colours_of_the_names():
    loop = make_game(3)
    loop.run(2, **QUIET)
    figure = loop["game"].draw_latents()
    assert [ax.get_title() for ax in figure.axes] == ["a", "b", "c"]
    for ax in figure.axes:
        (dots,) = ax.collections
        np.testing.assert_array_equal(dots.get_array(), loop.classes)
    assert png_of(figure)


# --- Errors ---------------------------------------------------------------------------


def run_agents(*agents, **game):
    game = srk.NamingGame(**game)
    game.connect(*[agent for _, agent in agents])
    loop = srk.MessageLoop([m for pair in agents for m in pair] + [game])
    loop.run(1, **QUIET)


@pytest.mark.parametrize(
    "agents, message",
    [
        (lambda: [make_agent(0)], "game needs two agents or more. Received: a"),
        (
            lambda: [make_agent(0), make_agent(1, K=2)],
            "game needs agents with the same number of classes. Received: 3 of a, 2 ",
        ),
        (
            lambda: [make_agent(0), make_agent(1, view(1)[:50])],
            "for the same examples from each parent. Received: 120 from a, 50 from b",
        ),
    ],
)
def test_agents_that_do_not_fit_are_refused_with_their_names(agents, message):
    with pytest.raises(ValueError, match=message):
        run_agents(*agents())


def test_agents_must_have_classes():
    game, (obs, agent) = srk.NamingGame(), make_agent(0)
    with pytest.raises(ValueError, match="game cannot be connected to obs_a: it takes"):
        game.connect(agent, obs)


@pytest.mark.parametrize("acceptance", ["mh", None, 3])
def test_other_modes_are_refused(acceptance):
    with pytest.raises(ValueError, match="'metropolis', 'all', 'none', 'gibbs', or a"):
        srk.NamingGame(acceptance=acceptance)


@pytest.mark.parametrize("itr", [0, 1.5])
def test_itr_is_a_number_of_turns(itr):
    with pytest.raises(ValueError, match="itr must be an integer >= 1"):
        srk.NamingGame(itr)


def test_labels_of_other_things_are_refused():
    with pytest.raises(ValueError, match="120 labels, as many.*a and b.*Received: 7"):
        run_agents(make_agent(0), make_agent(1), category=np.zeros(7))
