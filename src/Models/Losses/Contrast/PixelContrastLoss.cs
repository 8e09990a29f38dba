using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Models.Losses.Contrast;

/// <param name="Temperature">Divides similarities: the lower, the more the hardest pairs count.</param>
/// <param name="BaseTemperature">The loss is multiplied by temperature / base_temperature.</param>
/// <param name="MaxSamples">Anchors of a batch at most, shared evenly by the classes in the images.</param>
/// <param name="MaxViews">Anchors of a class in an image at most.</param>
/// <param name="MinViews">Pixels, on the grid of the embeddings, that a class must have in an image to take part.</param>
/// <param name="Shortfall">What fills up where a class has too few wrong or too few right pixels: "other" or "repeat".</param>
/// <param name="Sampling">Which pairs are compared: "random", "hardest_half" or "semi_hard".</param>
/// <param name="Positives">Positives of an anchor at most; all by default.</param>
/// <param name="Negatives">Negatives of an anchor at most; all by default.</param>
/// <param name="Memory">Keeps embeddings of earlier batches to compare with.</param>
/// <param name="Gather">With several processes: compare with the anchors of all of them.</param>
/// <param name="IgnoreIndex">Label that does not count; 255 by default.</param>
public sealed record PixelContrastLossOptions(
    [property: Range(1e-4, 100)] double Temperature = 0.1,
    [property: Range(1e-4, 100)] double BaseTemperature = 0.07,
    [property: Range(1, 1000000)] int MaxSamples = 1024,
    [property: Range(1, 1000000)] int MaxViews = 100,
    [property: Range(1, 1000000)] int MinViews = 1,
    Shortfall Shortfall = Shortfall.Other,
    PairChoice Sampling = PairChoice.Random,
    [property: Range(1, int.MaxValue)] int? Positives = null,
    [property: Range(1, int.MaxValue)] int? Negatives = null,
    PixelMemoryOptions? Memory = null,
    bool Gather = false,
    int? IgnoreIndex = null
);

/// <summary>Draws the embeddings of pixels of a class together, over all images of the batch and, with a memory, earlier ones; pushes other
/// classes away.</summary>
/// <remarks>
/// Wang et al., "Exploring Cross-Image Pixel Contrast for Semantic Segmentation", ICCV 2021, arXiv:2101.11939. For an anchor i
/// with positives P and negatives N: the mean over p in P of -log(e^(i·p/τ) / (e^(i·p/τ) + Σ over N of e^(i·n/τ))). Anchors weigh
/// such that every class in every image counts the same; one without positives doesn't count. Labels and predictions are those
/// at the centres of the embeddings' cells. docs/design/pixel-contrast.md tells where this departs from the published code.
/// </remarks>
[Component("PixelContrastLoss")]
public sealed class PixelContrastLoss : WeightedLoss, IUsesProcessGroup
{
    private const double NoPair = -1e30; // a similarity that doesn't count; infinite ones would make the gradient NaN

    private readonly PixelContrastLossOptions _options;
    private readonly DataInfo? _data;
    private readonly AnchorSampler _anchors;
    private readonly PairSampling? _pairs;
    private PixelMemory? _memory;

    /// <param name="data">The data's classes, which the memory keeps apart.</param>
    public PixelContrastLoss(PixelContrastLossOptions options, DataInfo? data = null)
        : base(nameof(PixelContrastLoss))
    {
        if (options.Memory is { Segments: false, Pixels: false })
            throw new UserErrorException(
                "PixelContrastLoss: a memory without segments and without pixels is none. Set memory to null instead."
            );
        (_options, _data) = (options, data);
        _anchors = new AnchorSampler(options.MaxSamples, options.MaxViews, options.Shortfall);
        if (options is not { Sampling: PairChoice.Random, Positives: null, Negatives: null })
            _pairs = new PairSampling(options.Sampling, options.Positives, options.Negatives);
    }

    public override bool WantsEmbeddings => true;

    public IProcessGroup Group { get; set; } = new SingleProcess();

    internal PixelMemory? Memory => _memory;

    public override void ExpectEmbeddings(int dimension)
    {
        if (_data is not null)
            MakeMemory(_data.Classes.Count, dimension);
    }

    protected override Tensor Unweighted(Tensor logits, LossTargets targets)
    {
        var embeddings = Embeddings(logits, targets);
        var labels = targets.Labels ?? throw Targets.NoLabels(GetName());
        var (images, classes) = ((int)logits.shape[0], (int)logits.shape[1]);
        var pixels = new PixelEmbeddings(embeddings, targets.Embed);
        if (_options.Memory is not null)
            ReadyMemory(classes, pixels);

        // One read from the device in a step: labels, predictions and where the queues stand.
        var (truth, seen) = (OnGrid(labels, embeddings), OnGrid(logits.detach(), embeddings).argmax(1));
        Tensor[] wanted = _memory is null ? [truth.flatten(), seen.flatten()] : [truth.flatten(), seen.flatten(), _memory.State];
        var read = cat(wanted).Values<long>();
        var cells = (int)truth.numel();
        _memory?.Refresh(read.AsSpan(2 * cells));

        // Seeded by the run's own generator, whose state checkpoints hold.
        var random = new RandomSource((ulong)randint(long.MaxValue, [1], ScalarType.Int64).item<long>());
        var groups = PixelGroups.Find(
            read.AsSpan(0, cells),
            read.AsSpan(cells, cells),
            images,
            classes,
            Targets.Ignored(_options.IgnoreIndex, logits),
            _options.MinViews
        );
        var value = Contrast(pixels, _anchors.Draw(groups, random), random);
        if (training && _memory is not null)
            Remember(_memory, pixels.Detached(), groups, random);
        return value;
    }

    private Tensor Contrast(PixelEmbeddings embeddings, Anchors anchors, RandomSource random)
    {
        var rows = embeddings.At(anchors.Pixels);
        using var full = Autocast.Leave(rows.device_type);
        var (classes, weights, pixels) = (
            anchors.Classes,
            anchors.Weights,
            anchors.Pixels.Select(pixel => ((long)Group.Rank << 40) + pixel).ToArray()
        );
        var gathers = _options.Gather && Group.WorldSize > 1;
        if (gathers)
        {
            rows = RankExchange.Gather(Group, rows);
            (classes, weights, pixels) = (
                RankExchange.Gather(Group, classes).All,
                RankExchange.Gather(Group, weights).All,
                RankExchange.Gather(Group, pixels).All
            );
        }
        var (stored, storedClasses) =
            _memory is not null && Now.Iteration >= (long)WarmupIters + _options.Memory!.StartIters ? _memory.Draw(random) : (null, []);
        if (classes.Length == 0)
            return Nothing(rows);

        // Columns of the comparison: the anchors themselves, then what is stored.
        var withBatch = stored is null || _options.Memory!.WithBatch;
        var contrast =
            stored is null ? rows
            : withBatch ? cat([rows, stored])
            : stored;
        long[] others = withBatch ? [.. classes, .. storedClasses] : storedClasses;
        var pairs = PositivePairs.Find(classes, weights, others, (i, j) => !withBatch || j >= pixels.Length || pixels[i] != pixels[j]);
        if (pairs.Cells.Length == 0)
            return Nothing(rows);

        var device = rows.device;
        var similarity = (rows / _options.Temperature).matmul(contrast.t()); // [A, N]
        var same = tensor(classes).to(device).unsqueeze(1).eq(tensor(others).to(device).unsqueeze(0));
        var (cells, owners, shares) = (tensor(pairs.Cells).to(device), tensor(pairs.Anchors).to(device), tensor(pairs.Weights).to(device));
        var excluded = same;
        if (_pairs is not null)
            (excluded, shares) = Narrowed(_pairs, similarity, same, cells, owners, shares);

        // -log(e^s / (e^s + Σ e^n)) = softplus(log Σ e^n - s)
        var against = similarity.masked_fill(excluded, NoPair).logsumexp(1).index_select(0, owners);
        var terms = nn.functional.softplus(against - similarity.view(-1).index_select(0, cells)); // [pairs]
        var value = (terms * shares).sum() * (_options.Temperature / _options.BaseTemperature);
        // Each process has the gradient of its own anchors alone, and the trainer takes the mean over processes.
        return gathers ? value + (value - value.detach()) * (Group.WorldSize - 1) : value;
    }

    /// <summary>What takes no part as a negative, [A, N], and the pairs' shares, [pairs], once only the hardest or nearest are
    /// kept.</summary>
    private static (Tensor Excluded, Tensor Shares) Narrowed(
        PairSampling sampling,
        Tensor similarity,
        Tensor same,
        Tensor cells,
        Tensor owners,
        Tensor shares
    )
    {
        var pairs = zeros_like(same).view(-1).index_fill_(0, cells, 1).view(same.shape);
        var (positive, negative) = sampling.Narrow(similarity.detach(), pairs, same.logical_not());
        var taken = positive.view(-1).index_select(0, cells).to(ScalarType.Float32);
        var (all, left) = (zeros_like(similarity[TensorIndex.Colon, 0]).detach(), zeros_like(similarity[TensorIndex.Colon, 0]).detach());
        all.index_add_(0, owners, ones_like(taken), 1);
        left.index_add_(0, owners, taken, 1);
        return (negative.logical_not(), shares * taken * (all / left.clamp_min(1)).index_select(0, owners));
    }

    private void Remember(PixelMemory memory, PixelEmbeddings embeddings, PixelGroups found, RandomSource random)
    {
        using var _ = no_grad();
        var iteration = Now.Iteration;
        if (memory.Segments is { } segments)
            Put(segments, embeddings.Means(found), [.. found.Groups.Select(group => group.Class)]);
        if (memory.Pixels is { } pixels)
        {
            var (chosen, classes) = (new List<int>(), new List<int>());
            foreach (var group in found.Groups)
            {
                var members = found.Pixels.AsSpan(group.Start, group.Count);
                var count = Math.Min(_options.Memory!.PixelUpdateFreq, group.Count);
                AnchorSampler.Shuffle(members, count, random);
                chosen.AddRange(members[..count]);
                classes.AddRange(Enumerable.Repeat(group.Class, count));
            }
            Put(pixels, embeddings.At([.. chosen]), [.. classes]);
        }

        void Put(FeatureQueue queue, Tensor features, int[] classes) =>
            queue.Enqueue(RankExchange.Gather(Group, features), RankExchange.Gather(Group, classes).All, iteration);
    }

    /// <summary>A map's values at the centres of the embeddings' cells.</summary>
    /// <param name="map">[…, H, W].</param>
    private static Tensor OnGrid(Tensor map, Tensor embeddings)
    {
        for (var dim = 1; dim <= 2; dim++)
        {
            var (from, to) = (map.shape[^dim], embeddings.shape[^dim]);
            if (from == to)
                continue;
            var index = new long[to];
            for (var i = 0; i < to; i++)
                index[i] = (2 * i + 1) * from / (2 * to);
            map = map.index_select(map.dim() - dim, tensor(index).to(map.device));
        }
        return map;
    }

    private Tensor Embeddings(Tensor logits, LossTargets targets)
    {
        var embeddings =
            targets.Embeddings
            ?? throw new UserErrorException(
                "PixelContrastLoss compares embeddings, which the model does not give. For example: \"projection_head\": { \"type\": "
                    + "\"ProjectionHead\", \"dim\": 256 } beside decode_head of a Segmentor."
            );
        return logits.dim() == 4
            ? embeddings
            : throw new UserErrorException("PixelContrastLoss compares the pixels of maps; it does not suit whole images.");
    }

    /// <summary>Makes the memory where nobody announced the embeddings; checks that it is for such as these.</summary>
    private void ReadyMemory(int classes, PixelEmbeddings embeddings)
    {
        if (_memory is null)
        {
            MakeMemory(classes, (int)embeddings.Dim);
            _memory!.to(embeddings.Features.device);
        }
        if (_memory!.Dim != embeddings.Dim)
            throw new UserErrorException(
                $"PixelContrastLoss: its memory holds embeddings of {_memory.Dim} values, the projection head gives {embeddings.Dim}."
            );
    }

    private void MakeMemory(int classes, int dimension)
    {
        if (_options.Memory is not { } options || _memory is not null)
            return;
        _memory = new PixelMemory(options, classes, dimension, _data?.Classes);
        register_module("memory", _memory);
    }
}
