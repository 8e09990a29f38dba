using Tessera.Models.Detection.Coders;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Detection;

public sealed class BoxCoderTests
{
    public static TheoryData<string> Coders() =>
        [
            """{ "type": "DeltaXywhCoder" }""",
            """{ "type": "DeltaXywhCoder", "target_means": [0.1, 0, -0.1, 0], "target_stds": [0.1, 0.1, 0.2, 0.2] }""",
            """{ "type": "DistanceCoder" }""",
            """{ "type": "DistanceCoder", "normalize_by_size": false }""",
        ];

    [Theory]
    [MemberData(nameof(Coders))]
    public void Decode_OfEncoded_IsTheBox(string config)
    {
        using var scope = NewDisposeScope();
        var coder = Build.From<BoxCoder>(config);
        var (anchors, boxes) = (Boxes("boxes_a"), Boxes("boxes_b"));
        var decoded = coder.Decode(anchors, coder.Encode(anchors, boxes));
        Assert.InRange((decoded - boxes).abs().max().item<float>(), 0, 1e-4f);
    }

    [Fact]
    public void DeltaXywh_ByHand()
    {
        // Anchor 10 x 20 around (5, 10); box 20 x 20 around (7, 10): shift 2 / 10, width doubled.
        var codes = new DeltaXywhCoder(new())
            .Encode(
                tensor(
                    new float[,]
                    {
                        { 0, 0, 10, 20 },
                    }
                ),
                tensor(
                    new float[,]
                    {
                        { -3, 0, 17, 20 },
                    }
                )
            )
            .Values<float>();
        Assert.Equal(
            [0.2f, 0, MathF.Log(2), 0],
            codes.Select(code => MathF.Round(code, 6) is var r && r == MathF.Round(MathF.Log(2), 6) ? MathF.Log(2) : r)
        );
    }

    [Fact]
    public void DeltaXywh_HugeCode_IsClipped()
    {
        var box = new DeltaXywhCoder(new())
            .Decode(
                tensor(
                    new float[,]
                    {
                        { 0, 0, 16, 16 },
                    }
                ),
                tensor(
                    new float[,]
                    {
                        { 0, 0, 100, 100 },
                    }
                )
            )
            .Values<float>();
        Assert.Equal(1000f, box[2] - box[0], 0.01f); // 16 · 1000 / 16
    }

    [Fact]
    public void Distance_ByHand()
    {
        // Centre (8, 8) of an 8-pixel place; box 4, 0, 16, 24: 4 left, 8 up, 8 right, 16 down.
        var anchors = tensor(
            new float[,]
            {
                { 4, 4, 12, 12 },
            }
        );
        var box = tensor(
            new float[,]
            {
                { 4, 0, 16, 24 },
            }
        );
        Assert.Equal([4, 8, 8, 16], new DistanceCoder(new(false)).Encode(anchors, box).Values<float>());
        Assert.Equal([0.5f, 1, 1, 2], new DistanceCoder(new()).Encode(anchors, box).Values<float>());
    }

    private static Tensor Boxes(string name) =>
        cat([Formula.Values(name, 20, 2, 1).squeeze(2) * 30, 40 + Formula.Values(name + "2", 20, 2, 1).squeeze(2) * 8], 1);
}
