using Tessera.Framework.Models.Peft;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Peft;

/// <param name="Roles">The layers behind which there is a scale and a shift, by what they do; all by default, norms among them.</param>
public sealed record SsfOptions([property: MinLength(1)] LayerRole[]? Roles = null);

/// <summary>Scales and shifts what layers give: γ y + β for each channel.</summary>
/// <remarks>
/// Lian et al., "Scaling &amp; Shifting Your Features", 2022, arXiv:2210.08823. γ starts by a normal around 1, β around 0, both of
/// deviation 0.02, so that a run begins close to the base and not at it. Departs from the paper at layers without a bias (before batch
/// norms, for one): they are scaled alone, so that all can be merged.
/// </remarks>
[Component("SSF")]
public sealed class Ssf(SsfOptions options) : PeftMethod
{
    public override void Apply(PeftSite site)
    {
        foreach (var slice in site.Layers.Find(options.Roles ?? [LayerRole.All], _ => true, site.Asker))
            site.Change(new ScaleShift(slice));
    }
}

internal sealed class ScaleShift : LayerChange
{
    private const double Deviation = 0.02;

    private readonly Parameter scale; // [rows]
    private readonly Parameter? shift; // [rows]

    public ScaleShift(LayerSlice slice)
        : base(nameof(ScaleShift), slice)
    {
        scale = Parameter(zeros(slice.Length));
        shift = slice.Bias is null ? null : Parameter(zeros(slice.Length));
        init.normal_(scale, mean: 1, std: Deviation);
        if (shift is not null)
            init.normal_(shift, std: Deviation);
        RegisterComponents();
    }

    public override Tensor Output(Tensor input, Tensor output)
    {
        using var scope = NewDisposeScope();
        Tensor Along(Tensor values, double elsewhere) => Slice.Beside(InRows(values, elsewhere), output).to(output.dtype);
        var scaled = output * Along(scale, 1);
        return scope.MoveToOuter(shift is null ? scaled : scaled + Along(shift, 0));
    }

    public override void MergeOutput(LayerWeights weights)
    {
        weights.ScaleRows(InRows(Exactly(scale), 1));
        if (weights.Bias is { } bias)
            weights.Bias = bias + InRows(Exactly(shift!), 0);
    }
}
