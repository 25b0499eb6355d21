import torch

from sklearn_tsrec.neural._layers import Dropout


def test_dropout_keeps_the_mean_and_rests_outside_of_training():
    torch.manual_seed(0)
    layer, x = Dropout(0.25), torch.full((200, 100), 3.0)
    y = layer(x)
    assert set(y.unique().tolist()) == {0.0, 4.0}
    torch.testing.assert_close(y.mean(), torch.tensor(3.0), rtol=0.01, atol=0)
    assert torch.equal(layer.eval()(x), x)
    assert torch.equal(Dropout(0.0)(x), x)
