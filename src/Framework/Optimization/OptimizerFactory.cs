using Tessera.Torch.Optimizers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Framework.Optimization;

/// <summary>Which layer a backbone's last norm counts with, where each layer learns slower than the next.</summary>
public enum LayerDecayNorm
{
    /// <summary>The head, as in MMPretrain: it learns at the full rate, and the last block one step slower.</summary>
    Head,

    /// <summary>The last block, as in timm.</summary>
    LastBlock,

    /// <summary>A layer of its own between the two, as Tessera had it first.</summary>
    Own,
}

/// <summary>An optimizer as a config describes it; makes the optimizer once the parameters are known.</summary>
[ComponentKind("optimizer")]
public abstract class OptimizerFactory
{
    /// <summary>Multipliers by name pattern; see <see cref="NamePattern"/>. <c>norm</c> means all normalisation layers, <c>bias</c> all
    /// biases.</summary>
    [FromConfig]
    public IReadOnlyDictionary<string, GroupOptions> Groups { get; set; } = new Dictionary<string, GroupOptions>();

    /// <summary>Each layer of the backbone learns this much slower than the one above it; 1 for no difference.</summary>
    [FromConfig]
    [Range(0.01, 1.0)]
    public double LayerDecay { get; set; } = 1;

    /// <summary>With layer_decay: the layer that a backbone's last norm belongs to.</summary>
    [FromConfig]
    [EarlierDefault(LayerDecayNorm.Own, Now = LayerDecayNorm.Head)]
    public LayerDecayNorm LayerDecayNorm { get; set; }

    /// <summary>Patterns of the parameters that are this optimizer's, where there are several; all by default.</summary>
    [FromConfig]
    public IReadOnlyList<string> Parameters { get; set; } = [];

    /// <summary>The groups as the optimizer wants them, where it treats parameters of a group in different ways: those that it makes of
    /// each, in the order in which it keeps them.</summary>
    /// <param name="model">Whose parameters they are.</param>
    public virtual IReadOnlyList<ParameterGroup> Arrange(IReadOnlyList<ParameterGroup> groups, nn.Module model) => groups;

    /// <summary>The optimizer over these groups.</summary>
    public abstract optim.Optimizer Create(IReadOnlyList<ParameterGroup> groups);

    /// <summary>The groups of an optimizer of Adam's family.</summary>
    /// <param name="betas">Two; 0.9 and 0.999 where none are given.</param>
    internal static BetasGroup[] BetasGroups(IReadOnlyList<ParameterGroup> groups, double lr, double weightDecay, double[]? betas) =>
        [
            .. groups.Select(group => new BetasGroup(
                group.Parameters,
                lr * group.LrMult,
                weightDecay * group.DecayMult,
                betas?[0] ?? 0.9,
                betas?[1] ?? 0.999
            )),
        ];
}

/// <summary>Multipliers of the parameters that a pattern names.</summary>
/// <param name="LrMult">Times the learning rate.</param>
/// <param name="DecayMult">Times the weight decay; 0 for none.</param>
public sealed record GroupOptions([property: Range(0.0, 1e6)] double LrMult = 1, [property: Range(0.0, 1e6)] double DecayMult = 1);

/// <summary>Parameters that share their multipliers.</summary>
/// <param name="Names">In the state dict, in order.</param>
public sealed record ParameterGroup(IReadOnlyList<string> Names, IReadOnlyList<Parameter> Parameters, double LrMult, double DecayMult)
{
    /// <summary>Whether an optimizer that is not for all parameters leaves these to another rule.</summary>
    public bool IsFallback { get; init; }
}
