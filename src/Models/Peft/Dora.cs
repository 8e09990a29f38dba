using Tessera.Framework.Models.Peft;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Peft;

/// <summary>Learns the length of each output's weights apart from their direction, which a product of two small matrices turns.</summary>
/// <remarks>
/// Liu et al., "DoRA: Weight-Decomposed Low-Rank Adaptation", 2024, arXiv:2402.09353: W' = m · (W + s · B A) / ‖W + s · B A‖, with one m
/// and one norm for each output, m at first ‖W‖. As in section 4.3 the norm passes no gradient on.
/// </remarks>
[Component("DoRA")]
public sealed class Dora(LoraOptions options) : PeftMethod
{
    public override void Apply(PeftSite site)
    {
        foreach (var slice in site.Layers.Find(options.Chosen, LowRankChange.Fits, site.Asker))
            site.Change(new DecomposedChange(slice, options, site.Asker));
    }
}

internal sealed class DecomposedChange : LayerChange
{
    private const double Least = 1e-12; // a row of zeros has no direction, and stays

    private readonly LowRankChange direction;
    private readonly Parameter magnitude; // [rows]

    public DecomposedChange(LayerSlice slice, LoraOptions options, string asker)
        : base(nameof(DecomposedChange), slice)
    {
        if (Of(slice.Layer).Any(other => Overlaps(other.Slice)))
            throw new UserErrorException(
                $"{asker}: \"{slice.Name}\" is changed by another entry of peft already, whose part the norms would miss. Put DoRA "
                    + $"first, or give the other roles."
            );
        direction = new LowRankChange(slice, options);
        magnitude = Parameter(Lengths(slice));
        RegisterComponents();
    }

    // y = W x + b becomes b + g (W x + s B A x), with g = m / ‖W + s B A‖; written so that g = 1 leaves y as it was.
    public override Tensor Output(Tensor input, Tensor output)
    {
        using var scope = NewDisposeScope();
        var gain = magnitude / Norms((Own(Slice.Weight) + direction.Delta()).detach());
        var along = Slice.Along(output);
        var rows = output.narrow(along, Slice.Start, Slice.Length);
        var turned = Slice.Bias is { } bias ? rows - Slice.Beside(Own(bias), output).to(output.dtype) : rows;
        gain = Slice.Beside(gain, output);
        return scope.MoveToOuter(AddTo(output, ((gain - 1) * turned) + (gain * direction.Added(input))));
    }

    public override void MergeOutput(LayerWeights weights)
    {
        direction.MergeOutput(weights);
        var own = weights.Weight.narrow(0, Slice.Start, Slice.Length);
        var gain = Exactly(magnitude) / Norms(own);
        weights.Weight = weights.Weight * InRows(gain, 1).view([-1, .. own.shape[1..].Select(_ => 1L)]);
    }

    private static Tensor Lengths(LayerSlice slice)
    {
        using var still = no_grad();
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(Norms(slice.Weight.narrow(0, slice.Start, slice.Length)));
    }

    private static Tensor Norms(Tensor weight) => weight.flatten(1).square().sum([1]).sqrt().clamp_min(Least);

    private Tensor Own(Tensor rows) => rows.narrow(0, Slice.Start, Slice.Length);

    private bool Overlaps(LayerSlice other) => other.Start < Slice.Start + Slice.Length && Slice.Start < other.Start + other.Length;
}
