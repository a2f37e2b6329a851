"""The picture of a graph: places of the modules, and the texts of its edges."""

import io

import numpy as np

import serket_bridge as srk
from serket_bridge.drawing import edge_texts, place_modules


class Both(srk.Module):
    ports = {"image": srk.Gaussian, "word": srk.Counts}
    output_message = srk.Categorical

    def send(self):
        image, _ = self.inputs()
        self.forward = srk.Categorical.uniform(len(image), 3)
        ones = np.ones_like(image.mean)
        self.send_backward(self.parents[0], srk.Gaussian(image.mean, ones))


def graph():
    image, word = srk.Observation(np.eye(4), "image"), srk.Observation(np.eye(4), "$w$")
    gmm, vae = srk.GMM(2, seed=0), srk.VAE(2)
    both = Both("both")
    vae.connect(image)
    both.connect(vae, word)
    gmm.connect(image)
    return image, word, vae, gmm, both


def test_modules_are_above_their_parents_and_apart():
    image, word, vae, gmm, both = modules = graph()
    places = place_modules(modules)
    rows = {module: row for module, (_, row) in places.items()}
    assert [rows[m] for m in (image, vae, both)] == [0, 1, 2]
    assert rows[gmm] == 1
    assert rows[word] == 1  # directly below its only reader
    assert len(set(places.values())) == len(modules)
    for number in range(3):
        columns = sorted(x for x, row in places.values() if row == number)
        assert all(np.diff(columns) >= 1)


def test_a_chain_stands_upright():
    obs, gmm = srk.Observation(np.eye(4)), srk.GMM(2)
    gmm.connect(obs)
    assert place_modules([obs, gmm]) == {obs: (0.0, 0), gmm: (0.0, 1)}


def test_edges_have_the_messages_with_kind_shape_and_input():
    image, word = srk.Observation(np.eye(4), "a"), srk.Observation(np.eye(4, 3), "b")
    both = Both("both")
    both.connect(image, word)
    assert edge_texts(both, "image", image) == ("image: Gaussian (4, 4)", "")
    both.step()
    assert edge_texts(both, "image", image)[1] == "Gaussian (4, 4)"
    assert edge_texts(both, "word", word) == ("word: Gaussian (4, 3)", "")
    gmm = srk.GMM(2)
    gmm.connect(image)
    assert edge_texts(gmm, "0", image) == ("Gaussian (4, 4)", "")


def test_a_loop_draws_all_its_modules_before_and_after_a_round(make_loop):
    loop = make_loop()
    for expected in ("Gaussian", "Categorical"), ("Gaussian (120, 2)",):
        figure = loop.draw()
        texts = {text.get_text() for text in figure.axes[0].texts}
        assert {"obs\nObservation", "vae\nVAE", "gmm\nGMM"} <= texts
        assert expected[0] in texts or any(t.endswith(expected[0]) for t in texts)
        figure.savefig(stream := io.BytesIO())
        assert stream.getvalue()[:4] == b"\x89PNG"
        loop.run(1, verbose=False)
    assert srk.MessageLoop(graph()).draw().get_figwidth() > 2 * figure.get_figwidth()
