using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Models.Layers;

/// <summary>Positional embeddings of a grid of patches, as they are learned for another grid or given by a formula.</summary>
public static class PositionEmbedding
{
    /// <summary>Sines (even channels) and cosines (odd ones) of the position, their wave lengths rising from 2π to 20,000π.</summary>
    /// <remarks>Vaswani et al., "Attention Is All You Need", 2017, arXiv:1706.03762, section 3.5.</remarks>
    /// <returns>[1, positions, channels].</returns>
    public static Tensor Sinusoid(int positions, int channels)
    {
        var values = new float[positions * channels];
        for (var i = 0; i < values.Length; i++)
        {
            var channel = i % channels;
            var angle = i / channels / Math.Pow(10000, 2.0 * (channel / 2) / channels);
            values[i] = (float)(channel % 2 == 0 ? Math.Sin(angle) : Math.Cos(angle));
        }
        return tensor(values).reshape(1, positions, channels);
    }

    /// <summary>Resizes, by default bicubic and antialiased (no other mode is); the leading (class) tokens stay. Differentiable.</summary>
    /// <param name="embedding">[1, leading + h · w, C].</param>
    /// <param name="leading">Tokens before the grid.</param>
    /// <param name="from">(h, w) of the grid at hand.</param>
    /// <param name="to">(h', w') of the grid wanted.</param>
    /// <returns>[1, leading + h' · w', C]; the embedding itself where the grids agree.</returns>
    public static Tensor Resize(
        Tensor embedding,
        int leading,
        (int Height, int Width) from,
        (int Height, int Width) to,
        InterpolationMode mode = InterpolationMode.Bicubic
    )
    {
        if (from == to)
            return embedding;
        using var scope = NewDisposeScope();
        var channels = embedding.shape[2];
        var grid = embedding
            .narrow(1, leading, (long)from.Height * from.Width)
            .to(ScalarType.Float32)
            .reshape(1, from.Height, from.Width, channels)
            .permute(0, 3, 1, 2); // [1, C, h, w]
        grid = nn.functional.interpolate(
            grid,
            size: [to.Height, to.Width],
            mode: mode,
            align_corners: mode == InterpolationMode.Nearest ? null : false,
            antialias: mode == InterpolationMode.Bicubic
        );
        grid = grid.flatten(2).transpose(1, 2).to(embedding.dtype); // [1, h' * w', C]
        return scope.MoveToOuter(leading == 0 ? grid : cat([embedding.narrow(1, 0, leading), grid], 1));
    }

    /// <summary>Resizes, bicubic without antialiasing, at a scale that is computed with something added to the sides wanted, as DINO
    /// and what follows it do against rounding. Differentiable.</summary>
    /// <param name="embedding">[1, h · w, C].</param>
    /// <param name="from">(h, w) of the grid at hand.</param>
    /// <param name="to">(h', w') of the grid wanted.</param>
    /// <param name="offset">What is added to h' and w', below 1; 0: the scale is that of the grids.</param>
    /// <returns>[1, h' · w', C]; the embedding itself where the grids agree.</returns>
    public static Tensor Scaled(Tensor embedding, (int Height, int Width) from, (int Height, int Width) to, double offset)
    {
        if (from == to)
            return embedding;
        using var scope = NewDisposeScope();
        var grid = embedding.to(ScalarType.Float32).reshape(1, from.Height, from.Width, -1).permute(0, 3, 1, 2); // [1, C, h, w]
        grid = nn.functional.interpolate(
            grid,
            size: offset == 0 ? [to.Height, to.Width] : null,
            scale_factor: offset == 0 ? null : [(to.Height + offset) / from.Height, (to.Width + offset) / from.Width],
            mode: InterpolationMode.Bicubic,
            align_corners: false,
            recompute_scale_factor: false
        );
        return scope.MoveToOuter(grid.flatten(2).transpose(1, 2).to(embedding.dtype)); // [1, h' * w', C]
    }

    /// <summary>Sines and cosines of a position's row and column, at wavelengths from 2π to 20,000π patches.</summary>
    /// <remarks>Vaswani et al., 2017, arXiv:1706.03762, in two dimensions as in Chen et al., "MoCo v3", 2021, arXiv:2104.02057.</remarks>
    /// <param name="grid">(h, w).</param>
    /// <param name="channels">C, a multiple of 4.</param>
    /// <returns>[1, h · w, C]: sines and cosines of the column, then of the row.</returns>
    public static Tensor SinCos((int Height, int Width) grid, int channels)
    {
        using var scope = NewDisposeScope();
        var count = channels / 4;
        var frequencies = arange(count, dtype: ScalarType.Float64).mul(-Math.Log(10_000) / count).exp(); // [C / 4]
        var columns = arange(grid.Width, dtype: ScalarType.Float64).repeat(grid.Height).outer(frequencies); // [h * w, C / 4]
        var rows = arange(grid.Height, dtype: ScalarType.Float64).repeat_interleave(grid.Width).outer(frequencies);
        return scope.MoveToOuter(cat([columns.sin(), columns.cos(), rows.sin(), rows.cos()], 1).unsqueeze(0).to(ScalarType.Float32));
    }

    /// <summary>
    /// A checkpoint's embedding made to fit: its grid is resized, and a class token it has too many is left out, or one
    /// that it lacks is given the embedding zero. A form that is not understood comes back as it is, for the loader to report.
    /// </summary>
    /// <param name="stored">[1, N, C], its grid square unless it has the wanted number of tokens.</param>
    /// <param name="leading">Tokens before the grid that are wanted; where they are several, the stored embedding must have them.</param>
    /// <param name="grid">The grid that is wanted.</param>
    public static Tensor Fit(Tensor stored, int leading, (int Height, int Width) grid)
    {
        if (stored.dim() != 3 || stored.shape[0] != 1 || stored.shape[1] == leading + (long)grid.Height * grid.Width)
            return stored;
        if (!Split(stored.shape[1], leading, grid, out var has, out var side))
            return stored;
        using var scope = NewDisposeScope();
        var patches = stored.narrow(1, has, stored.shape[1] - has);
        patches = Resize(patches, 0, side, grid);
        if (leading == 0)
            return scope.MoveToOuter(patches.clone());
        var token = has > 0 ? stored.narrow(1, 0, leading) : zeros([1, 1, stored.shape[2]], dtype: stored.dtype, device: stored.device);
        return scope.MoveToOuter(cat([token, patches], 1));
    }

    // Tokens = has + side * side; a grid of the wanted size but for the class token need not be square.
    private static bool Split(long tokens, int leading, (int Height, int Width) grid, out int has, out (int, int) side)
    {
        var patches = (long)grid.Height * grid.Width;
        foreach (var count in leading > 1 ? [leading] : new[] { leading, 1 - leading })
        {
            (has, side) = (count, grid);
            if (tokens - count == patches)
                return true;
            var root = (int)Math.Round(Math.Sqrt(Math.Max(0, tokens - count)));
            side = (root, root);
            if (root > 0 && (long)root * root == tokens - count)
                return true;
        }
        (has, side) = (0, default);
        return false;
    }
}
