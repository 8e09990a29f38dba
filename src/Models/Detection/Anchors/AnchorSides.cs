namespace Tessera.Models.Detection.Anchors;

/// <summary>
/// Sides of each map's anchors, in pixels. A config gives them in one of three ways: scales of an octave
/// (<c>octave_base_scale</c>, <c>scales_per_octave</c>; the default), <c>scales</c>, or <c>sizes</c>. The first two are multiples of a
/// map's base size, which is its stride unless <c>base_sizes</c> says otherwise.
/// </summary>
internal static class AnchorSides
{
    private const double Largest = 1e5;

    /// <param name="strides">Of each map.</param>
    /// <returns>For each map.</returns>
    /// <exception cref="UserErrorException">Several ways are mixed, or there are more or fewer entries than maps.</exception>
    public static double[][] Of(AnchorGeneratorOptions options, IReadOnlyList<int> strides)
    {
        var byOctave = options.OctaveBaseScale is not null || options.ScalesPerOctave is not null;
        if (new[] { byOctave, options.Scales is not null, options.Sizes is not null }.Count(used => used) > 1)
            throw new UserErrorException(
                "AnchorGenerator takes octave_base_scale with scales_per_octave, or scales, or sizes: one of the three."
            );
        if (options is { BaseSizes: not null, Sizes: not null })
            throw new UserErrorException("AnchorGenerator: base_sizes multiply scales; with sizes, in pixels, they have no place.");
        RequireOneForEach(options.BaseSizes?.Length, "base_sizes", strides.Count);
        RequireOneForEach(options.Sizes?.Length, "sizes", strides.Count);
        if (options.Sizes is { } sizes)
            return sizes.All(sides => sides.All(side => side is > 0 and < Largest))
                ? sizes
                : throw new UserErrorException("AnchorGenerator: sizes are sides in pixels, above 0.");
        var scales = options.Scales ?? OfOctave(options.OctaveBaseScale ?? 4, options.ScalesPerOctave ?? 3);
        return [.. strides.Select((stride, map) => Array.ConvertAll(scales, scale => scale * (options.BaseSizes?[map] ?? stride)))];
    }

    private static double[] OfOctave(double first, int count) =>
        [.. Enumerable.Range(0, count).Select(i => first * Math.Pow(2, (double)i / count))];

    private static void RequireOneForEach(int? entries, string name, int maps)
    {
        if (entries is { } given && given != maps)
            throw new UserErrorException($"AnchorGenerator: {name} has {given} entries, but there are {maps} maps.");
    }
}
