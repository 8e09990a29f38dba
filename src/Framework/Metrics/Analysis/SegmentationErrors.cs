using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;

namespace Tessera.Framework.Metrics.Analysis;

/// <param name="Boundary">How far from another class a pixel still belongs to the boundary, in parts of the image's diagonal.</param>
public sealed record SegmentationErrorOptions(double Boundary = 0.02);

/// <summary>A class taken for another.</summary>
/// <param name="Truth">Index of the class that it is.</param>
/// <param name="Predicted">Index of the class that it is taken for.</param>
/// <param name="Pixels">How many.</param>
/// <param name="AtBoundary">How many of them at the boundary.</param>
/// <param name="Gain">By how much mIoU would rise if these alone were right.</param>
public sealed record ConfusedPair(int Truth, int Predicted, long Pixels, long AtBoundary, double Gain);

/// <summary>Pixels and mistakes of a class's truth.</summary>
/// <param name="IoU">NaN where the class is neither there nor predicted.</param>
public sealed record SegmentedClass(string Name, double IoU, long Boundary, long BoundaryWrong, long Interior, long InteriorWrong);

/// <summary>The band of pixels that are at most this far from another class.</summary>
/// <param name="Width">In pixels.</param>
/// <param name="Wrong">How many of them are wrong.</param>
public sealed record BoundaryBand(int Width, long Pixels, long Wrong);

/// <summary>Where a segmentor is wrong.</summary>
/// <param name="MeanIoU">In [0, 1].</param>
/// <param name="BoundaryGain">By how much mIoU would rise if the boundary were right.</param>
/// <param name="InteriorGain">If everything else were.</param>
/// <param name="Classes">By index.</param>
/// <param name="Pairs">The greatest gain first.</param>
/// <param name="Bands">By width.</param>
/// <param name="Pixels">All that the truth doesn't ignore.</param>
/// <param name="Wrong">Of all pixels.</param>
public sealed record SegmentationErrorResult(
    double MeanIoU,
    double BoundaryGain,
    double InteriorGain,
    IReadOnlyList<SegmentedClass> Classes,
    IReadOnlyList<ConfusedPair> Pairs,
    IReadOnlyList<BoundaryBand> Bands,
    long Pixels,
    long Wrong
);

/// <summary>
/// Sorts a segmentor's wrong pixels by place (at the boundary of a class, or within it) and by what was taken for what, and says what each
/// costs.
/// </summary>
/// <remarks>
/// The boundary's width is that of Cheng and others, "Boundary IoU", 2021, arXiv:2103.16562: 2 % of the diagonal. Distances are the greater
/// one of rows and columns, between pixels of the truth; ignored pixels are no class. The bands are those of Kohli, Ladicky and Torr,
/// "Robust Higher Order Potentials for Enforcing Label Consistency", 2009.
/// </remarks>
public sealed class SegmentationErrors
{
    private static readonly int[] s_widths = [1, 2, 4, 8, 16, 32];

    private readonly IReadOnlyList<string> _names;
    private readonly SegmentationErrorOptions _options;
    private readonly MapHistogram _histogram = new();
    private readonly long[,] _boundary,
        _interior;
    private readonly long[] _bands = new long[s_widths.Length],
        _wrong = new long[s_widths.Length];

    /// <exception cref="UserErrorException">The data is not for segmentation.</exception>
    public SegmentationErrors(DataInfo data, SegmentationErrorOptions? options = null)
    {
        Truth.Require(data, "the analysis of boundaries", DataTask.Segmentation);
        (_names, _options) = (data.Classes, options ?? new SegmentationErrorOptions());
        (_boundary, _interior) = (new long[_names.Count, _names.Count], new long[_names.Count, _names.Count]);
    }

    /// <summary>Takes in an image.</summary>
    /// <exception cref="UserErrorException">The prediction is no map of the sample's size, or the sample has none.</exception>
    public void Add(Sample sample, Prediction prediction)
    {
        _ = _histogram.Count(prediction, sample, _names.Count); // tells whatever is wrong with the maps
        var (map, found) = (sample.Truth.SegmentationMap!, ((SegmentationPrediction)prediction).Map);
        var (truth, predicted) = (BoundaryDistance.Labels(map, _names.Count), BoundaryDistance.Labels(found, _names.Count));
        var width = WidthOf(map);
        var distances = BoundaryDistance.Of(truth, map.Height, map.Width, Math.Max(width, s_widths[^1]));
        for (var i = 0; i < truth.Length; i++)
        {
            if (truth[i] is not { } label || predicted[i] is not { } taken)
                continue;
            (distances[i] <= width ? _boundary : _interior)[label, taken]++;
            for (var band = s_widths.Length - 1; band >= 0 && distances[i] <= s_widths[band]; band--)
            {
                _bands[band]++;
                if (label != taken)
                    _wrong[band]++;
            }
        }
    }

    /// <summary>The boundary's width in an image of this size, in pixels; at least 1.</summary>
    private int WidthOf(Image map) =>
        Math.Max(1, (int)Math.Round(_options.Boundary * Math.Sqrt(((double)map.Height * map.Height) + ((double)map.Width * map.Width))));

    /// <summary>All figures of the images so far.</summary>
    public SegmentationErrorResult Result()
    {
        var counts = Sum(_boundary, _interior);
        var mean = Mean(counts);
        var right = Enumerable.Range(0, _names.Count).Sum(c => counts[c, c]);
        var pixels = counts.Cast<long>().Sum();
        return new SegmentationErrorResult(
            mean,
            Mean(Sum(Righted(_boundary), _interior)) - mean,
            Mean(Sum(_boundary, Righted(_interior))) - mean,
            [.. _names.Select((name, c) => ClassOf(name, c, counts))],
            Pairs(counts, mean),
            [.. s_widths.Select((width, i) => new BoundaryBand(width, _bands[i], _wrong[i]))],
            pixels,
            pixels - right
        );
    }

    private SegmentedClass ClassOf(string name, int c, long[,] counts)
    {
        var (boundary, interior) = (Row(_boundary, c), Row(_interior, c));
        return new SegmentedClass(name, IoU(counts, c), boundary, boundary - _boundary[c, c], interior, interior - _interior[c, c]);
    }

    private List<ConfusedPair> Pairs(long[,] counts, double mean)
    {
        var pairs = new List<ConfusedPair>();
        for (var t = 0; t < _names.Count; t++)
        for (var p = 0; p < _names.Count; p++)
        {
            if (t == p || counts[t, p] == 0)
                continue;
            var mended = (long[,])counts.Clone();
            (mended[t, t], mended[t, p]) = (mended[t, t] + counts[t, p], 0);
            pairs.Add(new ConfusedPair(t, p, counts[t, p], _boundary[t, p], Mean(mended) - mean));
        }
        return [.. pairs.OrderByDescending(pair => pair.Gain).ThenByDescending(pair => pair.Pixels)];
    }

    private static long Row(long[,] counts, int c) => Enumerable.Range(0, counts.GetLength(1)).Sum(p => counts[c, p]);

    private static double IoU(long[,] counts, int c)
    {
        var column = Enumerable.Range(0, counts.GetLength(0)).Sum(t => counts[t, c]);
        var union = Row(counts, c) + column - counts[c, c];
        return union == 0 ? double.NaN : (double)counts[c, c] / union;
    }

    private static double Mean(long[,] counts) => Enumerable.Range(0, counts.GetLength(0)).Select(c => IoU(counts, c)).MeanOfDefined();

    private static long[,] Righted(long[,] counts)
    {
        var righted = new long[counts.GetLength(0), counts.GetLength(1)];
        for (var c = 0; c < counts.GetLength(0); c++)
            righted[c, c] = Row(counts, c);
        return righted;
    }

    private static long[,] Sum(long[,] a, long[,] b)
    {
        var sum = (long[,])a.Clone();
        for (var t = 0; t < a.GetLength(0); t++)
        for (var p = 0; p < a.GetLength(1); p++)
            sum[t, p] += b[t, p];
        return sum;
    }
}
