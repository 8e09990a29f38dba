using Tessera.Framework.Models;
using Tessera.Models.Layers;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Models.Explanation.Methods;

/// <param name="Partial">A network that the terms don't explain wholly is explained all the same, by what they cover.</param>
public sealed record FullGradOptions(bool Partial = false);

/// <summary>What the image and every bias of the network say for the score, at their places.</summary>
/// <remarks>
/// Srinivas and Fleuret, "Full-Gradient Representation for Neural Network Visualization", 2019, arXiv:1905.00780, equation 2 and, for the
/// map, equation 7: each layer's terms, without sign, are scaled to [0, 1] over all channels and places of an image, enlarged corner on
/// corner and summed, as in the authors' code. Biases are those of convolutions, linear layers (which have no place in the map) and norms
/// with fixed statistics, whose subtracted mean is one, too. A network of these and of ReLUs and poolings is explained wholly: input and
/// bias terms add up to the score. Others (a LayerNorm, GELU, attention) are not, and are refused.
/// </remarks>
[Component("FullGrad")]
public sealed class FullGrad(FullGradOptions options) : ActivationMethod
{
    public override string Title => "FullGrad";

    public override bool ReadsLayer => false;

    public override Tensor Contributions(ExplainedRun run)
    {
        using var scope = NewDisposeScope();
        var terms = FullGradTerms.Of(run);
        if (!options.Partial && !terms.AreWhole)
            throw new UserErrorException(
                $"{Title} explains networks of convolutions, norms with fixed statistics, linear layers and ReLUs wholly; the terms of "
                    + $"{run.Model.GetName()} do not add up to its score. Not covered: {terms.NotCovered}. "
                    + "\"partial\": true takes what is covered."
            );
        var map = Rescaled(terms.Input).sum(1, keepdim: true);
        foreach (var term in terms.Biases.Where(term => term.dim() == 4 && term.shape[0] == map.shape[0]))
            map = map + Upsampling.To(Rescaled(term), map.shape.AsSpan(2), alignCorners: true).sum(1, keepdim: true);
        return scope.MoveToOuter(map);
    }

    // Amounts in [0, 1], of each image over all channels and places; 0 where they are the same everywhere.
    private static Tensor Rescaled(Tensor term) => Explainer.Unit(term.abs().flatten(2)).view(term.shape);
}
