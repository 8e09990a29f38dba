namespace Tessera.Models.Detection.RoI;

/// <summary>
/// Along one axis, which pixels of a map make up each bin of each region, and by what shares. The samples of a bin lie on a grid and each
/// is bilinear, so that a bin's value is the sum over rows and columns of row share · column share · pixel: the two axes are independent,
/// and pixels that several samples touch are read once.
/// </summary>
internal sealed class BinWeights
{
    private readonly List<int> _pixels = [];
    private readonly List<float> _shares = [];

    /// <summary>Bins of a region.</summary>
    public int Bins { get; }

    /// <summary>[regions · bins + 1], where each bin's entries begin.</summary>
    public int[] Starts { get; }

    public ReadOnlySpan<int> Pixels => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_pixels);

    public ReadOnlySpan<float> Shares => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_shares);

    /// <param name="low">[regions], one side of each region, in pixels of the image.</param>
    /// <param name="high">[regions], the other.</param>
    /// <param name="scaleOf">A region's map's size over the image's.</param>
    /// <param name="lengthOf">Pixels of a region's map along the axis.</param>
    public BinWeights(float[] low, float[] high, Func<int, float> scaleOf, Func<int, int> lengthOf, RoIGrid grid)
    {
        Bins = grid.OutputSize;
        Starts = new int[(low.Length * Bins) + 1];
        for (var region = 0; region < low.Length; region++)
            Add(region, low[region], high[region], scaleOf(region), lengthOf(region), grid);
    }

    /// <summary>The most pixels of a bin.</summary>
    public int Most
    {
        get
        {
            var most = 0;
            for (var i = 1; i < Starts.Length; i++)
                most = Math.Max(most, Starts[i] - Starts[i - 1]);
            return most;
        }
    }

    // In float32 and in torchvision's order, so that the same samples fall inside the map.
    private void Add(int region, float low, float high, float scale, int length, RoIGrid grid)
    {
        var offset = grid.Aligned ? 0.5f : 0;
        var start = (low * scale) - offset;
        var extent = (high * scale) - offset - start;
        if (!grid.Aligned)
            extent = MathF.Max(extent, 1);
        var bin = extent / Bins;
        var samples = grid.SamplingRatio > 0 ? grid.SamplingRatio : (int)MathF.Ceiling(extent / Bins);
        for (var i = 0; i < Bins; i++)
        {
            var first = _pixels.Count;
            for (var sample = 0; sample < samples; sample++)
                AddSample(start + (i * bin) + ((sample + 0.5f) * bin / samples), length, 1f / samples, first);
            Starts[(region * Bins) + i + 1] = _pixels.Count;
        }
    }

    private void AddSample(float at, int length, float share, int first)
    {
        if (!(at >= -1 && at <= length))
            return; // outside: nothing, and no number is nothing, too
        at = MathF.Max(at, 0);
        var below = (int)at;
        if (below >= length - 1)
        {
            Add(length - 1, share, first);
            return;
        }
        var above = at - below;
        Add(below, (1 - above) * share, first);
        if (above > 0)
            Add(below + 1, above * share, first);
    }

    private void Add(int pixel, float share, int first)
    {
        for (var i = _pixels.Count - 1; i >= Math.Max(first, _pixels.Count - 2); i--)
        {
            if (_pixels[i] != pixel)
                continue;
            _shares[i] += share;
            return;
        }
        _pixels.Add(pixel);
        _shares.Add(share);
    }
}
