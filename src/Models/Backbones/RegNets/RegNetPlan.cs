namespace Tessera.Models.Backbones.RegNets;

/// <summary>A stage of a <see cref="RegNet"/>.</summary>
/// <param name="Inside">Channels inside a block.</param>
internal sealed record RegNetStage(int Width, int Inside, int Depth, int GroupSize, double SeRatio);

/// <summary>Works out the stages of a <see cref="RegNet"/> from the parameters of its design space.</summary>
/// <remarks>
/// Section 3.3 of the paper: block j's width is u = w0 + wa · j; s = log(u / w0) / log(wm), rounded, gives w0 · wm^s, rounded to a multiple
/// of 8. Blocks of one width are a stage. Then widths are rounded to whole groups.
/// </remarks>
internal sealed class RegNetPlan
{
    private const int Quantum = 8;

    public RegNetPlan(RegNetOptions options)
    {
        var (depth, w0, wa, wm, group) = Published(options.Arch);
        (depth, w0) = (options.Depth ?? depth, options.W0 ?? w0);
        (wa, wm) = (options.Wa ?? wa, options.Wm ?? wm);
        group = options.GroupSize ?? group;
        if (w0 % Quantum != 0)
            throw new UserErrorException($"{nameof(RegNet)}: w0 must be a multiple of {Quantum}, not {w0}.");
        var se = options.SeRatio ?? (options.Arch >= RegNetArch.Y002 ? 0.25 : 0);
        Stages =
        [
            .. Enumerable
                .Range(0, depth)
                .Select(block => Width(block, w0, wa, wm))
                .GroupBy(width => width)
                .Select(stage => Fitted(stage.Key, stage.Count(), group, se, options)),
        ];
        OutIndices = StageOptions.Indices(nameof(RegNet), options.OutIndices, Stages.Count);
    }

    public IReadOnlyList<RegNetStage> Stages { get; }

    public int[] OutIndices { get; }

    // In single precision, as the reference computes it, so that halves are rounded alike.
    private static int Width(int block, int w0, double wa, double wm)
    {
        var power = MathF.Round(MathF.Log((block * (float)wa + w0) / w0) / (float)Math.Log(wm));
        return (int)(MathF.Round(w0 * MathF.Pow((float)wm, power) / Quantum) * Quantum);
    }

    private static RegNetStage Fitted(int width, int depth, int group, double se, RegNetOptions options)
    {
        var inside = (int)(width * options.BottleRatio);
        if (inside < 1)
            throw new UserErrorException($"{nameof(RegNet)}: bottle_ratio {options.BottleRatio} leaves no channels of {width}.");
        group = Math.Min(group, inside);
        var rounded =
            options.GroupMinRatio > 0
                ? Math.Max(group, (int)(inside + group / 2.0) / group * group)
                : (int)Math.Round((double)inside / group) * group;
        if (rounded < options.GroupMinRatio * inside)
            rounded += group;
        return new RegNetStage((int)(rounded / options.BottleRatio), rounded, depth, group, se);
    }

    private static (int Depth, int W0, double Wa, double Wm, int GroupSize) Published(RegNetArch arch) =>
        arch switch
        {
            RegNetArch.X002 or RegNetArch.Y002 => (13, 24, 36.44, 2.49, 8),
            RegNetArch.X004 => (22, 24, 24.48, 2.54, 16),
            RegNetArch.X006 => (16, 48, 36.97, 2.24, 24),
            RegNetArch.X008 => (16, 56, 35.73, 2.28, 16),
            RegNetArch.X016 => (18, 80, 34.01, 2.25, 24),
            RegNetArch.X032 => (25, 88, 26.31, 2.25, 48),
            RegNetArch.X040 => (23, 96, 38.65, 2.43, 40),
            RegNetArch.X064 => (17, 184, 60.83, 2.07, 56),
            RegNetArch.X080 => (23, 80, 49.56, 2.88, 120),
            RegNetArch.X120 or RegNetArch.Y120 => (19, 168, 73.36, 2.37, 112),
            RegNetArch.X160 => (22, 216, 55.59, 2.1, 128),
            RegNetArch.X320 => (23, 320, 69.86, 2.0, 168),
            RegNetArch.Y004 => (16, 48, 27.89, 2.09, 8),
            RegNetArch.Y006 => (15, 48, 32.54, 2.32, 16),
            RegNetArch.Y008 => (14, 56, 38.84, 2.4, 16),
            RegNetArch.Y016 => (27, 48, 20.71, 2.65, 24),
            RegNetArch.Y032 => (21, 80, 42.63, 2.66, 24),
            RegNetArch.Y040 => (22, 96, 31.41, 2.24, 64),
            RegNetArch.Y064 => (25, 112, 33.22, 2.27, 72),
            RegNetArch.Y080 => (17, 192, 76.82, 2.19, 56),
            RegNetArch.Y160 => (18, 200, 106.23, 2.48, 112),
            RegNetArch.Y320 => (20, 232, 115.89, 2.53, 232),
            RegNetArch.Y640 => (20, 352, 147.48, 2.4, 328),
            _ => (27, 456, 160.83, 2.52, 264),
        };
}
