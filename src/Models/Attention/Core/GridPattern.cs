using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Attention.Core;

/// <summary>
/// The patterns over a grid [X, H, W, d], whose last positions may be no tokens: classes of residues, windows around each
/// token, and windows without what the classes have already. A sequence is a grid of one row.
/// </summary>
/// <param name="q">Scaled queries.</param>
/// <param name="count">Tokens; positions from there on are padding.</param>
/// <param name="tables">Keeps indices and masks from call to call.</param>
internal sealed class GridPattern(Tensor q, Tensor k, Tensor v, long count, double dropout, bool sums, SizeTables tables)
{
    private readonly int _height = (int)q.shape[1];
    private readonly int _width = (int)q.shape[2];

    /// <summary>Tokens whose rows agree modulo <paramref name="rateY"/>, and columns modulo <paramref name="rateX"/>, attend each
    /// other.</summary>
    public Attended Congruent(int rateY, int rateX)
    {
        var residues = new Residues(_height, _width, rateY, rateX);
        var parts = new[] { q, k, v }.Select(x => residues.Split(x).flatten(2, 3)).ToArray(); // [X, classes, T, d]
        var padding = tables.Get((residues, count), q.device, () => [Padding(residues, x => residues.Split(x).flatten(2, 3))])[0];
        return Back(
            BlockSoftmax.Run(parts[0], parts[1], parts[2], Masking(null, padding), dropout, sums),
            x => residues.Join(x.view(x.shape[0], residues.Count, residues.Rows, residues.Columns, x.shape[3]))
        );
    }

    /// <summary>
    /// A token attends those at most a reach away, in steps of a rate, in rows and in columns.
    /// </summary>
    /// <param name="reachY">Rows on either side, in steps.</param>
    /// <param name="reachX">Columns on either side, in steps.</param>
    /// <param name="rateY">Step between rows.</param>
    /// <param name="rateX">Step between columns.</param>
    /// <param name="inside">Whether windows are moved inwards at the borders, so that all are of one size.</param>
    /// <param name="without">Leaves out tokens whose distances in rows and columns are multiples of these two.</param>
    public Attended Near(int reachY, int reachX, int rateY, int rateX, bool inside, (int Y, int X)? without = null)
    {
        var residues = new Residues(_height, _width, rateY, rateX);
        var flat = residues.Rows == 1 || residues.Columns == 1;
        var y = new TiledAxis(residues.Rows, reachY, Tile(reachY, residues.Rows, flat), inside, rateY > 1);
        var x = new TiledAxis(residues.Columns, reachX, Tile(reachX, residues.Columns, flat), inside, rateX > 1);
        var made = tables.Get((residues, count, reachY, reachX, inside, without), q.device, () => Tables(residues, y, x, inside, without));
        var (keyRows, keyColumns, far, padding) = (made[0], made[1], made[2], made[3]);

        Tensor Queries(Tensor t)
        {
            t = residues.Split(t);
            var (down, right) = (Residues.Missing(residues.Rows, y.Tile), Residues.Missing(residues.Columns, x.Tile));
            if (down + right > 0)
                t = functional.pad(t, [0, 0, 0, right, 0, down]);
            return t.view(t.shape[0], t.shape[1], y.Tiles, y.Tile, x.Tiles, x.Tile, t.shape[4])
                .permute(0, 1, 2, 4, 3, 5, 6)
                .reshape(t.shape[0], -1, y.Tile * x.Tile, t.shape[4]); // [X, groups, T, d]
        }

        Tensor Together(Tensor t)
        {
            t = t.view(t.shape[0], residues.Count, y.Tiles, x.Tiles, y.Tile, x.Tile, t.shape[3])
                .permute(0, 1, 2, 4, 3, 5, 6)
                .reshape(t.shape[0], residues.Count, y.Tiles * y.Tile, x.Tiles * x.Tile, t.shape[3]);
            return residues.Join(t.narrow(2, 0, residues.Rows).narrow(3, 0, residues.Columns).contiguous());
        }

        Tensor Own(Tensor t) => Keys(t, residues, y, x, keyRows, keyColumns);
        return Back(BlockSoftmax.Run(Queries(q), Own(k), Own(v), Masking(far, padding), dropout, sums), Together);
    }

    /// <summary>Rows and columns that keys are taken from (null: all, in order), pairs that do not attend each other, [groups or 1, T, K],
    /// and keys that are no tokens, [groups, 1, K].</summary>
    private Tensor?[] Tables(Residues residues, TiledAxis y, TiledAxis x, bool inside, (int Y, int X)? without)
    {
        var device = q.device;
        var keyRows = y.IsWhole ? null : tensor(y.Sources, device: device);
        var keyColumns = x.IsWhole ? null : tensor(x.Sources, device: device);
        var outside = Outer(y.Inside, x.Inside, [1, y.Tiles * x.Tiles, 1, y.Slots * x.Slots]).logical_not().to(device); // [1, tiles, 1, K]
        var padding = Padding(residues, t => Keys(t, residues, y, x, keyRows, keyColumns)) is { } missing
            ? missing.view(residues.Count, -1, 1, y.Slots * x.Slots).logical_or(outside)
            : outside.expand(residues.Count, -1, -1, -1);
        return [keyRows, keyColumns, Far(residues, y, x, inside, without).to(device), padding.reshape(-1, 1, y.Slots * x.Slots)];
    }

    /// <summary>The keys of each tile of queries.</summary>
    /// <returns>[X, groups, K, d].</returns>
    private static Tensor Keys(Tensor t, Residues residues, TiledAxis y, TiledAxis x, Tensor? rows, Tensor? columns)
    {
        t = residues.Split(t); // [X, classes, rows, columns, d]
        if (rows is not null)
            t = t.index_select(2, rows);
        if (columns is not null)
            t = t.index_select(3, columns);
        return t.view(t.shape[0], t.shape[1], y.Tiles, y.Slots, x.Tiles, x.Slots, t.shape[4])
            .permute(0, 1, 2, 4, 3, 5, 6)
            .reshape(t.shape[0], -1, y.Slots * x.Slots, t.shape[4]);
    }

    private static int Tile(int reach, int length, bool flat) =>
        reach >= length - 1 && length <= 128 ? length
        : flat ? Math.Clamp(reach, 32, 128)
        : Math.Clamp(reach, 4, 16);

    /// <summary>Pairs that do not attend each other, [groups or 1, T, K].</summary>
    private Tensor Far(Residues residues, TiledAxis y, TiledAxis x, bool inside, (int Y, int X)? without)
    {
        long[] pair = [1, y.Tile * x.Tile, y.Slots * x.Slots];
        if (!inside)
        {
            var far = Outer(y.Near(), x.Near(), pair).logical_not();
            return without is { } rates ? far.logical_or(Outer(y.Congruent(rates.Y), x.Congruent(rates.X), pair)) : far;
        }
        static int[] Lengths(int length, int rate) => [.. Enumerable.Range(0, rate).Select(first => (length - first + rate - 1) / rate)];
        var rows = y.Within(Lengths(_height, residues.RateY)).view(residues.RateY, 1, y.Tiles, 1, y.Tile, 1, y.Slots, 1);
        var columns = x.Within(Lengths(_width, residues.RateX)).view(1, residues.RateX, 1, x.Tiles, 1, x.Tile, 1, x.Slots);
        return rows.logical_and(columns).reshape(-1, pair[1], pair[2]).logical_not();
    }

    // rows [a, b], columns [c, d] -> [a * c, b * d], as given.
    private static Tensor Outer(Tensor rows, Tensor columns, long[] shape) =>
        rows.view(rows.shape[0], 1, rows.shape[1], 1).logical_and(columns.view(1, columns.shape[0], 1, columns.shape[1])).reshape(shape);

    /// <summary>Keys that are no tokens, [groups, 1, K]; null where there are none.</summary>
    private Tensor? Padding(Residues residues, Func<Tensor, Tensor> arrange)
    {
        if (count == (long)_height * _width && residues.Rows * residues.RateY == _height && residues.Columns * residues.RateX == _width)
            return null;
        var token = arange((long)_height * _width, device: q.device).lt(count).to(ScalarType.Float32).view(1, _height, _width, 1);
        return arrange(token).squeeze(0).squeeze(-1).eq(0).unsqueeze(1);
    }

    private static Func<Tensor, BlockSoftmax.Part, Tensor> Masking(Tensor? pairs, Tensor? keys) =>
        (logits, part) =>
        {
            if (pairs is not null)
                logits = logits.masked_fill_(part.Of(pairs), BlockSoftmax.Masked);
            return keys is null ? logits : logits.masked_fill_(part.Of(keys), BlockSoftmax.Masked);
        };

    private static Attended Back(Attended arranged, Func<Tensor, Tensor> together) =>
        new(together(arranged.Out), arranged.Sums is null ? null : together(arranged.Sums));
}
