namespace Tessera.Datasets.Splitting;

/// <summary>How far a split is from what was wished: first by the labels that lack in a part and needn't, then by the counts.</summary>
/// <param name="Missing">Labels that a part lacks; a class counts more than any number of labels below classes.</param>
/// <param name="Spread">Pearson's chi-square of the counts against the wished ones, over labels, sizes and parts.</param>
internal readonly record struct SplitCost(long Missing, double Spread)
{
    private const double Tolerance = 1e-9;

    /// <summary>Whether this is less: what is missing first.</summary>
    public bool IsBelow(SplitCost other) => Missing != other.Missing ? Missing < other.Missing : Spread - other.Spread < -Tolerance;

    /// <summary>Whether a change by this lowers the cost.</summary>
    public bool IsGain => IsBelow(default);

    public static SplitCost operator +(SplitCost a, SplitCost b) => new(a.Missing + b.Missing, a.Spread + b.Spread);
}

/// <summary>Which part each unit is in, and what that costs; kept up to date as units move.</summary>
internal sealed class SplitBalance
{
    private const long ClassWeight = 1 << 24;

    private readonly int _parts;
    private readonly int[] _samples,
        _holders; // [rows * parts]
    private readonly double[] _wished;
    private readonly long[] _required; // the weight of a part that must have the label; 0 where it needn't
    private readonly int[] _partOf;

    /// <param name="shares">Of each part.</param>
    /// <param name="fillsFirst">A class of fewer units than parts goes to the first ones.</param>
    public SplitBalance(SplitUnits units, IReadOnlyList<double> shares, bool fillsFirst)
    {
        (Units, _parts) = (units, shares.Count);
        var cells = units.Totals.Length * _parts;
        (_samples, _holders, _wished, _required) = (new int[cells], new int[cells], new double[cells], new long[cells]);
        _partOf = new int[units.Count];
        _partOf.AsSpan().Fill(-1);
        for (var row = 0; row < units.Totals.Length; row++)
        {
            var isClass = row < units.Strata.Classes || row == units.SizeRow;
            var reached =
                units.Holders[row] >= _parts ? _parts
                : isClass && fillsFirst ? units.Holders[row]
                : 0;
            for (var part = 0; part < _parts; part++)
            {
                _wished[row * _parts + part] = shares[part] * units.Totals[row];
                _required[row * _parts + part] =
                    part >= reached ? 0
                    : isClass ? ClassWeight
                    : 1;
            }
        }
        Cost = new(_required.Sum(), units.Totals.Sum()); // nothing is placed: (0 - e)² / e summed over parts is the total
    }

    public SplitUnits Units { get; }

    public int Parts => _parts;

    public SplitCost Cost { get; private set; }

    /// <summary>The part of each unit; -1 where it has none yet.</summary>
    public ReadOnlySpan<int> PartOf => _partOf;

    public double Wished(int row, int part) => _wished[row * _parts + part];

    public int Samples(int row, int part) => _samples[row * _parts + part];

    /// <summary>What it would change to have a unit in another part.</summary>
    public SplitCost ChangeOf(int unit, int to)
    {
        var from = _partOf[unit];
        var change = default(SplitCost);
        if (from == to)
            return change;
        foreach (var (row, count) in Units.Labels[unit])
        {
            change += Change(row * _parts + to, count, 1);
            if (from >= 0)
                change += Change(row * _parts + from, -count, -1);
        }
        return change;
    }

    /// <summary>Puts a unit into a part, out of the one it is in.</summary>
    public void Move(int unit, int to)
    {
        var from = _partOf[unit];
        if (from == to)
            return;
        Cost += ChangeOf(unit, to);
        foreach (var (row, count) in Units.Labels[unit])
        {
            _samples[row * _parts + to] += count;
            _holders[row * _parts + to]++;
            if (from < 0)
                continue;
            _samples[row * _parts + from] -= count;
            _holders[row * _parts + from]--;
        }
        _partOf[unit] = to;
    }

    private SplitCost Change(int cell, int samples, int holders)
    {
        var (before, wished) = (_samples[cell] - _wished[cell], _wished[cell]);
        var after = before + samples;
        var missing =
            _holders[cell] == 0 ? -_required[cell]
            : _holders[cell] + holders == 0 ? _required[cell]
            : 0;
        return new(missing, (after * after - before * before) / wished);
    }
}
