using Tessera.Framework.Configuration;

namespace Tessera.Models.Backbones;

/// <summary>A stage of a <see cref="ResidualBackbone"/>, worked out.</summary>
/// <param name="Planes">Channels of its blocks, before expansion.</param>
/// <param name="OutChannels">Channels of its map.</param>
/// <param name="Stride">Of its first block.</param>
/// <param name="Dilations">Of each block.</param>
/// <param name="Uncontracted">The same, though a first block may keep the dilation of the stage before.</param>
/// <param name="TotalStride">Of its map, relative to the image.</param>
internal sealed record ResNetStage(int Planes, int OutChannels, int Stride, int[] Dilations, int[] Uncontracted, int TotalStride);

/// <summary>Checks a <see cref="ResidualBackbone"/>'s options against each other and works out its stages.</summary>
internal sealed class ResNetPlan
{
    private const int MaxStages = 4;

    private readonly string _name;

    /// <param name="name">The network's, for messages.</param>
    public ResNetPlan(ResNetOptions options, string name = nameof(ResNet))
    {
        _name = name;
        var blocks = BlocksOf(options);
        OutIndices = Backbones.OutIndices.Checked(name, options.OutIndices ?? [.. Enumerable.Range(0, blocks.Length)], blocks.Length);
        var built = OutIndices.Max() + 1;
        if (options.FrozenStages > built)
            throw Mistake($"frozen_stages is {options.FrozenStages}, but there are {built} stages.");

        var (strides, dilations) = StridesAndDilations(options, blocks.Length);
        var expansion = options.Depth < 50 ? 1 : 4;
        var (total, before) = (options.Stem == ResNetStem.Small ? 1 : 4, 1);
        var stages = new ResNetStage[built];
        for (var i = 0; i < built; i++)
        {
            total *= strides[i];
            var planes = options.BaseChannels << i;
            stages[i] = new ResNetStage(
                planes,
                planes * expansion,
                strides[i],
                BlockDilations(i, options.ContractDilation),
                BlockDilations(i, contract: false),
                total
            );
            before = dilations[i];
        }
        Stages = stages;

        int[] BlockDilations(int stage, bool contract)
        {
            var result = Enumerable.Repeat(dilations[stage], blocks[stage]).ToArray();
            if (stage == blocks.Length - 1 && options.MultiGrid is { } grid)
            {
                if (grid.Length != result.Length)
                    throw Mistake($"multi_grid has {grid.Length} factors, but the last stage has {result.Length} blocks.");
                if (grid.Any(factor => factor < 1))
                    throw Mistake("multi_grid must be positive.");
                return [.. grid.Select(factor => factor * dilations[stage])];
            }
            if (contract && dilations[stage] > before)
                result[0] = before;
            return result;
        }
    }

    public IReadOnlyList<ResNetStage> Stages { get; }

    public int[] OutIndices { get; }

    private int[] BlocksOf(ResNetOptions options)
    {
        var blocks =
            options.StageBlocks
            ?? options.Depth switch
            {
                18 => [2, 2, 2, 2],
                34 or 50 => [3, 4, 6, 3],
                101 => [3, 4, 23, 3],
                _ => [3, 8, 36, 3],
            };
        if (blocks.Length > MaxStages || blocks.Any(count => count < 1))
            throw Mistake($"stage_blocks must be one to {MaxStages} positive numbers, not [{string.Join(", ", blocks)}].");
        if (options.Depth < 50 && (options.Groups != 1 || options.BaseWidth != 64))
            throw Mistake($"groups and base_width belong to bottlenecks (depth 50 and more), not to depth {options.Depth}.");
        return blocks;
    }

    private (int[] Strides, int[] Dilations) StridesAndDilations(ResNetOptions options, int stages)
    {
        if (options.OutputStride is { } wanted)
        {
            if (options.Strides is not null || options.Dilations is not null)
                throw Mistake("output_stride works out strides and dilations; give it or them, not both.");
            return FromOutputStride(wanted, stages, options.Stem == ResNetStem.Small ? 1 : 4);
        }
        return (
            Checked(options.Strides ?? [1, 2, 2, 2], "strides", options.Strides is null),
            Checked(options.Dilations ?? [1, 1, 1, 1], "dilations", options.Dilations is null)
        );

        int[] Checked(int[] values, string name, bool isDefault)
        {
            if (isDefault)
                return values[..stages];
            if (values.Length != stages)
                throw Mistake($"{name} has {values.Length} values, but there are {stages} stages.");
            return values.All(value => value is >= 1 and <= 64)
                ? values
                : throw Mistake($"{name} must lie in 1 .. 64, not [{string.Join(", ", values)}].");
        }
    }

    private (int[] Strides, int[] Dilations) FromOutputStride(int wanted, int stages, int stem)
    {
        if (wanted < stem)
            throw Mistake($"output_stride {wanted} is less than the stem's stride {stem}.");
        var (strides, dilations) = (new int[stages], new int[stages]);
        var (total, dilation) = (stem, 1);
        for (var i = 0; i < stages; i++)
        {
            strides[i] = i > 0 && total < wanted ? 2 : 1;
            if (i > 0 && strides[i] == 1)
                dilation *= 2;
            (total, dilations[i]) = (total * strides[i], dilation);
        }
        return (strides, dilations);
    }

    private UserErrorException Mistake(string text) => new($"{_name}: {text}");
}
