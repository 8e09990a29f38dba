using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Models.Explanation.Faithfulness;

/// <summary>
/// Measures, image after image, how truly the maps of several methods show what a classifier decides by, beside a random map. Holds a
/// few numbers for each image; maps and images are let go.
/// </summary>
/// <example><code>
/// var study = new FaithfulnessStudy(model, DataTask.Classification);
/// study.Add(images, target, new Dictionary&lt;string, Tensor&gt; { ["grad_cam"] = map }, regions);
/// Console.WriteLine(study.Table().Text());
/// </code></example>
public sealed class FaithfulnessStudy
{
    /// <summary>The control's name among the methods.</summary>
    public const string Control = "random_map";

    private readonly VisionModel _model;
    private readonly bool _multiLabel;
    private readonly FaithfulnessOptions _options;
    private readonly Dictionary<string, List<double[]>> _measured = [];
    private readonly List<double> _areas = [];
    private int _images;

    /// <param name="model">A classifier in evaluation mode.</param>
    /// <param name="task">Its data's: decides between softmax and sigmoid.</param>
    /// <exception cref="UserErrorException">The model has no probabilities of classes.</exception>
    public FaithfulnessStudy(VisionModel model, DataTask task, FaithfulnessOptions? options = null)
    {
        if (model is not IExplainable || task is not (DataTask.Classification or DataTask.MultiLabel))
            throw FaithfulnessErrors.NoProbabilities(model, task);
        (_model, _multiLabel, _options) = (model, task == DataTask.MultiLabel, options ?? new FaithfulnessOptions());
    }

    /// <summary>Measures the maps of some images.</summary>
    /// <param name="images">[B, C, H, W], normalised, on the model's device.</param>
    /// <param name="target">The classes that the maps explain.</param>
    /// <param name="maps">By method, [B, H, W] each; the same methods at every call. Each is scaled to [0, 1] first.</param>
    /// <param name="regions">For each image where its class is, [H * W], or null; see <see cref="TruthRegion"/>.</param>
    /// <exception cref="UserErrorException">A map has another size or values that aren't finite, or the methods are others than
    /// before.</exception>
    public void Add(Tensor images, ClassTarget target, IReadOnlyDictionary<string, Tensor> maps, IReadOnlyList<bool[]?>? regions = null)
    {
        var (count, height, width) = ((int)images.shape[0], (int)images.shape[2], (int)images.shape[3]);
        Check(maps, count, height, width);
        var pixels = images.to(ScalarType.Float32).Values<float>().Chunk((int)images.numel() / count).ToArray();
        var plain = maps.ToDictionary(entry => entry.Key, entry => Plain(entry.Key, entry.Value, height * width));
        for (var i = 0; i < count; i++)
        {
            var seen = new Subject(pixels[i], height, width, target.Classes[i], images.device, regions?[i]);
            Measure(seen, plain.ToDictionary(entry => entry.Key, entry => entry.Value[i]));
            _images++;
        }
    }

    /// <summary>What was measured of all images so far.</summary>
    /// <exception cref="UserErrorException">There was none.</exception>
    public FaithfulnessTable Table() =>
        _images == 0
            ? throw new UserErrorException("Faithfulness was asked for, but no image was explained.")
            : FaithfulnessSummary.Of(_measured, Control, _areas, _options);

    private void Measure(Subject subject, Dictionary<string, float[]> maps)
    {
        var altered = new AlteredImages(subject.Pixels, subject.Height, subject.Width);
        var nothing = new float[subject.Pixels.Length];
        var blurred = altered.Blurred(_options.Blur * Math.Min(subject.Height, subject.Width));
        var whole = Probabilities(subject, [subject.Pixels])[0];
        if (subject.Region is { } region)
            _areas.Add(PointingGame.Area(region));
        maps[Control] = Unit(RandomMap.Of(subject.Height, subject.Width, _options.ControlGrid, Random(0)));
        foreach (var (method, map) in maps)
        {
            var order = AlteredImages.Order(map, Random(1)); // ties and noise are the same for all methods
            var reversed = order.Reverse().ToArray();
            var shares = AlteredImages.Shares;
            var road = new float[2 * shares.Count][];
            Parallel.For(
                0,
                road.Length,
                i =>
                    road[i] = altered.Imputed(
                        i < shares.Count ? order : reversed,
                        shares[i % shares.Count],
                        _options.Noise,
                        Random(2 + (i % shares.Count))
                    )
            );
            var steps = Enumerable.Range(0, _options.Steps + 1).Select(s => (double)s / _options.Steps).ToArray();
            var scores = Probabilities(
                subject,
                [
                    altered.Masked(map),
                    .. road,
                    .. steps.Select(share => altered.Replaced(order, share, nothing)),
                    .. steps.Select(share => altered.Replaced(reversed, 1 - share, blurred)),
                ]
            );
            var mostFirst = ConfidenceMeasures.MeanChange(whole, scores.AsSpan(1, shares.Count));
            var leastFirst = ConfidenceMeasures.MeanChange(whole, scores.AsSpan(1 + shares.Count, shares.Count));
            Rows(method)
                .Add([
                    ConfidenceMeasures.Drop(whole, scores[0]),
                    ConfidenceMeasures.Increase(whole, scores[0]),
                    mostFirst,
                    leastFirst,
                    ConfidenceMeasures.Combined(mostFirst, leastFirst),
                    ConfidenceMeasures.Area(scores.AsSpan(1 + road.Length, steps.Length)),
                    ConfidenceMeasures.Area(scores.AsSpan(1 + road.Length + steps.Length, steps.Length)),
                    subject.Region is { } truth ? PointingGame.Energy(map, truth) : double.NaN,
                    subject.Region is { } same ? PointingGame.Hit(map, same) : double.NaN,
                ]);
        }
    }

    private List<double[]> Rows(string method) => _measured.TryGetValue(method, out var rows) ? rows : _measured[method] = [];

    private RandomSource Random(int use) => RandomSource.For(_options.Seed, use, _images);

    // Of the subject's class in each version of its image; made a batch at a time.
    private double[] Probabilities(Subject subject, IEnumerable<float[]> versions)
    {
        var found = new List<double>();
        using var still = no_grad();
        foreach (var chunk in versions.Chunk(_options.BatchSize))
        {
            using var scope = NewDisposeScope();
            var channels = subject.Pixels.Length / (subject.Height * subject.Width);
            var batch = tensor(chunk.SelectMany(version => version).ToArray())
                .view(chunk.Length, channels, subject.Height, subject.Width)
                .to(subject.Device);
            var logits = ((IExplainable)_model).Outputs(batch)[0].to(ScalarType.Float32);
            if (logits.dim() != 2)
                throw FaithfulnessErrors.NoProbabilities(_model, null);
            var probabilities = _multiLabel ? logits.sigmoid() : logits.softmax(1);
            found.AddRange(probabilities.narrow(1, subject.Class, 1).Values<float>().Select(value => (double)value));
        }
        return [.. found];
    }

    private void Check(IReadOnlyDictionary<string, Tensor> maps, int count, int height, int width)
    {
        if (maps.Keys.FirstOrDefault(name => name == Control) is not null)
            throw FaithfulnessErrors.NameOfControl(Control);
        if (_images > 0 && !_measured.Keys.Where(name => name != Control).ToHashSet().SetEquals(maps.Keys))
            throw FaithfulnessErrors.OtherMethods([.. _measured.Keys.Where(name => name != Control)], [.. maps.Keys]);
        foreach (var (name, map) in maps)
            if (!map.shape.AsSpan().SequenceEqual([count, height, width]))
                throw FaithfulnessErrors.Shape(name, map.shape, [count, height, width]);
    }

    private static float[][] Plain(string name, Tensor maps, int pixels)
    {
        using var scope = NewDisposeScope();
        var values = maps.to(ScalarType.Float32).Values<float>();
        return Array.TrueForAll(values, float.IsFinite) ? [.. values.Chunk(pixels).Select(Unit)] : throw FaithfulnessErrors.NotFinite(name);
    }

    private static float[] Unit(float[] map)
    {
        var (least, range) = (map.Min(), map.Max() - map.Min());
        return Array.ConvertAll(map, value => range > 0 ? (value - least) / range : 0);
    }

    /// <param name="Pixels">[C, H, W].</param>
    private sealed record Subject(float[] Pixels, int Height, int Width, int Class, Device Device, bool[]? Region);
}
