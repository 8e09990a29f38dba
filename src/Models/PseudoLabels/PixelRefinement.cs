using static TorchSharp.torch;

namespace Tessera.Models.PseudoLabels;

/// <param name="Iterations">How often every pixel takes the weighted mean of its neighbours.</param>
/// <param name="Dilations">How far the eight neighbours lie, in pixels; by default 1, 2, 4, 8, 12 and 24.</param>
public sealed record PixelRefinementOptions([property: Range(1, 1000)] int Iterations = 10, int[]? Dilations = null);

/// <summary>Masks that follow the edges of an image: each pixel takes, again and again, the mean of its neighbours' masks, weighted by how
/// alike their colours are.</summary>
/// <remarks>
/// PAR of Ru et al., "Learning Affinity from Attention", 2022, arXiv:2203.02664, section 3.4, with the constants of its implementation:
/// weights softmaxₙ(−mean over colours of (|Δ| / (σ + 1e-8) / 0.3)²) + 0.01 softmaxₙ(−(d / σ_d / 0.3)²), σ the deviation of a colour
/// over the neighbours and d their distance (the dilation, or √2 times it); what lies outside the image is its border again. The weights
/// are divided by 1.01, so that they sum to 1: a mask that is the same everywhere stays as it is, and thresholds keep their meaning.
/// </remarks>
public sealed class PixelRefinement(PixelRefinementOptions? options = null)
{
    private const double Sharpness = 0.3;
    private const double Position = 0.01;

    private static readonly int[] s_dilations = [1, 2, 4, 8, 12, 24];

    private readonly int _iterations = options?.Iterations ?? new PixelRefinementOptions().Iterations;
    private readonly (int Down, int Right)[] _neighbours = Neighbours(options?.Dilations ?? s_dilations);

    /// <param name="image">[C, H, W], colours of any unit.</param>
    /// <param name="masks">[K, H, W].</param>
    /// <returns>[K, H, W], owned by the caller's dispose scope.</returns>
    public Tensor Refine(Tensor image, Tensor masks)
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var weights = Weights(image);
        var refined = masks.alias();
        for (var i = 0; i < _iterations; i++)
        {
            using var round = NewDisposeScope();
            var padded = Padded(refined);
            var sum = zeros_like(refined);
            for (var n = 0; n < _neighbours.Length; n++)
                sum.add_(Shifted(padded, n, refined) * weights[n]);
            refined = round.MoveToOuter(sum);
        }
        return scope.MoveToOuter(refined);
    }

    /// <summary>What each pixel takes of each neighbour.</summary>
    /// <param name="image">[C, H, W].</param>
    /// <returns>[neighbours, H, W], each pixel's sum 1; owned by the caller's dispose scope.</returns>
    public Tensor Weights(Tensor image)
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var count = _neighbours.Length;
        var padded = Padded(image);
        var sum = zeros_like(image);
        for (var n = 0; n < count; n++)
            sum.add_(Shifted(padded, n, image));
        var mean = sum / count;
        var squares = zeros_like(image);
        for (var n = 0; n < count; n++)
            squares.add_((Shifted(padded, n, image) - mean).pow(2));
        var unit = ((squares / Math.Max(count - 1, 1)).sqrt() + 1e-8) * Sharpness;
        var colours = new List<Tensor>();
        for (var n = 0; n < count; n++)
        {
            using var round = NewDisposeScope();
            var difference = (Shifted(padded, n, image) - image) / unit;
            colours.Add(round.MoveToOuter(-difference.pow(2).mean([0])));
        }
        var byColour = stack(colours).softmax(0);
        var byPlace = tensor(PlaceWeights(), dtype: image.dtype, device: image.device).view(count, 1, 1);
        return scope.MoveToOuter((byColour + (byPlace * Position)) / (1 + Position));
    }

    private double[] PlaceWeights()
    {
        var distances = _neighbours.Select(n => Math.Sqrt((n.Down * n.Down) + (n.Right * n.Right))).ToArray();
        var mean = distances.Average();
        var deviation = Math.Sqrt(distances.Sum(d => (d - mean) * (d - mean)) / Math.Max(distances.Length - 1, 1));
        var powers = distances.Select(d => Math.Exp(-Math.Pow(d / (deviation + 1e-8) / Sharpness, 2))).ToArray();
        return [.. powers.Select(power => power / powers.Sum())];
    }

    // As far as the farthest neighbour, the border repeated.
    private Tensor Padded(Tensor map)
    {
        var reach = Reach;
        var rows = arange(-reach, map.shape[1] + reach, dtype: ScalarType.Int64, device: map.device)
            .clamp_min(0)
            .clamp_max(map.shape[1] - 1);
        var columns = arange(-reach, map.shape[2] + reach, dtype: ScalarType.Int64, device: map.device)
            .clamp_min(0)
            .clamp_max(map.shape[2] - 1);
        return map.index_select(1, rows).index_select(2, columns);
    }

    private Tensor Shifted(Tensor padded, int neighbour, Tensor like)
    {
        var (down, right) = _neighbours[neighbour];
        return padded.narrow(1, Reach + down, like.shape[1]).narrow(2, Reach + right, like.shape[2]);
    }

    private int Reach => _neighbours.Max(n => Math.Max(Math.Abs(n.Down), Math.Abs(n.Right)));

    private static (int Down, int Right)[] Neighbours(int[] dilations)
    {
        if (dilations.Length == 0 || dilations.Any(dilation => dilation is < 1 or > 1024))
            throw new UserErrorException(
                $"The dilations [{string.Join(", ", dilations)}]: at least one, each from 1 to 1024, was expected."
            );
        return
        [
            .. from dilation in dilations
            from down in (int[])[-1, 0, 1]
            from right in (int[])[-1, 0, 1]
            where (down, right) != (0, 0)
            select (down * dilation, right * dilation),
        ];
    }
}
