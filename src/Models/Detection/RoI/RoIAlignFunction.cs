using System.Numerics;
using System.Runtime.InteropServices;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Models.Detection.RoI;

/// <summary><see cref="RoIAlign"/> on the host: y = Σ share · pixel, dL/dpixel = Σ share · dL/dy, channels a vector at a time.</summary>
/// <remarks>Arguments: the maps, [B, H, W, C], contiguous float32, then a <see cref="RoIPlan"/>.</remarks>
internal sealed class RoIAlignFunction : autograd.SingleTensorFunction<RoIAlignFunction>
{
    public override string Name => nameof(RoIAlignFunction);

    /// <returns>[regions, size, size, C].</returns>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var plan = (RoIPlan)vars[^1];
        var maps = vars[..^1].Cast<Tensor>().ToArray();
        ctx.save_data(nameof(plan), plan);
        ctx.save_data("shapes", Array.ConvertAll(maps, map => map.shape));
        var pooled = zeros(plan.Regions.Count, plan.Size, plan.Size, maps[0].shape[3]);
        if (pooled.numel() > 0)
            Parallel.For(0, plan.Regions.Count, region => Gather(plan, region, Floats(maps[plan.Levels[region]]), Floats(pooled)));
        return pooled;
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var plan = (RoIPlan)ctx.get_data("plan");
        var shapes = (long[][])ctx.get_data("shapes");
        using var scope = NewDisposeScope();
        var gradients = Array.ConvertAll(shapes, shape => zeros(shape));
        var given = grad_output.to(ScalarType.Float32).contiguous();
        if (given.numel() > 0)
            // No two threads write to one image.
            Parallel.ForEach(
                Enumerable.Range(0, plan.Regions.Count).GroupBy(region => plan.Regions.Images[region]),
                regions =>
                {
                    foreach (var region in regions)
                        Scatter(plan, region, Floats(given), Floats(gradients[plan.Levels[region]]));
                }
            );
        return BackwardResult.Of(grad_output, [.. gradients, null]); // the plan has no gradient
    }

    private static void Gather(RoIPlan plan, int region, ReadOnlySpan<float> map, Span<float> pooled)
    {
        var size = plan.Size;
        var channels = pooled.Length / (plan.Regions.Count * size * size);
        for (var bin = 0; bin < size * size; bin++)
        {
            var sum = pooled.Slice(((region * size * size) + bin) * channels, channels);
            foreach (var (pixel, share) in new BinPixels(plan, region, bin))
                AddTimes(map.Slice(pixel * channels, channels), share, sum);
        }
    }

    private static void Scatter(RoIPlan plan, int region, ReadOnlySpan<float> given, Span<float> gradient)
    {
        var size = plan.Size;
        var channels = given.Length / (plan.Regions.Count * size * size);
        for (var bin = 0; bin < size * size; bin++)
        {
            var ofBin = given.Slice(((region * size * size) + bin) * channels, channels);
            foreach (var (pixel, share) in new BinPixels(plan, region, bin))
                AddTimes(ofBin, share, gradient.Slice(pixel * channels, channels));
        }
    }

    /// <summary>sum += values · factor.</summary>
    private static void AddTimes(ReadOnlySpan<float> values, float factor, Span<float> sum)
    {
        var from = MemoryMarshal.Cast<float, Vector<float>>(values);
        var to = MemoryMarshal.Cast<float, Vector<float>>(sum);
        var factors = new Vector<float>(factor);
        for (var i = 0; i < to.Length && i < from.Length; i++)
            to[i] = Vector.FusedMultiplyAdd(from[i], factors, to[i]);
        for (var i = to.Length * Vector<float>.Count; i < sum.Length; i++)
            sum[i] += values[i] * factor;
    }

    private static Span<float> Floats(Tensor tensor) => MemoryMarshal.Cast<byte, float>(tensor.bytes);
}

/// <summary>The pixels of a bin, as indices into [B, H, W], with their shares.</summary>
internal ref struct BinPixels
{
    private readonly ReadOnlySpan<int> _rows,
        _columns;
    private readonly ReadOnlySpan<float> _rowShares,
        _columnShares;
    private readonly int _start,
        _width;
    private int _row,
        _column = -1;

    public BinPixels(RoIPlan plan, int region, int bin)
    {
        var (row, column) = Math.DivRem(bin, plan.Size);
        var (height, width) = plan.Sizes[plan.Levels[region]];
        (_start, _width) = (plan.Regions.Images[region] * height * width, width);
        var (rows, columns) = (Entries(plan.Rows, (region * plan.Size) + row), Entries(plan.Columns, (region * plan.Size) + column));
        _rows = plan.Rows.Pixels[rows];
        _rowShares = plan.Rows.Shares[rows];
        _columns = plan.Columns.Pixels[columns];
        _columnShares = plan.Columns.Shares[columns];
    }

    public readonly (int Pixel, float Share) Current =>
        (_start + (_rows[_row] * _width) + _columns[_column], _rowShares[_row] * _columnShares[_column]);

    public readonly BinPixels GetEnumerator() => this;

    public bool MoveNext()
    {
        if (++_column < _columns.Length)
            return _row < _rows.Length;
        _column = 0;
        return ++_row < _rows.Length && _columns.Length > 0;
    }

    private static Range Entries(BinWeights axis, int bin) => axis.Starts[bin]..axis.Starts[bin + 1];
}
