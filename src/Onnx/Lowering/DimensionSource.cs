namespace Tessera.Onnx.Lowering;

/// <summary>A length that is known when the graph runs: a side of a value.</summary>
/// <param name="Lengths">In each recorded program.</param>
/// <param name="Value">The graph's name of the value.</param>
internal sealed record DimensionSource(string Value, int Axis, long[] Lengths);

/// <summary>A number that depends on sides of values, as whole-number arithmetic over one or several of them.</summary>
/// <param name="Factors">Multiplied; each source's length, divided by its divisor, rounded up or down.</param>
/// <param name="Multiplier">Of the product.</param>
/// <param name="Divisor">Of the product times the multiplier, without remainder.</param>
/// <param name="Offset">Added at the end.</param>
internal sealed record DimensionFormula(
    IReadOnlyList<(DimensionSource Source, long By, bool Up)> Factors,
    long Multiplier,
    long Divisor,
    long Offset
)
{
    private const long LargestDivisor = 128,
        LargestOffset = 512;

    /// <summary>The simplest formula that gives the numbers in every program; null: none was found.</summary>
    /// <param name="sources">The nearest first.</param>
    /// <param name="roots">Sides of the graph's inputs.</param>
    public static DimensionFormula? Find(long[] numbers, IReadOnlyList<DimensionSource> sources, IReadOnlyList<DimensionSource> roots)
    {
        foreach (var source in sources.Concat(roots))
            if (source.Lengths.AsSpan().SequenceEqual(numbers))
                return new([(source, 1, false)], 1, 1, 0);
        foreach (var source in sources.Concat(roots))
            if (Scaled(numbers, [(source, 1, false)]) is { } scaled)
                return scaled;
        foreach (var source in sources.Concat(roots))
            if (Shifted(numbers, source) is { } shifted)
                return shifted;
        foreach (var source in sources.Concat(roots))
        foreach (var factor in Divided(source))
            if (Scaled(numbers, [factor]) is { } scaled)
                return scaled;
        return Product(numbers, roots);
    }

    // A product of several of the inputs' sides, the same divisor under each of the image's.
    private static DimensionFormula? Product(long[] numbers, IReadOnlyList<DimensionSource> roots)
    {
        var varying = roots.Where(root => root.Lengths.Distinct().Count() > 1).ToArray();
        for (var chosen = 1; chosen < 1 << varying.Length; chosen++)
        {
            var some = varying.Where((_, i) => (chosen >> i & 1) != 0).ToArray();
            for (var by = 1L; by <= LargestDivisor; by++)
                foreach (var up in (bool[])[false, true])
                    if (Scaled(numbers, [.. some.Select(source => source.Axis == 0 ? (source, 1L, false) : (source, by, up))]) is { } found)
                        return found;
        }
        return null;
    }

    private static IEnumerable<(DimensionSource, long, bool)> Divided(DimensionSource source)
    {
        if (source.Lengths.Distinct().Count() == 1)
            yield break;
        for (var by = 2L; by <= LargestDivisor; by++)
        {
            yield return (source, by, true);
            yield return (source, by, false);
        }
    }

    private static DimensionFormula? Shifted(long[] numbers, DimensionSource source)
    {
        var offset = numbers[0] - source.Lengths[0];
        return Math.Abs(offset) <= LargestOffset && !numbers.Where((number, i) => number != source.Lengths[i] + offset).Any()
            ? new([(source, 1, false)], 1, 1, offset)
            : null;
    }

    private static DimensionFormula? Scaled(long[] numbers, IReadOnlyList<(DimensionSource Source, long By, bool Up)> factors)
    {
        Int128 multiplier = numbers[0],
            divisor = At(factors, 0);
        if (divisor == 0 || multiplier == 0)
            return null;
        for (var i = 1; i < numbers.Length; i++)
            if (numbers[i] * divisor != At(factors, i) * multiplier)
                return null;
        var shared = Gcd((long)Int128.Abs(multiplier), (long)divisor);
        var (times, by) = ((long)multiplier / shared, (long)divisor / shared);
        return Math.Abs(times) <= 1 << 20 && by <= 1 << 20 ? new(factors, times, by, 0) : null;
    }

    private static long At(IReadOnlyList<(DimensionSource Source, long By, bool Up)> factors, int program) =>
        factors.Aggregate(
            1L,
            (product, factor) => product * ((factor.Source.Lengths[program] + (factor.Up ? factor.By - 1 : 0)) / factor.By)
        );

    private static long Gcd(long a, long b) => b == 0 ? a : Gcd(b, a % b);
}
