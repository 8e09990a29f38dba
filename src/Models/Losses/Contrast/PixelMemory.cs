using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Models.Losses.Contrast;

/// <param name="Size">Rows of each class in each queue.</param>
/// <param name="PixelUpdateFreq">Pixels of a class and image that the pixel queue takes in an iteration.</param>
/// <param name="Samples">Rows of a class, of both queues together, that are drawn at random for an iteration; 0 for all that there
/// are.</param>
/// <param name="StartIters">Iterations, after the loss has come in, in which the memory fills but is not compared with yet.</param>
/// <param name="Segments">Keep the mean embedding of each class in each image.</param>
/// <param name="Pixels">Keep single pixels.</param>
/// <param name="WithBatch">Compare with the batch's own anchors, too; false compares with the memory alone once it has something.</param>
public sealed record PixelMemoryOptions(
    [property: Range(1, 1000000)] int Size = 512,
    [property: Range(1, 100000)] int PixelUpdateFreq = 10,
    [property: Range(0, 1000000)] int Samples = 64,
    [property: Range(0, int.MaxValue)] int StartIters = 0,
    bool Segments = true,
    bool Pixels = true,
    bool WithBatch = true
);

/// <summary>Embeddings of earlier batches by class: a queue of whole segments and a queue of pixels.</summary>
internal sealed class PixelMemory : nn.Module, IReportsScalars, ITrainingMemory
{
    private readonly FeatureQueue? segments,
        pixels;
    private readonly FeatureQueue[] _queues;
    private readonly PixelMemoryOptions _options;
    private readonly IReadOnlyList<string>? _names;
    private readonly int _classes;

    /// <param name="names">The classes', for the log.</param>
    public PixelMemory(PixelMemoryOptions options, int classes, int dim, IReadOnlyList<string>? names)
        : base(nameof(PixelMemory))
    {
        (_options, _classes, Dim, _names) = (options, classes, dim, names);
        if (options.Segments)
            segments = new FeatureQueue(classes, options.Size, dim);
        if (options.Pixels)
            pixels = new FeatureQueue(classes, options.Size, dim);
        _queues = [.. new[] { segments, pixels }.OfType<FeatureQueue>()];
        RegisterComponents();
    }

    public int Dim { get; }

    public FeatureQueue? Segments => segments;

    public FeatureQueue? Pixels => pixels;

    /// <summary>What <see cref="Refresh"/> wants to know, int64, still on the device.</summary>
    public Tensor State => cat([.. _queues.Select(queue => queue.State.flatten())]);

    /// <summary>Takes up the state that was read.</summary>
    public void Refresh(ReadOnlySpan<long> state)
    {
        for (var i = 0; i < _queues.Length; i++)
            _queues[i].Refresh(state.Slice(i * 2 * _classes, 2 * _classes));
    }

    /// <summary>Rows to compare with, of every class at most as many as the options say. Only rows that were written.</summary>
    /// <returns>Rows: [n, dim], a copy without gradient; null where there is none.</returns>
    public (Tensor? Rows, long[] Classes) Draw(RandomSource random)
    {
        var chosen = _queues.Select(_ => new List<long>()).ToArray();
        var classes = _queues.Select(_ => new List<long>()).ToArray();
        for (var c = 0; c < _classes; c++)
        {
            var there = _queues.Sum(queue => queue.Filled[c]);
            var order = new int[there];
            for (var i = 0; i < there; i++)
                order[i] = i;
            var count = _options.Samples == 0 ? there : Math.Min(_options.Samples, there);
            if (count < there)
                AnchorSampler.Shuffle(order, count, random);
            foreach (var row in order.AsSpan(0, count))
            {
                var (queue, index) = row < _queues[0].Filled[c] ? (0, row) : (1, row - _queues[0].Filled[c]);
                chosen[queue].Add((long)c * _options.Size + index);
                classes[queue].Add(c);
            }
        }
        if (chosen.All(rows => rows.Count == 0))
            return (null, []);
        var parts = _queues
            .Zip(chosen)
            .Where(pair => pair.Second.Count > 0)
            .Select(pair =>
                pair.First.Rows.detach().view(-1, Dim).index_select(0, tensor(pair.Second.ToArray()).to(pair.First.Rows.device))
            );
        return (cat([.. parts]), [.. classes.SelectMany(list => list)]);
    }

    public IEnumerable<(string Name, double Value)> Scalars(Progress progress)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var sums = _queues.Select(queue => queue.Rows.sum([1])).Aggregate((a, b) => a + b); // [classes, dim]; unwritten rows are 0
        var counts = _queues.Select(queue => queue.State.select(0, 1)).Aggregate((a, b) => a + b).to(ScalarType.Float64);
        var ages = _queues
            .Select(queue =>
                (progress.Iteration - queue.Stamps).to(ScalarType.Float64)
                * arange(_options.Size, device: queue.Stamps.device).unsqueeze(0).lt(queue.State.select(0, 1).unsqueeze(1))
            )
            .ToArray();
        var age = ages.Select(a => a.sum()).Aggregate((a, b) => a + b);
        var oldest = ages.Select(a => a.max()).Aggregate((a, b) => a.maximum(b));
        var ofClass = sums.to(ScalarType.Float64).square().sum([1]); // |sum|², the similarities of all pairs of a class
        var ofAll = sums.to(ScalarType.Float64).sum([0]).square().sum();
        var read = cat([counts, stack([age, oldest, ofClass.sum(), ofAll])]).Values<double>();
        return Lines(read);
    }

    private IEnumerable<(string, double)> Lines(double[] read)
    {
        var (counts, rest) = (read[.._classes], read[_classes..]);
        var total = counts.Sum();
        double room = _options.Size * _queues.Length;
        yield return ("memory/fill", total / (room * _classes));
        for (var c = 0; c < _classes; c++)
            yield return ($"memory/fill/{_names?[c] ?? c.ToString(System.Globalization.CultureInfo.InvariantCulture)}", counts[c] / room);
        if (total == 0)
            yield break;
        yield return ("memory/age", rest[0] / total);
        yield return ("memory/age_max", rest[1]);
        // Rows have length 1, so a row's similarity to itself is 1.
        var (within, all) = (counts.Sum(n => n * (n - 1)), total * total);
        var between = all - counts.Sum(n => n * n);
        if (within > 0)
            yield return ("memory/similarity_within", (rest[2] - total) / within);
        if (between > 0)
            yield return ("memory/similarity_between", (rest[3] - rest[2]) / between);
    }

    public string? Explain(string buffer, IReadOnlyList<long> saved) =>
        saved switch
        {
            [var classes, var size, var dim] when buffer.EndsWith(".rows", StringComparison.Ordinal) => string.Join(
                " ",
                Differences(classes, size, dim)
            ),
            _ => null,
        };

    private IEnumerable<string> Differences(long classes, long size, long dim)
    {
        if (dim != Dim)
            yield return $"The saved contrast memory holds embeddings of {dim} values, the projection head gives {Dim}: set "
                + $"model.projection_head.dim to {dim}, or start anew.";
        if (size != _options.Size)
            yield return $"The saved contrast memory has {size} rows a class, memory.size is {_options.Size}: set it to {size}, or "
                + $"start anew.";
        if (classes != _classes)
            yield return $"The saved contrast memory is of {classes} classes, the data has {_classes}.";
    }
}
