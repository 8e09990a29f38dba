namespace Tessera.Models.Backbones;

/// <summary>Checks an <see cref="HRNet"/>'s options against each other and works out its sizes.</summary>
internal sealed class HRNetPlan
{
    public HRNetPlan(HRNetOptions options)
    {
        var (width, layer1, modules, blocks) = options.Arch switch
        {
            HRNetArch.W18Small => (16, 32, [1, 1, 1], [1, 2, 2, 2]),
            HRNetArch.W18SmallV2 => (18, 64, [1, 3, 2], [2, 2, 2, 2]),
            var arch => (WidthOf(arch), 64, new[] { 1, 4, 3 }, new[] { 4, 4, 4, 4 }),
        };
        Width = options.Channels ?? width;
        Layer1Channels = options.Layer1Channels ?? layer1;
        Modules = Checked(options.StageModules ?? modules, 3, "stage_modules");
        Blocks = Checked(options.StageBlocks ?? blocks, 4, "stage_blocks");
        if (options is { Classification: true, MultiScaleOutput: false })
            throw new UserErrorException(
                "HRNet: classification joins the maps of all branches; it can't go with multi_scale_output: false."
            );
    }

    /// <summary>Channels of the branch of stride 4.</summary>
    public int Width { get; }

    /// <summary>Channels of layer1's bottlenecks, before expansion.</summary>
    public int Layer1Channels { get; }

    /// <summary>Exchange modules of stages 2, 3 and 4.</summary>
    public int[] Modules { get; }

    /// <summary>Bottlenecks of layer1, then basic blocks in each branch of a module of stages 2, 3 and 4.</summary>
    public int[] Blocks { get; }

    /// <summary>Channels of every branch of a stage with so many.</summary>
    public int[] Channels(int branches) => [.. Enumerable.Range(0, branches).Select(branch => Width << branch)];

    private static int WidthOf(HRNetArch arch) =>
        arch switch
        {
            HRNetArch.W18 => 18,
            HRNetArch.W30 => 30,
            HRNetArch.W32 => 32,
            HRNetArch.W40 => 40,
            HRNetArch.W44 => 44,
            HRNetArch.W48 => 48,
            _ => 64,
        };

    private static int[] Checked(int[] values, int length, string name) =>
        values.Length == length && values.All(value => value is >= 1 and <= 64)
            ? values
            : throw new UserErrorException($"HRNet: {name} must be {length} numbers from 1 to 64, not [{string.Join(", ", values)}].");
}
