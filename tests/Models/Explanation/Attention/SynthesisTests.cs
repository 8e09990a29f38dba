using Tessera.Framework.Models;
using Tessera.Models.Attention;
using Tessera.Models.Explanation.Attention;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Explanation.Attention;

public sealed class SynthesisTests
{
    [Fact]
    public void Rollout_TwoTokensTwoBlocks_IsAsByHand()
    {
        using var scope = NewDisposeScope();
        AttentionBlock[] blocks =
        [
            Block(
                0,
                new TokenGrid(1, 2),
                new[,]
                {
                    { .5f, .5f },
                    { .25f, .75f },
                }
            ),
            Block(
                1,
                new TokenGrid(1, 2),
                new[,]
                {
                    { .1f, .9f },
                    { 1f, 0f },
                }
            ),
        ];
        // (A + I) / 2: [.75 .25; .125 .875] and [.55 .45; .5 .5]; the second times the first.
        Close([.46875f, .53125f, .4375f, .5625f], Product(blocks));
        // The mean of both rows.
        Close([.453125f, .546875f], AttentionSynthesis.Map(blocks, SynthesisKind.Rollout, fromLeading: false));
        // Column means of the blocks: (.375, .625) and (.55, .45).
        Close([.4625f, .5375f], AttentionSynthesis.Map(blocks, SynthesisKind.Mean, fromLeading: false));
        Close([.925f, 1.075f], AttentionSynthesis.Map(blocks, SynthesisKind.Sum, fromLeading: false));
    }

    [Fact]
    public void Rollout_ClassToken_IsItsRowWithoutItself()
    {
        using var scope = NewDisposeScope();
        AttentionBlock[] blocks =
        [
            Block(
                0,
                new TokenGrid(1, 2, 1),
                new[,]
                {
                    { .2f, .3f, .5f },
                    { 0f, 1f, 0f },
                    { 0f, 0f, 1f },
                }
            ),
        ];
        Close([.15f, .25f], AttentionSynthesis.Map(blocks, SynthesisKind.Rollout, fromLeading: true));
        Close([.3f, .5f], blocks[0].Map(HeadFusion.Mean, fromLeading: true));
    }

    [Fact]
    public void Rollout_Identity_IsIdentity_Uniform_IsUniform()
    {
        using var scope = NewDisposeScope();
        var grid = new TokenGrid(2, 3);
        AttentionBlock[] same =
        [
            .. Enumerable.Range(0, 4).Select(i => new AttentionBlock(i, $"{i}", null, grid, eye(6).expand(1, 2, 6, 6))),
        ];
        Assert.True((Product(same) - eye(6)).abs().max().item<float>() == 0);
        AttentionBlock[] uniform =
        [
            .. Enumerable.Range(0, 4).Select(i => new AttentionBlock(i, $"{i}", null, grid, full([1, 2, 6, 6], 1f / 6))),
        ];
        Close([.. Enumerable.Repeat(1f / 6, 6)], AttentionSynthesis.Map(uniform, SynthesisKind.Rollout, fromLeading: false));
    }

    [Theory]
    [InlineData(HeadFusion.Mean)]
    [InlineData(HeadFusion.Max)]
    public void Rollout_RandomBlocks_EqualsTheProductOfNormedMatrices(HeadFusion fusion)
    {
        using var scope = NewDisposeScope();
        var grid = new TokenGrid(2, 3, 1);
        var weights = Enumerable.Range(0, 3).Select(i => (Formula.Values($"logits {i}", 2, 4, 7, 7) * 3).softmax(-1)).ToArray();
        AttentionBlock[] blocks = [.. weights.Select((w, i) => new AttentionBlock(i, $"{i}", null, grid, w))];
        var expected = eye(7).expand(2, 7, 7);
        foreach (var w in weights)
        {
            var step = (fusion == HeadFusion.Mean ? w.mean([1]) : w.amax([1])) + eye(7);
            expected = (step / step.sum(-1, keepdim: true)).matmul(expected);
        }
        var product = AttentionSynthesis.Rows(blocks, eye(7).expand(2, 7, 7), SynthesisKind.Rollout, fusion);
        Assert.True((product - expected).abs().max().item<float>() < 1e-6f);
        Assert.True((product.sum(-1) - 1).abs().max().item<float>() < 1e-6f);
    }

    [Fact]
    public void Rollout_ShiftedPaddedWindows_RowsAddUpToOne_AndEqualTheDenseProduct()
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var grid = new TokenGrid(5, 7);
        var blocks = new List<AttentionBlock>();
        var expected = eye(35).expand(2, 35, 35);
        for (var i = 0; i < 2; i++)
        {
            var layer = Formula.Fill(
                Build.From<TokenAttention>("""{ "type": "WindowAttention", "window_size": 4 }""", new AttentionShape(12, 3, i))
            );
            using var tap = layer.Tap("weights");
            _ = layer.call(Formula.Values("tokens", 2, 35, 12), grid);
            blocks.Add(new AttentionBlock(i, $"{i}", (IAttentionMap)layer, grid, tap.Value.clone()));
            Assert.Equal(5, blocks[^1].Weights.dim()); // windows, no matrix
            var step = blocks[^1].OverTokens().mean([1]) + eye(35);
            expected = (step / step.sum(-1, keepdim: true)).matmul(expected);
        }
        var product = AttentionSynthesis.Rows(blocks, eye(35).expand(2, 35, 35));
        Assert.True((product - expected).abs().max().item<float>() < 1e-6f);
        Assert.True((product.sum(-1) - 1).abs().max().item<float>() < 1e-5f);
    }

    [Fact]
    public void Relevance_RandomBlocks_EqualsTheMatrixRecursion()
    {
        using var scope = NewDisposeScope();
        var grid = new TokenGrid(2, 2, 1);
        var blocks = new List<AttentionBlock>();
        var relevance = eye(5).expand(1, 5, 5);
        for (var i = 0; i < 3; i++)
        {
            var (weights, gradient) = (Formula.Values($"logits {i}", 1, 2, 5, 5).softmax(-1), Formula.Values($"gradient {i}", 1, 2, 5, 5));
            blocks.Add(new AttentionBlock(i, $"{i}", null, grid, weights, gradient));
            relevance = relevance + (weights * gradient).clamp_min(0).mean([1]).matmul(relevance); // R + E R
        }
        var rows = AttentionSynthesis.Rows(blocks, eye(5).expand(1, 5, 5), SynthesisKind.Relevance);
        Assert.True((rows - relevance).abs().max().item<float>() < 1e-6f);
        var map = AttentionSynthesis.Map(blocks, SynthesisKind.Relevance, fromLeading: true);
        Close([.. relevance[0, 0].narrow(0, 1, 4).data<float>().ToArray()], map);
        // Without a class token: the mean of the patches' rows, without what each is by itself.
        var mean = (relevance - eye(5)).narrow(1, 1, 4).mean([1]).narrow(1, 1, 4);
        Close([.. mean.contiguous().data<float>().ToArray()], AttentionSynthesis.Map(blocks, SynthesisKind.Relevance, fromLeading: false));
    }

    [Fact]
    public void Pyramid_TokensOfACoarserStage_ShareOutAmongThoseOfTheFiner()
    {
        using var scope = NewDisposeScope();
        // 3 x 5 tokens, then 2 x 3 of them: the last row and column are cut off.
        AttentionBlock[] blocks =
        [
            new(0, "fine", null, new TokenGrid(3, 5), eye(15).view(1, 1, 15, 15)),
            new(1, "coarse", null, new TokenGrid(2, 3, 1), eye(7).view(1, 1, 7, 7)),
        ];
        // All of it on one coarse token: the second of the grid's first row, which two rows and two columns became.
        var rows = zeros(1, 1, 7);
        rows[0, 0, 2] = 1;
        var fine = AttentionSynthesis.Rows(blocks, rows).view(3, 5);
        var expected = zeros(3, 5);
        foreach (var (y, x) in new[] { (0, 2), (0, 3), (1, 2), (1, 3) })
            expected[y, x] = 0.25f;
        Assert.True((fine - expected).abs().max().item<float>() < 1e-6f);
        // The corner is one token alone.
        rows = zeros(1, 1, 7);
        rows[0, 0, 6] = 1;
        Assert.Equal(1, AttentionSynthesis.Rows(blocks, rows).view(3, 5)[2, 4].item<float>());
        Assert.Equal([1, 3, 5], AttentionSynthesis.Map(blocks, SynthesisKind.Mean, fromLeading: true).shape);
    }

    private static AttentionBlock Block(int index, TokenGrid grid, float[,] weights)
    {
        var matrix = tensor(weights);
        return new AttentionBlock(index, $"block {index}", null, grid, matrix.view(1, 1, matrix.shape[0], matrix.shape[1]));
    }

    private static Tensor Product(AttentionBlock[] blocks)
    {
        var tokens = blocks[0].Grid.Count;
        return AttentionSynthesis.Rows(blocks, eye(tokens).expand(1, tokens, tokens));
    }

    private static void Close(float[] expected, Tensor actual) =>
        Assert.All(expected.Zip(actual.contiguous().data<float>().ToArray()), pair => Assert.Equal(pair.First, pair.Second, 1e-6f));
}
