using Tessera.Tests.Torch.Conformance;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Torch;

public sealed class RandomStateTests
{
    private static float[] Values(Tensor t) => t.to_type(ScalarType.Float32).data<float>().ToArray();

    [Fact]
    [Covers("torch::manual_seed", "random::get_rng_state", "random::set_rng_state", "Generator::.ctor", "torch::rand", "torch::randn")]
    public void SameSeedOrState_SameNumbers()
    {
        using var scope = NewDisposeScope();
        manual_seed(7);
        var first = Values(rand(5));
        manual_seed(7);
        var state = random.get_rng_state();
        Assert.Equal(first, Values(rand(5)));
        random.set_rng_state(state);
        Assert.Equal(first, Values(rand(5)));
        using var own = new Generator(7);
        Assert.Equal(first, Values(rand(5, generator: own)));
        var saved = RandomState.Get(CPU);
        var next = Values(randn(4));
        RandomState.Set(CPU, saved);
        Assert.Equal(next, Values(randn(4)));
        Assert.Equal(Enumerable.Range(0, 10), Values(randperm(10)).Order().Select(v => (int)v));
    }

    [Theory]
    [InlineData(8, 0, 4)] // no numbers left
    [InlineData(8, 625, 4)] // more than there are
    [InlineData(12, 0, 4)] // never seeded
    [InlineData(16, 700, 8)] // the next one beyond the end
    public void StateThatIsNone_IsRefused(int at, int value, int size)
    {
        var state = RandomState.Get(CPU);
        state.AsSpan(at, size).Clear();
        BitConverter.TryWriteBytes(state.AsSpan(at), value);
        Assert.Throws<FormatException>(() => RandomState.Set(CPU, state));
    }

    [Fact]
    public void StateOfAnotherLength_IsRefused()
    {
        Assert.Throws<FormatException>(() => RandomState.Set(CPU, new byte[16]));
        Assert.Throws<FormatException>(() => RandomState.Set(CPU, [.. RandomState.Get(CPU), 0]));
        RandomState.Set(CPU, []);
    }

    [Fact]
    [Covers("Tensor::bernoulli_", "nn.functional::dropout", "nn.functional::dropout2d", "nn::Dropout")]
    public void Dropout_ZeroesItsShareAndScalesTheRest()
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        Assert.Equal(0.3, empty(100_000).bernoulli_(0.3).mean().item<float>(), 0.01);
        var x = ones([4000, 25], requires_grad: true);
        var y = nn.functional.dropout(x, 0.25, training: true);
        Assert.Equal(0.25, y.eq(0).to(ScalarType.Float32).mean().item<float>(), 0.01);
        Assert.True(y.eq(0).logical_or(y.sub(1 / 0.75).abs().lt(1e-6)).all().item<bool>());
        y.sum().backward();
        Assert.True(x.grad!.Equals(y));
        Assert.True(nn.functional.dropout(x, 0.25, training: false).Equals(x));
        var map = nn.functional.dropout2d(ones(200, 20, 2, 2), 0.5, training: true).flatten(2); // whole channels
        Assert.True(map.amax([2]).Equals(map.select(2, 0)));
        Assert.Equal(0.5, map.eq(0).to(ScalarType.Float32).mean().item<float>(), 0.05);
        using var layer = nn.Dropout(0.25);
        Assert.Equal(0.25, layer.call(x).eq(0).to(ScalarType.Float32).mean().item<float>(), 0.01);
        layer.eval();
        Assert.True(layer.call(x).Equals(x));
    }
}
