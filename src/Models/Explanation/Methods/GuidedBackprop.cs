using System.Runtime.CompilerServices;
using Tessera.Framework.Models;
using Tessera.Models.Layers;
using Tessera.Torch;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Models.Explanation.Methods;

/// <param name="Partial">A network some of whose ReLUs can't be guided is explained all the same.</param>
public sealed record GuidedBackpropOptions(bool Partial = false);

/// <summary>How the score changes with each pixel, by paths alone on which it rises all along: a gradient passes a ReLU only where it is
/// positive. The map adds up its amounts over the image's channels.</summary>
/// <remarks>
/// Springenberg et al., "Striving for Simplicity: The All Convolutional Net", 2015, arXiv:1412.6806. It says more of the image's edges than
/// of the class (Adebayo et al., "Sanity Checks for Saliency Maps", 2018, arXiv:1810.03292). Guided are ReLU modules and what goes through
/// <see cref="Rectifier"/>, as all networks here do; a plugin's other ReLUs are found by counting operators.
/// </remarks>
[Component("GuidedBackprop")]
public sealed class GuidedBackprop(GuidedBackpropOptions options) : ActivationMethod
{
    // Of each model how many of its ReLUs were not guided, so that it is counted once.
    private static readonly ConditionalWeakTable<nn.Module, StrongBox<int>> s_unguided = [];

    public override string Title => "Guided backpropagation";

    public override bool ReadsLayer => false;

    public override Tensor Contributions(ExplainedRun run)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(Gradient(run).abs());
    }

    /// <summary>The guided gradient by the image, which is what the paper shows.</summary>
    /// <returns>[B, C, H, W], of the caller's dispose scope.</returns>
    /// <exception cref="UserErrorException">The model has no ReLU, or some that can't be guided.</exception>
    public Tensor Gradient(ExplainedRun run)
    {
        using var scope = NewDisposeScope();
        using var mode = enable_grad();
        using var evaluation = new InEvaluation(run.Model, run.Images.device_type);
        var images = run.Images.detach().clone().requires_grad_(true);
        var score = Guided(run, images);
        if (!score.requires_grad)
            throw ExplanationErrors.ScoreIgnoresLayer("the image");
        return scope.MoveToOuter(Derivatives.Of(score, [images])[0] ?? throw ExplanationErrors.ScoreIgnoresLayer("the image"));
    }

    private Tensor Guided(ExplainedRun run, Tensor images)
    {
        using var guide = Rectifier.Enter();
        var hooks = run
            .Model.Having<ReLU>()
            .Select(entry => ModuleHooks.After(entry.Module, (_, output) => guide.Of((Tensor)output!)))
            .OfType<Action>()
            .ToArray();
        try
        {
            var score = default(Tensor);
            void Forward() => score = run.Target.Of(((IExplainable)run.Model).Outputs(images), run.Owners).sum();

            if (s_unguided.TryGetValue(run.Model, out var known) || !OperatorTrace.IsAvailable)
                Forward();
            else
            {
                var all = OperatorTrace.Record(Forward).Operators.Count(IsRelu);
                known = s_unguided.GetValue(run.Model, _ => new StrongBox<int>(all - guide.Count));
            }
            if (guide.Count == 0)
                throw new UserErrorException(
                    $"{Title} changes the gradient of ReLUs, but {run.Model.GetName()} has none that it could change."
                );
            if (known is { Value: > 0 and var left } && !options.Partial)
                throw new UserErrorException(
                    $"{Title}: {left} of the ReLUs of {run.Model.GetName()} are neither modules nor run by Rectifier.Of or "
                        + "Rectifier.InPlace, so that their gradient stays as it is. \"partial\": true explains it all the same."
                );
            return score!;
        }
        finally
        {
            foreach (var remove in hooks)
                remove();
        }
    }

    private static bool IsRelu(TracedOperator called) =>
        called.Name is "aten::relu" or "aten::relu_" && called.Parent?.Name is not ("aten::relu" or "aten::relu_");
}
