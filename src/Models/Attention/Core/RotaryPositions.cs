using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Models.Attention.Core;

/// <summary>Turns pairs of channels of queries and keys by angles that grow with the token's row (half of the pairs) and column (the other
/// half), so that their products depend on where tokens lie to each other. Leading tokens stay as they are.</summary>
/// <remarks>
/// Su et al., "RoFormer", 2021, arXiv:2104.09864, in two dimensions as in EVA-02 (Fang et al., 2023, arXiv:2303.11331) and DINOv3
/// (Siméoni et al., 2025, arXiv:2508.10104). Tables are float32, and products with them too: under mixed precision queries and keys are
/// rounded once, behind. The authors of DINOv3 keep their wavelengths rounded to bfloat16; here, as in timm, they are not.
/// </remarks>
internal sealed class RotaryPositions : IDisposable
{
    private readonly SizeTables _tables = new();
    private readonly RotaryOptions _options;
    private readonly int _width;

    /// <param name="width">d, channels of a head.</param>
    /// <param name="owner">For messages.</param>
    /// <exception cref="UserErrorException">Four doesn't divide the width, or an option has no place.</exception>
    public RotaryPositions(RotaryOptions options, int width, string owner)
    {
        (_options, _width) = (options, width);
        if (width % 4 != 0)
            throw new UserErrorException(
                $"{owner}: rotary positions turn pairs of a head's channels, half of the pairs by row and half by column, so that a head's "
                    + $"width must be a multiple of 4, not {width}: choose embed_dim and num_heads so."
            );
        if (options is { Coordinates: RotaryCoordinates.Normalized, ReferenceGrid: not null })
            throw new UserErrorException($"{owner}: rotary.reference_grid belongs to rotary.coordinates \"patches\".");
    }

    /// <param name="x">Queries or keys, [B, heads, N, d].</param>
    /// <returns>[B, heads, N, d].</returns>
    public Tensor Turn(Tensor x, TokenGrid grid)
    {
        var tables = _tables.Get(grid, x.device, () => Angles(grid, x.device));
        var (cosines, sines) = (tables[0]!, tables[1]!);
        var half = _width / 2;
        Tensor turned;
        if (_options.Pairs == RotaryPairs.Halves)
        {
            var (a, b) = (x.narrow(-1, 0, half), x.narrow(-1, half, half));
            turned = cat([(a * cosines) - (b * sines), (b * cosines) + (a * sines)], -1);
        }
        else
        {
            var pairs = x.reshape([.. x.shape[..^1], half, 2]);
            var (a, b) = (pairs.select(-1, 0), pairs.select(-1, 1));
            turned = stack([(a * cosines) - (b * sines), (b * cosines) + (a * sines)], -1).flatten(-2);
        }
        return turned.to(x.dtype);
    }

    public void Dispose() => _tables.Dispose();

    /// <summary>Cosines and sines of each token's angles, [N, d / 2]: rows first, then columns.</summary>
    private Tensor?[] Angles(TokenGrid grid, Device device)
    {
        var (rows, columns) = (
            Coordinates(grid.Height, _options.ReferenceGrid?.Height),
            Coordinates(grid.Width, _options.ReferenceGrid?.Width)
        );
        var slowest = _options.Base ?? (_options.Coordinates == RotaryCoordinates.Normalized ? 100 : 10_000);
        var (count, half) = (_width / 4, _width / 2);
        var (cosines, sines) = (new float[grid.Count * half], new float[grid.Count * half]);
        for (var token = 0; token < grid.Count; token++)
        for (var i = 0; i < half; i++)
        {
            var place = token - grid.Leading;
            var position =
                place < 0 ? 0
                : i < count ? rows[place / grid.Width]
                : columns[place % grid.Width];
            var (sine, cosine) = Math.SinCos(position * Math.Pow(slowest, -(double)(i % count) / count));
            (cosines[(token * half) + i], sines[(token * half) + i]) = ((float)cosine, (float)sine);
        }
        return [tensor(cosines, device: device).view(grid.Count, half), tensor(sines, device: device).view(grid.Count, half)];
    }

    // In radians of the fastest channels.
    private double[] Coordinates(int count, int? reference) =>
        [
            .. Enumerable
                .Range(0, count)
                .Select(i =>
                    _options.Coordinates == RotaryCoordinates.Normalized
                        ? 2 * Math.PI * ((2 * (i + 0.5) / count) - 1)
                        : i * (double)(reference ?? count) / count
                ),
        ];
}
