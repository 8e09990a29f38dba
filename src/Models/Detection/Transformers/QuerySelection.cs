using static TorchSharp.torch;

namespace Tessera.Models.Detection.Transformers;

/// <summary>The boxes that a cell of each map begins with.</summary>
internal static class CellAnchors
{
    private const double Side = 0.05; // of the first map; doubled by each
    private const double Edge = 0.01;

    /// <param name="sizes">Height and width of each map.</param>
    /// <returns>[1, M, 4], centre and sides before the sigmoid (infinite where not valid), and [1, M, 1], whether all four lie
    /// within (0.01, 0.99).</returns>
    public static (Tensor Boxes, Tensor Valid) Of(IReadOnlyList<(int Height, int Width)> sizes, Device device)
    {
        var count = sizes.Sum(size => size.Height * size.Width);
        var (boxes, valid) = (new float[count * 4], new bool[count]);
        var at = 0;
        foreach (var (level, (height, width)) in sizes.Index())
            for (var cell = 0; cell < height * width; cell++, at++)
            {
                var side = (float)(Side * Math.Pow(2, level));
                Span<float> box = [((cell % width) + 0.5f) / width, ((cell / width) + 0.5f) / height, side, side];
                valid[at] = true;
                foreach (var value in box)
                    valid[at] &= value > Edge && value < 1 - Edge;
                for (var i = 0; i < 4; i++)
                    boxes[(at * 4) + i] = valid[at] ? MathF.Log(box[i] / (1 - box[i])) : float.PositiveInfinity;
            }
        return (tensor(boxes, device: device).view(1, count, 4), tensor(valid, device: device).view(1, count, 1));
    }
}

/// <summary>What the encoder's best cells say, with which the decoder begins.</summary>
/// <param name="Tokens">[B, Q, C], without gradient.</param>
/// <param name="Logits">[B, Q, classes].</param>
/// <param name="Boxes">[B, Q, 4], centre and sides before the sigmoid.</param>
internal sealed record SelectedQueries(Tensor Tokens, Tensor Logits, Tensor Boxes);

/// <summary>What decoder layers say.</summary>
/// <param name="Logits">[L, B, Q, classes].</param>
/// <param name="Boxes">[L, B, Q, 4], centre and sides, relative.</param>
internal sealed record QueryAnswers(Tensor Logits, Tensor Boxes);
