using Tessera.Framework.Models;
using Tessera.Models.Attention;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Attention;

/// <summary>Dense attention under a mask, by definition: what every attention has to equal, in value and gradient.</summary>
internal static class DenseOracle
{
    public const float Tolerance = 1e-5f;

    /// <summary>The same layer's parameters, put through dense attention.</summary>
    /// <param name="multiplicity">How often query i counts key j, of all tokens: [N, N], or [B, heads, N, N].</param>
    /// <param name="bias">Added to the logits, [heads, N, N]; null: none.</param>
    /// <param name="unitKeys">Whether the queries, of unit length, are the keys.</param>
    public static Tensor Apply(TokenAttention layer, Tensor x, int heads, Tensor multiplicity, Tensor? bias = null, bool unitKeys = false)
    {
        var state = layer.named_parameters().ToDictionary(p => p.name, p => (Tensor)p.parameter);
        Tensor Layer(string name) => nn.functional.linear(x, state[name + ".weight"], state.GetValueOrDefault(name + ".bias"));
        Tensor[] parts =
            state.ContainsKey("qkv.weight") ? Layer("qkv").chunk(3, -1)
            : unitKeys ? [Layer("qk"), Layer("qk"), Layer("v")]
            : [Layer("q"), .. Layer("kv").chunk(2, -1)];
        var (q, k, v) = (Heads(parts[0], heads), Heads(parts[1], heads), Heads(parts[2], heads));
        if (unitKeys)
            k = k / k.norm(3, keepdim: true, p: 2);
        return Finish(state, Mix(q, k, v, multiplicity, bias));
    }

    /// <summary>[B, N, C] as [B, heads, N, d].</summary>
    public static Tensor Heads(Tensor x, int heads) => x.view(x.shape[0], x.shape[1], heads, -1).transpose(1, 2);

    public static Tensor Mix(Tensor q, Tensor k, Tensor v, Tensor? multiplicity, Tensor? bias)
    {
        var logits = q.matmul(k.transpose(2, 3)) / Math.Sqrt(q.shape[3]);
        if (bias is not null)
            logits = logits + bias;
        if (multiplicity is not null)
            logits = (logits + multiplicity.clamp_min(1e-20).log()).masked_fill(multiplicity.eq(0).expand(logits.shape), -1e30);
        return logits.softmax(-1).matmul(v);
    }

    public static Tensor Finish(Dictionary<string, Tensor> state, Tensor mixed) =>
        nn.functional.linear(mixed.transpose(1, 2).flatten(2), state["proj.weight"], state["proj.bias"]);

    /// <summary>Leading tokens attend all and are attended by all; the grid's tokens as told.</summary>
    public static Tensor Mask(TokenGrid grid, Func<int, int, bool> attends)
    {
        // Not mask[i, j] = 0: a garbage collection during that call frees the 0 before libtorch reads it.
        var mask = new float[grid.Count * grid.Count];
        for (var i = 0; i < grid.Count; i++)
        for (var j = 0; j < grid.Count; j++)
            if (i < grid.Leading || j < grid.Leading || attends(i - grid.Leading, j - grid.Leading))
                mask[(i * grid.Count) + j] = 1;
        return tensor(mask, [grid.Count, grid.Count]);
    }

    /// <summary>Asserts that value, gradient of the input and gradient of every parameter agree, and that no parameter is dead.</summary>
    public static void AssertEqual(TokenAttention layer, TokenGrid grid, Func<Tensor, Tensor> dense, int channels, bool dead = false)
    {
        using var scope = NewDisposeScope();
        var results = new List<(Tensor Output, Tensor Input, (string Name, Tensor Gradient)[] Parameters)>();
        foreach (var way in new[] { x => layer.call(x, grid), dense })
        {
            layer.zero_grad(set_to_none: true);
            var x = Formula.Values("tokens", 2, grid.Count, channels).requires_grad_();
            var output = way(x);
            (output * Formula.Values("direction", output.shape)).sum().backward();
            results.Add(
                (
                    output.detach(),
                    x.grad!.clone(),
                    [.. layer.named_parameters().Select(p => (p.name, p.parameter.grad?.clone() ?? zeros_like(p.parameter)))]
                )
            );
        }

        AssertClose(results[1].Output, results[0].Output, $"{grid} value");
        AssertClose(results[1].Input, results[0].Input, $"{grid} gradient of the input");
        foreach (var (expected, actual) in results[1].Parameters.Zip(results[0].Parameters))
        {
            AssertClose(expected.Gradient, actual.Gradient, $"{grid} gradient of {expected.Name}");
            if (!dead)
                Assert.True(
                    actual.Gradient.abs().max().item<float>() > 0 || expected.Name.EndsWith("bias", StringComparison.Ordinal),
                    $"{grid}: {expected.Name} is dead"
                );
        }
    }

    private static void AssertClose(Tensor expected, Tensor actual, string what)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.True(actual.isfinite().all().item<bool>(), $"{what}: not finite");
        var difference = (expected - actual).abs().max().item<float>();
        var scale = Math.Max(1, expected.abs().max().item<float>());
        Assert.True(difference <= Tolerance * scale, $"{what}: {difference} apart, of {scale}");
    }
}
