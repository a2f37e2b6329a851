"""Models whose prior takes a message for each example."""

import keras
import numpy as np
import pytest

from models.blocks.objectives import ELBO
from models.variants.serket import listen, with_prior_message


def standard_message(n=70):
    return {"prior_mean": np.zeros((n, 2)), "prior_precision": np.ones((n, 2))}


@pytest.mark.parametrize("label", [False, True])
def test_the_message_n_0_i_leaves_the_history_of_every_variant_as_it_is(
    make, train, name, inputs_of, label
):
    """For every prior, learned ones too: the message N(0, I) has no effect."""
    kwargs = {"learned_prior": True} if label else {}
    if label and name != "conditional":
        pytest.skip("only a conditional model has a prior for each label")
    plain, other = make(name, **kwargs), make(name, **kwargs)
    if plain.takes_message:
        plain = plain.replace(takes_message=False)
        plain.compile(keras.optimizers.SGD(0.05))
    else:
        other = with_prior_message(other)
        other.compile(keras.optimizers.SGD(0.05))
    settings = dict(batch_size=32, epochs=4, verbose=0)
    one = plain.fit(inputs_of(plain), **settings).history
    two = other.fit(inputs_of(other) | standard_message(), **settings).history
    for key in one:
        np.testing.assert_allclose(two[key], one[key], rtol=1e-5)


def test_a_message_moves_the_latents_to_the_prior_mean(make, data):
    model = make("serket", kl_weight=100.0)
    message = np.where(np.arange(70)[:, None] % 2, 2.0, -2.0) * np.ones((70, 2))
    x = data * 0.1 + (np.arange(70) % 2)[:, None, None] * 0.8
    inputs = {"x": x, "prior_mean": message, "prior_precision": np.ones((70, 2))}
    model.compile(keras.optimizers.Adam(0.05))
    model.fit(inputs, epochs=100, batch_size=70, verbose=0)
    z_mean, z_log_var = model.encode(x)
    np.testing.assert_allclose(z_mean, message, atol=0.3)
    np.testing.assert_allclose(np.exp(z_log_var), 1.0, atol=0.2)


def test_a_model_that_takes_a_message_already_is_refused(make):
    with pytest.raises(ValueError, match="must not take a message yet"):
        with_prior_message(make("serket"))


def test_the_old_name_works_with_a_warning(make):
    with pytest.warns(FutureWarning, match="models.serket.listen is now"):
        assert listen(make("vanilla")).takes_message


def test_replace_shares_weights_and_refuses_other_names(make, data):
    model = make("vanilla")
    other = model.replace(objective=ELBO(3.0))
    outs = [m.predict({"x": data}, verbose=0) for m in (model, other)]
    np.testing.assert_array_equal(outs[0]["x_mean"], outs[1]["x_mean"])
    expected = outs[0]["log_likelihood"] - 3.0 * outs[0]["kl"]
    np.testing.assert_allclose(outs[1]["objective"], expected, rtol=1e-5)
    with pytest.raises(ValueError, match="replace takes posterior, prior, likelihood"):
        model.replace(encoder=model.encoder)
