using Tessera.Framework.Models;
using Tessera.Models.Attention;
using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones;

/// <summary>Stages of blocks over windows, each of which halves the grid: what <see cref="SwinTransformer"/> and
/// <see cref="SwinTransformerV2"/> share.</summary>
/// <remarks>
/// Parameter names are microsoft/Swin-Transformer's; with several maps, each has a norm of its own (norm0 … norm3) as in detection. Images
/// of any size are met by padding.
/// </remarks>
public abstract class SwinBackbone : Backbone
{
    private protected readonly SwinPatchEmbed patch_embed;
    private protected readonly ModuleList<SwinStage> layers = new();
    private readonly LayerNorm?[] _norms;
    private readonly int[] _depths;
    private readonly double _dropout;

    private protected SwinBackbone(SwinPlan plan, ComponentBuilder? components)
        : base(plan.Name)
    {
        StageOptions.AttentionKeys(plan.Name, plan.Attention?.Keys, plan.Depths.Length);
        var (built, width) = (plan.Built, plan.Width);
        (_depths, _dropout) = (plan.Depths[..built], plan.Shape.Dropout);
        var rates = DropPath.Linear(plan.DropPath, plan.Depths.Sum());
        patch_embed = new SwinPatchEmbed(plan.PatchSize, plan.InChannels, width, plan.PatchNorm);
        for (var i = 0; i < built; i++)
        {
            var (stage, channels, first) = (i, width << i, plan.Depths[..i].Sum());
            var choose = AttentionChoice.For(plan.Attention, stage, components, shape => plan.Own(stage, shape));
            layers.Add(
                new SwinStage(
                    plan.Depths[stage],
                    block =>
                        plan.Block(
                            choose(plan.Shape with { Channels = channels, Heads = plan.Heads[stage], Block = block }),
                            channels,
                            rates[first + block]
                        ),
                    stage < built - 1 ? new SwinPatchMerging(channels, plan.MergeNormsLast) : null
                )
            );
        }
        LastStage = built - 1;
        HasPlainNorm = plan.OutIndices.Length == 1 && built == plan.Depths.Length;
        _norms = new LayerNorm?[built];
        foreach (var i in plan.OutIndices)
        {
            _norms[i] = LayerNorm(width << i);
            register_module(HasPlainNorm ? "norm" : $"norm{i}", _norms[i]!);
        }
        RegisterComponents();

        OutChannels = [.. plan.OutIndices.Select(i => width << i)];
        OutStrides = [.. plan.OutIndices.Select(i => plan.PatchSize << i)];
        Weights.Transformer(this);
    }

    public override IReadOnlyList<int> OutChannels { get; }

    public override IReadOnlyList<int> OutStrides { get; }

    /// <summary>A stage's merging of patches goes with its last block.</summary>
    public override ParameterLayers LayersByDepth => StageOptions.ByDepth([nameof(patch_embed)], _depths);

    /// <summary>The stage of the last map, from 0.</summary>
    private protected int LastStage { get; }

    /// <summary>Whether there is one map, of the last stage, whose norm is called "norm" as a classifier's.</summary>
    private protected bool HasPlainNorm { get; }

    /// <param name="images">Normalized images, [B, InChannels, H, W], of any size.</param>
    /// <returns>Normed maps [B, C, ⌈H / stride⌉, ⌈W / stride⌉] of the stages asked for.</returns>
    public override Tensor[] forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        var map = patch_embed.call(images);
        if (_dropout > 0)
            map = functional.dropout(map, _dropout, training);
        var maps = new List<Tensor>();
        for (var i = 0; i < layers.Count; i++)
        {
            var grid = new TokenGrid((int)map.shape[2], (int)map.shape[3]);
            var x = map.flatten(2).transpose(1, 2); // [B, N, C]
            foreach (var block in layers[i].Blocks)
                x = block.call(x, grid);
            map = x.transpose(1, 2).reshape(x.shape[0], -1, grid.Height, grid.Width);
            if (_norms[i] is { } norm)
                maps.Add(norm.Normed(x).transpose(1, 2).reshape(map.shape));
            if (layers[i].Downsample is { } merge)
                map = merge.call(map);
        }
        var result = maps.ToArray();
        scope.MoveToOuter(result);
        return result;
    }
}
