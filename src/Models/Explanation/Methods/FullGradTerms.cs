using Tessera.Framework.Models;
using Tessera.Torch;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Models.Explanation.Methods;

/// <summary>A score as what the image and the biases of a network add to it.</summary>
/// <remarks>Of the dispose scope of who made them.</remarks>
public sealed class FullGradTerms
{
    private FullGradTerms(Tensor input, IReadOnlyList<Tensor> biases, Tensor scores, string notCovered) =>
        (Input, Biases, Scores, NotCovered) = (input, biases, scores, notCovered);

    /// <summary>The image times the score's gradient by it, [B, C, H, W].</summary>
    public Tensor Input { get; }

    /// <summary>Of each run of a layer with a bias, in order: the bias times the score's gradient by what the layer gave. [B, C, h, w] of a
    /// convolution or norm, [B, …, C] of a linear layer.</summary>
    public IReadOnlyList<Tensor> Biases { get; }

    /// <summary>[B].</summary>
    public Tensor Scores { get; }

    /// <summary>Layers that add what is not among the terms, for people.</summary>
    public string NotCovered { get; }

    /// <summary>All terms of each image, [B]: the score, where the network is linear between its ReLUs.</summary>
    public Tensor Sum() => Biases.Aggregate(Total(Input), (sum, term) => sum + Total(term));

    /// <summary>Whether the terms add up to the score, to a hundredth.</summary>
    public bool AreWhole
    {
        get
        {
            using var scope = NewDisposeScope();
            var sum = Sum();
            var size = Biases.Aggregate(Total(Input).abs(), (all, term) => all + Total(term).abs());
            return ((Scores.abs() * 1e-2) + (size * 1e-4)).ge((Scores - sum).abs()).all().cpu().item<bool>();
        }
    }

    /// <summary>The terms of a run's scores.</summary>
    /// <returns>Of the caller's dispose scope.</returns>
    public static FullGradTerms Of(ExplainedRun run)
    {
        using var scope = NewDisposeScope();
        using var mode = enable_grad();
        using var evaluation = new InEvaluation(run.Model, run.Images.device_type);
        var images = run.Images.detach().clone().requires_grad_(true);
        var layers = run.Model.named_modules().Select(entry => (entry.name, entry.module, Bias: BiasOf(entry.module))).ToArray();
        var seen = new List<(Tensor Bias, bool Last, Tensor Output)>();
        var hooks = new List<Action>();
        try
        {
            foreach (var (_, module, bias) in layers)
                if (
                    bias is not null
                    && ModuleHooks.After(module, (_, output) => Capture(bias, module is Linear, (Tensor)output!)) is { } remove
                )
                    hooks.Add(remove);
            var scores = run.Target.Of(((IExplainable)run.Model).Outputs(images), run.Owners);
            if (!scores.requires_grad)
                throw ExplanationErrors.ScoreIgnoresLayer("the image");
            var gradients = Derivatives.Of(scores.sum(), [images, .. seen.Select(entry => entry.Output)]);
            var input = gradients[0] is { } gradient ? images.detach() * gradient : zeros_like(images).detach();
            var biases = seen.Zip(gradients.Skip(1)).Where(pair => pair.Second is not null).Select(pair => Term(pair.First, pair.Second!));
            var terms = new FullGradTerms(input, [.. biases], scores.detach(), Others(layers));
            scope.MoveToOuter([terms.Input, terms.Scores, .. terms.Biases]);
            return terms;
        }
        finally
        {
            foreach (var remove in hooks)
                remove();
            foreach (var (_, _, output) in seen)
                output.Dispose();
        }

        Tensor Capture(Tensor bias, bool last, Tensor output)
        {
            // Not of the images: a table of positions, windows that are a batch of their own.
            if (!output.requires_grad || output.shape[0] != images.shape[0])
                return output;
            var captured = output.clone().DetachFromDisposeScope(); // the model's own scopes would free it
            seen.Add((bias, last, captured));
            return captured.clone();
        }
    }

    // [C]; null where there is none, or the layer is not known to be linear.
    private static Tensor? BiasOf(nn.Module module)
    {
        switch (module)
        {
            case Conv2d conv:
                return conv.bias?.detach();
            case Linear linear:
                return linear.bias?.detach();
            case BatchNorm2d { training: false, running_mean: { } mean, running_var: { } variance } norm:
                var scale = (variance + norm.eps).rsqrt();
                scale = norm.weight is null ? scale : scale * norm.weight.detach();
                return norm.bias is null ? -(mean * scale) : norm.bias.detach() - (mean * scale);
            default:
                return null;
        }
    }

    private static Tensor Term((Tensor Bias, bool Last, Tensor Output) layer, Tensor gradient) =>
        layer.Last ? gradient * layer.Bias : gradient * layer.Bias.view(-1, 1, 1);

    private static Tensor Total(Tensor term) => term.flatten(1).sum(1);

    private static string Others(IEnumerable<(string Name, nn.Module Module, Tensor? Bias)> layers)
    {
        var others = layers
            .Where(layer => layer.Module is not (Conv2d or Linear or BatchNorm2d { training: false }))
            .Where(layer =>
                layer.Module.named_parameters(recurse: false).Any() || layer.Module is GELU or SiLU or Sigmoid or Softmax or Tanh
            )
            .Select(layer => $"{layer.Name} ({layer.Module.GetName()})")
            .ToArray();
        return others.Length == 0
            ? "functions that are no modules"
            : string.Join(", ", others.Take(5)) + (others.Length > 5 ? $" and {others.Length - 5} more" : "");
    }
}
