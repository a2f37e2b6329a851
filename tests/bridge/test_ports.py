"""Inputs by name and by position, what they take, and what is refused."""

import numpy as np
import pytest

import models
import serket_bridge as srk
from serket_bridge import Categorical, Counts, Gaussian


@srk.register
class Words(srk.Module):
    """Has two inputs; its forward message is the sum of their rows."""

    ports = {"image": Gaussian, "word": Counts | Categorical}
    saved_state = ("forward",)

    def send(self):
        image, word = self.inputs()
        word = word.prob if isinstance(word, Categorical) else word.mean
        sums = image.mean.sum(axis=1) - 100 * word.sum(axis=1)
        self.forward = Gaussian.point(sums[:, None])
        self.metrics = {"mean": float(sums.mean())}


@srk.register
class Classes(srk.Module):
    output_message = Categorical

    def send(self):
        self.forward = Categorical(self.inputs()[0].mean)


class Any(srk.Module):
    input_message, max_parents = object, 3

    def send(self):
        self.forward = self.inputs()[0]


@pytest.fixture
def image():
    return srk.Observation(np.arange(8.0).reshape(4, 2) - 1, "image_data")


@pytest.fixture
def word():
    return srk.Observation(np.ones((4, 3)), "word_data")


# --- By name and by position ----------------------------------------------------------


def test_names_and_positions_connect_alike(image, word):
    named, positional, mixed = Words("named"), Words("positional"), Words("mixed")
    named.connect(word=word, image=image)
    positional.connect(image, word)
    mixed.connect(image, word=word)
    for module in (named, positional, mixed):
        module.step()
        assert module.connections == {"image": image, "word": word}
        assert module.parents == (image, word)
        expected = image.forward.mean.sum(axis=1) - 300
        np.testing.assert_allclose(module.forward.mean[:, 0], expected)


def test_a_module_without_ports_takes_any_names_in_the_order_given(image, word):
    module = Any("any")
    module.connect(b=word, a=image)
    assert module.connections == {"b": word, "a": image}
    assert module.parents == (word, image)
    module.connect(image, word)
    assert module.connections == {"0": image, "1": word}


def test_a_conditional_vae_names_its_inputs():
    model = models.conditional.build((3,), 2, (4,), n_labels=2, seed=0)
    conditional, plain = srk.VAE(model=model), srk.VAE(2)
    assert conditional.ports == {"x": Gaussian, "label": Gaussian}
    x, label = srk.Observation(np.zeros((4, 3))), srk.Observation(np.ones((4, 1)), "y")
    conditional.connect(label=label, x=x)
    np.testing.assert_array_equal(conditional.observed()[0], np.zeros((4, 3)))
    assert x.modelled_by == [conditional] and label.modelled_by == []
    with pytest.raises(TypeError, match=r"vae.connect .* 1, each once: x. .*label=y"):
        plain.connect(x=x, label=label)


def test_names_of_inputs_are_saved_and_recognised(image, word, tmp_path):
    module = Words("words")
    module.connect(word=word, image=image)
    loop = srk.MessageLoop([word, image, module])
    loop.run(1, folder=tmp_path, verbose=False)
    loaded = srk.load(tmp_path)
    names = {name: m.name for name, m in loaded["words"].connections.items()}
    assert names == {"image": "image_data", "word": "word_data"}
    data = {"image_data": np.full((2, 2), 5.0), "word_data": np.zeros((2, 3))}
    for each in (loop, loaded):
        found = each.recognize(data)["words"].forward.mean
        np.testing.assert_array_equal(found, [[10.0], [10.0]])


def test_rows_and_files_have_the_metrics_under_the_modules_name(image, word, tmp_path):
    modules = [image, word, Words("one"), Words("two")]
    for module in modules[2:]:
        module.connect(image, word)
    loop = srk.MessageLoop(modules)
    (row,) = loop.run(1, folder=tmp_path, verbose=False)
    for module in modules[2:]:
        assert row[f"{module.name}.mean"] == module.metrics["mean"]
    rows = srk.saving.read_manifest(tmp_path)[0]
    assert rows[0]["one.mean"] == rows[0]["two.mean"] == modules[2].metrics["mean"]


# --- What is refused ------------------------------------------------------------------


def test_unknown_names_too_many_and_twice_the_same_are_refused(image, word):
    module, rule = Words("words"), r"words.connect .* at most 2, each once: image, word"
    for positional, named, received in (
        ((), {"picture": image}, "picture=image_data"),
        ((image,), {"image": word}, "image_data, image=word_data"),
        ((image, word, word), {}, "image_data, word_data, word_data"),
        ((image, image), {}, "image_data, image_data"),
        ((), {}, "none"),
    ):
        with pytest.raises(TypeError, match=f"{rule}. Received: {received}$"):
            module.connect(*positional, **named)
    assert module.connections == {}


def test_what_is_no_module_is_refused_by_name_too(image):
    with pytest.raises(TypeError, match=r"words.connect takes modules.*ndarray"):
        Words("words").connect(image, word=np.zeros((4, 3)))


def test_a_kind_that_an_input_does_not_take_is_refused_naming_all(image, word):
    classes, module = Classes("classes"), Words("words")
    classes.connect(image)
    module.connect(image, classes)  # a Categorical is one of two kinds
    expected = "words cannot be connected to classes: it takes Gaussian messages as "
    expected += "its input image. Received: Categorical messages"
    with pytest.raises(ValueError, match=expected):
        module.connect(classes, word)
    assert module.parents == (image, classes)


@pytest.mark.parametrize("data", [-np.ones((4, 3)), np.ones((4, 3, 2))])
def test_data_that_are_no_counts_are_refused_naming_both(image, data):
    module = Words("words")
    module.connect(image=image, word=srk.Observation(data, "speech"))
    expected = r"words takes Counts or Categorical as its input word from speech "
    expected += (
        rf"\(counts .* >= 0.*Received: a Gaussian of the shape \({data.shape[0]}"
    )
    with pytest.raises(ValueError, match=expected):
        module.step()


def test_messages_of_different_examples_are_refused_naming_all(image):
    module = Words("words")
    module.connect(image, srk.Observation(np.ones((5, 3)), "longer"))
    expected = "words needs a message for the same examples from each parent. "
    expected += "Received: 4 from image_data, 5 from longer"
    with pytest.raises(ValueError, match=expected):
        module.step()


# --- Counts ---------------------------------------------------------------------------


def test_counts_are_points_of_numbers_from_0(image, word):
    module = Words("words")
    module.connect(image, word)
    counts = module.inputs()[1]
    assert type(counts) is Counts and counts.is_point
    np.testing.assert_array_equal(counts.mean, word.forward.mean)
    assert isinstance(Counts.point(np.eye(3)), Gaussian)
    with pytest.raises(ValueError, match=r"counts must be .* a minimum of -1.0"):
        Counts.point(-np.eye(3))
    with pytest.raises(ValueError, match="counts must be known numbers"):
        Counts(np.eye(3), np.ones((3, 3)))


def test_counts_on_disk_are_read(image, tmp_path):
    np.save(tmp_path / "counts.npy", np.ones((4, 3), np.float32))
    word = srk.Observation(np.load(tmp_path / "counts.npy", mmap_mode="r"), "word_data")
    module = Words("words")
    module.connect(image, word)
    np.testing.assert_array_equal(module.inputs()[1].mean, 1.0)
