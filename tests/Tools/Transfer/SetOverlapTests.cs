using Tessera.Framework.Errors;
using Tessera.Generation;
using static TorchSharp.torch;

namespace Tessera.Tests.Tools.Transfer;

[Collection(InProcess.Name)]
public sealed class SetOverlapTests
{
    [Fact]
    public void Overlap_OnALine_IsByHand()
    {
        using var scope = NewDisposeScope();
        // One neighbour: real points reach 1 each, so they cover [-1, 4]; generated ones reach 3.4, 3.4, 6.1 and 10.
        var (real, generated) = (Points(0, 1, 2, 3), Points(0.5f, 3.9f, 10, 20));
        Assert.Equal(new SetOverlap(0.5, 1), SetOverlap.Of(real, generated, 1));
        Assert.Equal(new SetOverlap(1, 0.5), SetOverlap.Of(generated, real, 1));
        Assert.Equal(new SetOverlap(1, 1), SetOverlap.Of(real, real, 1));
        Assert.Equal(new SetOverlap(0, 0), SetOverlap.Of(real, real + 100, 1));
    }

    [Fact]
    public void Overlap_OfManyVectors_IsThatOfPairs()
    {
        using var scope = NewDisposeScope();
        random.manual_seed(4);
        var (real, generated) = (randn(300, 3), (randn(280, 3) * 0.7) + 0.8); // more than one block of rows
        foreach (var k in new[] { 1, 3, 5 })
        {
            var found = SetOverlap.Of(real, generated, k);
            Assert.Equal(Covered(Rows(generated), Rows(real), k), found.Precision, 1e-12);
            Assert.Equal(Covered(Rows(real), Rows(generated), k), found.Recall, 1e-12);
            Assert.InRange(found.Precision, 0.05, 0.999);
        }
    }

    [Fact]
    public void Overlap_OfTooFew_IsAMistake()
    {
        using var scope = NewDisposeScope();
        var error = Assert.Throws<UserErrorException>(() => SetOverlap.Of(Points(1, 2, 3), Points(1, 2, 3, 4), 3));
        Assert.Contains("3 real and 4 generated", error.Message, StringComparison.Ordinal);
    }

    private static double Covered(float[][] points, float[][] others, int k)
    {
        var reach = others.Select(o => others.Select(p => Distance(o, p)).Order().ElementAt(k)).ToArray();
        return points.Average(p => others.Select((o, i) => Distance(p, o) <= reach[i]).Any(inside => inside) ? 1.0 : 0);
    }

    private static double Distance(float[] a, float[] b) => a.Zip(b, (x, y) => ((double)x - y) * ((double)x - y)).Sum();

    private static float[][] Rows(Tensor rows) => [.. Tessera.Torch.TensorValues.Values<float>(rows).Chunk((int)rows.shape[1])];

    private static Tensor Points(params float[] values) => tensor(values).reshape(-1, 1);
}
