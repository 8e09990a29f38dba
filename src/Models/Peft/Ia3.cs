using Tessera.Framework.Models.Peft;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Peft;

/// <param name="Roles">The layers that are changed, by what they do; key, value and fc2 by default. The second layer of an MLP has its
/// input scaled, every other its output.</param>
public sealed record Ia3Options([property: MinLength(1)] LayerRole[]? Roles = null);

/// <summary>Scales keys, values and what the MLPs have inside, each channel by a factor of its own, 1 at first.</summary>
/// <remarks>Liu et al., "Few-Shot Parameter-Efficient Fine-Tuning is Better and Cheaper than In-Context Learning", 2022,
/// arXiv:2205.05638.</remarks>
[Component("IA3")]
public sealed class Ia3(Ia3Options options) : PeftMethod
{
    public override void Apply(PeftSite site)
    {
        LayerRole[] roles = options.Roles ?? [LayerRole.Key, LayerRole.Value, LayerRole.Fc2];
        foreach (var slice in site.Layers.Find(roles, slice => slice.IsProduct, site.Asker))
            site.Change(slice.Role == LayerRole.Fc2 && slice.IsWhole ? new InputScale(slice) : new OutputScale(slice));
    }
}

internal sealed class OutputScale : LayerChange
{
    private readonly Parameter scale; // [rows]

    public OutputScale(LayerSlice slice)
        : base(nameof(OutputScale), slice)
    {
        scale = Parameter(ones(slice.Length));
        RegisterComponents();
    }

    public override Tensor Output(Tensor input, Tensor output)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(output * Slice.Beside(InRows(scale, 1), output).to(output.dtype));
    }

    public override void MergeOutput(LayerWeights weights)
    {
        weights.ScaleRows(InRows(Exactly(scale), 1));
    }
}

internal sealed class InputScale : LayerChange
{
    private readonly Parameter scale; // [in]

    public InputScale(LayerSlice slice)
        : base(nameof(InputScale), slice)
    {
        scale = Parameter(ones(slice.Weight.shape[1]));
        RegisterComponents();
    }

    public override Tensor Input(Tensor input) => input * scale.to(input.dtype);

    public override void MergeInput(LayerWeights weights) => weights.Weight = weights.Weight * Exactly(scale);
}
