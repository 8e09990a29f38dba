using Tessera.Framework.Models;
using Tessera.Models.Attention.Core;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Attention;

/// <param name="BucketSize">Tokens of a bucket on average, and of a chunk.</param>
/// <param name="Rounds">Rounds of hashing.</param>
/// <param name="AcrossBuckets">Tokens of a chunk attend each other whether or not they share a bucket.</param>
/// <param name="Seed">Of the rotations outside training, which are the same at every run; in training they are drawn anew each
/// time.</param>
public sealed record LshAttentionOptions(
    [property: Range(1, 4096)] int BucketSize = 64,
    [property: Range(1, 64)] int Rounds = 4,
    bool AcrossBuckets = true,
    int Seed = 0
);

/// <summary>
/// A token attends those that random rotations hash near it. Queries are keys, too (keys of unit length); tokens sorted by
/// bucket are cut into chunks, and a chunk attends itself and the one before. A token attends itself only where it is alone.
/// </summary>
/// <remarks>
/// Kitaev et al., "Reformer", 2020, arXiv:2001.04451. Rounds are joined by the logarithm of their sums: a key found in
/// several rounds counts once for each. From 64 buckets on, a hash is a pair of two smaller ones, so that hashing stays cheap.
/// </remarks>
[Component("LshAttention")]
public sealed class LshAttention : PatternAttention
{
    private const double Self = -1e5; // the logit of the token itself: below any other's, above padding's
    private const int Unfactored = 64;

    private readonly Linear qk;
    private readonly Linear v;
    private readonly LshAttentionOptions _options;

    public LshAttention(LshAttentionOptions options, AttentionShape shape)
        : base(nameof(LshAttention), shape, projects: false)
    {
        _options = options;
        qk = Linear(shape.Channels, shape.Channels, shape.Bias);
        v = Linear(shape.Channels, shape.Channels, shape.Bias);
        RegisterComponents();
    }

    protected override (Tensor Queries, Tensor Keys, Tensor Values) Project(Tensor x, TokenGrid grid)
    {
        var queries = Heads(qk.call(x), 1)[0];
        return (queries, functional.normalize(queries, dim: -1), Heads(v.call(x), 1)[0]);
    }

    private protected override Attended Attend(Tensor queries, Tensor keys, Tensor values, TokenGrid grid, bool sums)
    {
        var buckets = Hash(keys); // [rounds, X, n]
        Attended? joined = null;
        for (var round = 0; round < _options.Rounds; round++)
        {
            using var scope = NewDisposeScope();
            var one = Chunks(queries, keys, values, buckets[round], sums: sums || _options.Rounds > 1);
            if (joined is { } before)
                one = Attended.Join(before, one);
            joined = new Attended(scope.MoveToOuter(one.Out), one.Sums is null ? null : scope.MoveToOuter(one.Sums));
        }
        // The mean over the rounds, so that leading tokens, which are in none, weigh what they would in one.
        return joined!.Value with { Sums = joined.Value.Sums?.sub(Math.Log(_options.Rounds)) };
    }

    /// <summary>The bucket of each token in each round, [rounds, X, n].</summary>
    /// <param name="keys">[X, n, d], of unit length.</param>
    internal Tensor Hash(Tensor keys)
    {
        using var still = no_grad();
        using var scope = NewDisposeScope();
        var count = (int)((keys.shape[1] + _options.BucketSize - 1) / _options.BucketSize);
        var halves = Math.Max(1, (count + 1) / 2); // a rotation gives two buckets for each of its directions
        int[] factors = count < Unfactored ? [halves] : [(int)Math.Ceiling(Math.Sqrt(count) / 2), (int)Math.Ceiling(Math.Sqrt(count) / 2)];
        var width = keys.shape[2];
        var rotations = Rotations(width, _options.Rounds * factors.Sum(), keys.device).to(keys.dtype);
        var rotated = keys.detach().matmul(rotations).view(keys.shape[0], keys.shape[1], _options.Rounds, factors.Sum());
        var first = 0;
        Tensor? bucket = null;
        foreach (var half in factors)
        {
            var part = rotated.narrow(3, first, half);
            var place = cat([part, part.neg()], -1).argmax(-1); // [X, n, rounds]
            bucket = bucket is null ? place : bucket.mul(2 * half).add(place);
            first += half;
        }
        return scope.MoveToOuter(bucket!.permute(2, 0, 1).contiguous());
    }

    private Tensor Rotations(long width, int count, Device device)
    {
        if (training)
            return randn([width, count], device: device);
        using var generator = new Generator((ulong)_options.Seed);
        return randn([width, count], generator: generator).to(device);
    }

    /// <summary>One round: tokens sorted by bucket, each chunk to itself and the chunk before.</summary>
    /// <param name="buckets">[X, n].</param>
    private Attended Chunks(Tensor queries, Tensor keys, Tensor values, Tensor buckets, bool sums)
    {
        var (rows, tokens, width) = (queries.shape[0], queries.shape[1], queries.shape[2]);
        var size = Math.Min(_options.BucketSize, tokens);
        var chunks = (tokens + size - 1) / size;
        var padded = chunks * size;
        // Ties by position: the key is bucket * n + position.
        var order = buckets.mul(tokens).add(arange(tokens, device: queries.device)).argsort(-1); // [X, n]
        var places = padded == tokens ? order : functional.pad(order, [0, padded - tokens]); // padding repeats token 0, masked below
        var flat = places.add(arange(rows, device: queries.device).unsqueeze(1).mul(tokens)).flatten(); // into [X * n]

        Tensor Sorted(Tensor x) => x.reshape(rows * tokens, x.shape[2]).index_select(0, flat).view(rows, chunks, size, x.shape[2]);
        Tensor WithPrevious(Tensor x) // [X, chunks, size, d] -> [X, chunks, 2 size, d]; nothing before the first
        {
            var before = chunks == 1 ? zeros_like(x) : cat([zeros_like(x.narrow(1, 0, 1)), x.narrow(1, 0, chunks - 1)], 1);
            return cat([before, x], 2);
        }

        var place = places.view(rows, chunks, size, 1);
        var missing = arange(padded, device: queries.device).ge(tokens).view(1, chunks, size, 1);
        // 0 before the first, 2 for padding: [1, chunks, 1, 2 size]
        var absent = WithPrevious(missing.to(ScalarType.Int64).add(1)).ne(1).transpose(2, 3);
        var keyPlace = WithPrevious(place).transpose(2, 3);
        var bucket = _options.AcrossBuckets ? null : buckets.gather(1, places).view(rows, chunks, size, 1);
        var keyBucket = bucket is null ? null : WithPrevious(bucket).transpose(2, 3);

        Tensor Adjust(Tensor logits, BlockSoftmax.Part part)
        {
            Tensor Queries(Tensor x) => x.narrow(1, part.Group, part.Groups).narrow(2, part.Query, part.Queries);
            Tensor Keys(Tensor x) => x.narrow(1, part.Group, part.Groups);
            logits = logits.masked_fill_(Queries(place).eq(Keys(keyPlace)), Self);
            if (bucket is not null)
                logits = logits.masked_fill_(Queries(bucket).ne(Keys(keyBucket!)), BlockSoftmax.Masked);
            return logits.masked_fill_(Keys(absent), BlockSoftmax.Masked);
        }

        var result = BlockSoftmax.Run(
            Sorted(queries),
            WithPrevious(Sorted(keys)),
            WithPrevious(Sorted(values)),
            Adjust,
            WeightDropout,
            sums
        );
        var back = order.argsort(-1).add(arange(rows, device: queries.device).unsqueeze(1).mul(padded)).flatten();
        Tensor Unsorted(Tensor x) => x.view(rows * padded, x.shape[3]).index_select(0, back).view(rows, tokens, x.shape[3]);
        return new Attended(Unsorted(result.Out), result.Sums is null ? null : Unsorted(result.Sums));
    }
}
