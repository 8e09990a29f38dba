using Tessera.Framework.Data;
using Tessera.Framework.Models;

namespace Tessera.Framework.Metrics.Statistics;

/// <summary>One value of a metric, over any choice of the images that one model has predicted.</summary>
/// <remarks>Each image is looked at once; what the metric gathers of it is kept as <see cref="Metric.Save"/> gives it, so that
/// this holds for any metric.</remarks>
public sealed class MeasuredImages
{
    private readonly Metric _metric;
    private readonly DataInfo _info;
    private readonly string _name;
    private readonly List<byte[]> _images = [];
    private Func<int[], double>? _redraws;
    private int[] _times = [];

    /// <param name="metric">This class's alone from now on.</param>
    /// <param name="name">The value, as in <see cref="Metric.ComputePoints"/>.</param>
    public MeasuredImages(Metric metric, DataInfo info, string name) => (_metric, _info, _name) = (metric, info, name);

    /// <summary>How many images there are.</summary>
    public int Count => _images.Count;

    /// <summary>Adds an image. Those of detectors come in the order of their ids.</summary>
    public void Add(Prediction prediction, Sample sample)
    {
        _metric.Reset(_info);
        _metric.Process([prediction], [sample]);
        _images.Add(_metric.Save());
        _redraws = null;
    }

    /// <summary>The value over all images.</summary>
    public double OfAll() => Gathered([.. Enumerable.Range(0, Count)]);

    /// <summary>The value over one image alone.</summary>
    public double OfOne(int image) => Gathered([image]);

    /// <summary>The value over images drawn anew; NaN where it is undefined.</summary>
    /// <param name="drawn">Numbers of images, repetitions included.</param>
    public double Of(int[] drawn)
    {
        if (_redraws is null && _metric is IRedrawsImages redraws)
        {
            _ = OfAll(); // the metric holds every image, once
            _redraws = redraws.Redraws(_name);
            _times = new int[Count];
        }
        if (_redraws is null)
            return Gathered(drawn);
        Array.Clear(_times);
        foreach (var image in drawn)
            _times[image]++;
        return _redraws(_times);
    }

    private double Gathered(int[] images)
    {
        _metric.Reset(_info);
        foreach (var image in images)
            _metric.Merge(_images[image]);
        return _metric.ComputePoints()[_name];
    }
}
