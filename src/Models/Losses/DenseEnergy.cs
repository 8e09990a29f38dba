using Tessera.Models.Layers;
using Tessera.Torch;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Losses;

/// <summary>Constants of <see cref="DenseEnergy"/>; the defaults are those that ToCo was trained with.</summary>
/// <param name="SigmaRgb">Deviation of colours, in units of 0 to 255.</param>
/// <param name="SigmaXy">Deviation of places in pixels of the full size.</param>
/// <param name="Scale">At which size, relative to the full one, pixels are compared: their number falls with its square, the pairs with its
/// fourth power.</param>
/// <param name="Factor">Of the sum over all pairs.</param>
public sealed record DenseEnergyOptions(
    [property: Range(1e-3, 1e6)] double SigmaRgb = 15,
    [property: Range(1e-3, 1e6)] double SigmaXy = 100,
    [property: Range(0.01, 1.0)] double Scale = 0.5,
    [property: Range(0.0, 1e6)] double Factor = 1e-7
);

/// <summary>Pixels of like colours that lie near one another are to have like probabilities: the energy of a dense random field over a
/// segmentation.</summary>
/// <remarks>
/// −factor / B · Σ over images, classes k and pixels i of S_ki G_i Σ_j exp(−½ |f_i − f_j|²) S_kj, over all pairs of pixels, i with itself
/// too, and not divided by their number; f is the place over its deviation and the colour over its own. S are probabilities, 0 outside of
/// the image; the gate G_i is 1 − max_k S_ki, 1 where the label is unknown, 0 outside. Tang et al., "On Regularized Losses for
/// Weakly-supervised CNN Segmentation", ECCV 2018, arXiv:1803.09569; gates of Zhang et al., "Reliability Does Matter", AAAI 2020,
/// arXiv:1911.08039, as ToCo (arXiv:2303.01267) has both. As published, the gradient by S_ki is −2 · factor / B · G_i Σ_j exp(…) S_kj: the
/// gate counts as a constant, and as the pixel's own. Published implementations approximate the sum over pairs by a lattice; here it is
/// exact, in blocks of rows, so that memory grows with the number of pixels, time with its square.
/// </remarks>
public static class DenseEnergy
{
    private const long Ignored = 255;
    private const long BlockValues = 1L << 21; // of the pairs that are held at once

    /// <param name="colours">[B, C, H, W], in units of 0 to 255; any offset.</param>
    /// <param name="probabilities">[B, K, H, W].</param>
    /// <param name="labels">[B, H, W], int64: 255 is unknown.</param>
    /// <param name="outside">[B, H, W], true in padding; null: none.</param>
    /// <returns>A scalar, float32, not above 0.</returns>
    public static Tensor Of(Tensor colours, Tensor probabilities, Tensor labels, Tensor? outside = null, DenseEnergyOptions? options = null)
    {
        options ??= new DenseEnergyOptions();
        using var scope = NewDisposeScope();
        using var full = Autocast.Leave(probabilities.device_type);
        long[] size = [Smaller(colours.shape[2], options.Scale), Smaller(colours.shape[3], options.Scale)];
        var small = Upsampling.To(probabilities.to(ScalarType.Float32), size, alignCorners: false); // [B, K, h, w]
        Tensor constant; // what each probability is multiplied by
        using (no_grad())
        {
            var inside = outside is null ? ones_like(small[.., 0]) : Picked(outside, size).logical_not().to(ScalarType.Float32);
            var gate = (inside - small.amax([1])).clamp_min(0).masked_fill(Picked(labels, size).eq(Ignored), 1);
            var sums = new List<Tensor>();
            for (var i = 0; i < small.shape[0]; i++)
                sums.Add(Filtered(Features(Picked(colours[i].to(ScalarType.Float32), size), options), (small[i] * inside[i]).flatten(1)));
            constant = stack(sums).view(small.shape) * (gate * inside).unsqueeze(1);
        }
        var energy = (small * constant).sum();
        // The value is the energy's; the gradient twice the constant, as that of a quadratic form.
        return scope.MoveToOuter(((energy * 2) - energy.detach()) * (-options.Factor / small.shape[0]));
    }

    /// <summary>Σ_j exp(−½ |f_i − f_j|²) v_kj for every i.</summary>
    /// <param name="features">[N, D].</param>
    /// <param name="values">[K, N].</param>
    /// <returns>[K, N], of the caller's dispose scope.</returns>
    internal static Tensor Filtered(Tensor features, Tensor values)
    {
        using var scope = NewDisposeScope();
        var half = features.pow(2).sum(1, keepdim: true) * -0.5; // [N, 1]
        var one = ones_like(half);
        var keys = cat([features, one, half], 1).t().contiguous(); // f_i · f_j − ½ |f_i|² − ½ |f_j|² as one product
        var queries = cat([features, half, one], 1);
        var columns = values.t().contiguous(); // [N, K]
        var (count, step) = (features.shape[0], Math.Max(1, BlockValues / features.shape[0]));
        var rows = new List<Tensor>();
        for (var first = 0L; first < count; first += step)
        {
            using var block = NewDisposeScope();
            var alike = queries.narrow(0, first, Math.Min(step, count - first)).matmul(keys).clamp_(max: 0).exp_();
            rows.Add(block.MoveToOuter(alike.matmul(columns)));
        }
        return scope.MoveToOuter(cat(rows).t());
    }

    // [N, C + 2]; colours around their mean, so that squares stay small.
    private static Tensor Features(Tensor colours, DenseEnergyOptions options)
    {
        var (height, width, reach) = (colours.shape[1], colours.shape[2], options.SigmaXy * options.Scale);
        var down = arange(height, dtype: ScalarType.Float32, device: colours.device).unsqueeze(1).expand(height, width) / reach;
        var right = arange(width, dtype: ScalarType.Float32, device: colours.device).unsqueeze(0).expand(height, width) / reach;
        var flat = colours.flatten(1); // [C, N]
        var centred = (flat - flat.mean([1], keepdim: true)) / options.SigmaRgb;
        return cat([right.reshape(1, -1) - right.mean(), down.reshape(1, -1) - down.mean(), centred]).t();
    }

    private static long Smaller(long side, double scale) => Math.Max(1, (long)(side * scale));

    // Pixels of a smaller grid, the nearest above and to the left, as libtorch's "nearest" takes them.
    private static Tensor Picked(Tensor map, long[] size)
    {
        var (rows, columns) = (map.dim() - 2, map.dim() - 1);
        return map.index_select(rows, Places(map.shape[rows], size[0], map.device))
            .index_select(columns, Places(map.shape[columns], size[1], map.device));
    }

    private static Tensor Places(long from, long to, Device device) =>
        tensor(Enumerable.Range(0, (int)to).Select(i => i * from / to).ToArray(), device: device);
}
