using Tessera.Framework.Models;
using Tessera.Models.Attention;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Attention;

/// <summary>LSH attention against dense attention, given the same buckets.</summary>
public sealed class LshTests
{
    private const int Channels = 12;
    private const int Heads = 3;

    [Theory]
    [InlineData(4, 1, true)]
    [InlineData(4, 3, true)]
    [InlineData(4, 2, false)]
    [InlineData(7, 2, true)]
    [InlineData(64, 2, false)]
    [InlineData(1, 2, true)]
    public void Lsh_GivenBuckets_EqualsDenseWithEachRoundCounted(int bucketSize, int rounds, bool across)
    {
        foreach (var (height, width) in new[] { (1, 1), (1, 2), (3, 5), (1, 13), (8, 8), (11, 13) })
        foreach (var leading in new[] { 0, 2 })
        {
            var grid = new TokenGrid(height, width, leading);
            var config =
                $$"""{ "type": "LshAttention", "bucket_size": {{bucketSize}}, "rounds": {{rounds}}, "across_buckets": {{(across ? "true" : "false")}} }""";
            using var layer = Formula.Fill((LshAttention)Build.From<TokenAttention>(config, new AttentionShape(Channels, Heads)));
            layer.eval(); // rotations by the seed
            using var counts = Counts(layer, grid, bucketSize, rounds, across);
            var choice = counts.gt(0).sum(-1).max().item<long>() > 1; // where every token has one key, queries make no difference
            DenseOracle.AssertEqual(layer, grid, x => DenseOracle.Apply(layer, x, Heads, counts, unitKeys: true), Channels, dead: !choice);
        }
    }

    [Fact]
    public void Lsh_Training_DrawsRotationsAnew_EvaluationDoesNot()
    {
        using var layer = Formula.Fill(
            Build.From<TokenAttention>("""{ "type": "LshAttention", "bucket_size": 4, "rounds": 1 }""", new AttentionShape(Channels, Heads))
        );
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var x = Formula.Values("tokens", 1, 60, Channels);
        layer.train();
        Assert.False(layer.call(x, new TokenGrid(1, 60)).equal(layer.call(x, new TokenGrid(1, 60))).all().item<bool>());
        layer.eval();
        Assert.True(layer.call(x, new TokenGrid(1, 60)).equal(layer.call(x, new TokenGrid(1, 60))).all().item<bool>());
    }

    [Theory]
    [InlineData(100, 10)] // one hash
    [InlineData(5000, 64)] // a pair of hashes
    public void Hash_NearTokens_ShareBucketsFarMoreOftenThanOthers(int tokens, int bucketSize)
    {
        using var layer = (LshAttention)
            Build.From<TokenAttention>(
                $$"""{ "type": "LshAttention", "bucket_size": {{bucketSize}}, "rounds": 4 }""",
                new AttentionShape(Channels, 1)
            );
        layer.eval();
        using var scope = NewDisposeScope();
        var keys = nn.functional.normalize(Formula.Values("tokens", 1, tokens, Channels), dim: -1);
        var near = nn.functional.normalize(keys + (0.01f * Formula.Values("direction", 1, tokens, Channels)), dim: -1);
        var buckets = layer.Hash(keys);
        Assert.Equal([4, 1, tokens], buckets.shape);
        Assert.True(buckets.min().item<long>() >= 0);
        Assert.InRange(buckets.max().item<long>(), 2, 2 * (tokens / bucketSize));
        double Same(Tensor other) => buckets.eq(other).to(ScalarType.Float32).mean().item<float>();
        Assert.True(Same(layer.Hash(near)) > 0.9);
        Assert.True(Same(layer.Hash(keys.roll([1], [1]))) < 0.4);
        Assert.Equal(1, Same(layer.Hash(keys * 3))); // by direction alone
    }

    /// <summary>How often each query counts each key, [B, heads, N, N]: sorted by bucket, cut into chunks, own and previous, not itself
    /// unless alone.</summary>
    private static Tensor Counts(LshAttention layer, TokenGrid grid, int bucketSize, int rounds, bool across)
    {
        using var still = no_grad();
        using var scope = NewDisposeScope();
        var n = grid.Height * grid.Width;
        var state = layer.state_dict();
        var x = Formula.Values("tokens", 2, grid.Count, Channels);
        var keys = DenseOracle.Heads(nn.functional.linear(x, state["qk.weight"], state["qk.bias"]), Heads).narrow(2, grid.Leading, n);
        keys = keys / keys.norm(3, keepdim: true, p: 2);
        var buckets = layer.Hash(keys.reshape(2 * Heads, n, Channels / Heads));
        var values = buckets.contiguous().data<long>().ToArray(); // [rounds, X, n]
        var counts = new float[2 * Heads, grid.Count, grid.Count];
        for (var row = 0; row < 2 * Heads; row++)
        {
            for (var round = 0; round < rounds; round++)
            {
                long Bucket(int i) => values[(((round * 2 * Heads) + row) * n) + i];
                var sorted = Enumerable.Range(0, n).OrderBy(Bucket).ThenBy(i => i).ToArray();
                var chunk = new int[n];
                for (var place = 0; place < n; place++)
                    chunk[sorted[place]] = place / Math.Min(bucketSize, n);
                for (var i = 0; i < n; i++)
                for (var j = 0; j < n; j++)
                    if (i != j && chunk[i] - chunk[j] is 0 or 1 && i != j && (across || Bucket(i) == Bucket(j)))
                        counts[row, grid.Leading + i, grid.Leading + j]++;
            }
            for (var i = 0; i < grid.Count; i++)
            {
                // A leading token is a key once in every round.
                for (var j = 0; j < grid.Count; j++)
                    if (i < grid.Leading || j < grid.Leading)
                        counts[row, i, j] = i < grid.Leading ? 1 : rounds;
                if (Enumerable.Range(0, grid.Count).All(j => counts[row, i, j] == 0))
                    counts[row, i, i] = 1;
            }
        }
        return scope.MoveToOuter(tensor(counts).view(2, Heads, grid.Count, grid.Count));
    }
}
