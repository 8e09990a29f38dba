using System.Runtime.CompilerServices;
using Tessera.Framework.Models;
using Tessera.Models.Attention;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Models.Explanation.Methods;

/// <param name="ResidualSoftmax">A class is explained by its logit plus the logarithm of its softmax, which sets it against the others; a
/// logit that is linear in the layer has no curvature, so that without this the map is Grad-CAM's. For models of several classes; other
/// scores stay as they are. False for classes that don't exclude each other.</param>
public sealed record ShapleyCamOptions(bool ResidualSoftmax = true);

/// <summary>Each channel weighs as much as its mean gradient less half of the curvature along the activation: an approximation to second
/// order of the channel's Shapley value.</summary>
/// <remarks>
/// Cai, "CAMs as Shapley Value-based Explainers", 2025, arXiv:2501.06261: w = mean(g - H·A / 2), H·A the Hessian of the score times the
/// activation. Layers are differentiated twice, attention by its parts in place of the fused operator, which has no second derivative.
/// </remarks>
[Component("ShapleyCam")]
public sealed class ShapleyCam(ShapleyCamOptions options) : ActivationMethod
{
    // Operators that libtorch differentiates once; a second time ends the process.
    private static readonly string[] s_once = ["scaled_dot_product", "grid_sampler", "cdist"];

    // Of each model the first of them that it runs, looked for once.
    private static readonly ConditionalWeakTable<nn.Module, StrongBox<string?>> s_found = [];

    public override string Title => "Shapley-CAM";

    public override Tensor Contributions(ExplainedRun run)
    {
        using var scope = NewDisposeScope();
        using var composed = new ComposedAttention(run.Model);
        using var twice = Again(run);
        var activation = twice.Activation.detach();
        using var mode = enable_grad();
        var gradient = twice.DifferentiableGradient();
        var weights = gradient.detach();
        if (Curvature(twice, gradient, activation) is { } curvature)
            weights = weights - (curvature / 2);
        return scope.MoveToOuter(weights.mean([2, 3], keepdim: true) * activation);
    }

    private ExplainedRun Again(ExplainedRun run)
    {
        ExplainedRun? again = null;
        void Open() => again = new ExplainedRun(run.Model, run.Images, TargetOf(run), run.Layer, run.Owners);

        if (s_found.TryGetValue(run.Model, out var found) || !OperatorTrace.IsAvailable)
            Open();
        else
        {
            var called = OperatorTrace.Record(Open).Operators.Select(node => node.Name).FirstOrDefault(name => s_once.Any(name.Contains));
            found = s_found.GetValue(run.Model, _ => new StrongBox<string?>(called));
        }
        if (found?.Value is not { } once)
            return again!;
        again!.Dispose();
        throw new UserErrorException(
            $"{Title} differentiates twice, but {run.Model.GetName()} runs \"{once}\", which has no second derivative: take \"grad_cam\"."
        );
    }

    // The Hessian times the activation; null where the gradient does not change with what the layer gives.
    private static Tensor? Curvature(ExplainedRun run, Tensor gradient, Tensor activation)
    {
        if (!gradient.requires_grad)
            return null;
        return Derivatives.Of((gradient * activation).sum(), [run.Leaf])[0] is { } product ? run.Layer.ToMap(product) : null;
    }

    private ScoreTarget TargetOf(ExplainedRun run) =>
        options.ResidualSoftmax
        && run.Target is ClassTarget classes
        && run.Outputs[0].shape[1] > 1
        && !run.Model.Tasks.Contains(Framework.Data.DataTask.Regression)
            ? new ResidualSoftmaxTarget(classes)
            : run.Target;

    private sealed class ResidualSoftmaxTarget(ClassTarget classes) : ScoreTarget
    {
        public override Tensor Of(Tensor[] outputs, IReadOnlyList<int> owners) =>
            classes.Of(outputs, owners) + classes.Of([outputs[0].log_softmax(1)], owners);

        public override string NameOf(int image) => classes.NameOf(image);
    }

    /// <summary>Attention that someone looks at is computed in parts.</summary>
    private sealed class ComposedAttention : IDisposable
    {
        private readonly AttentionWeights[] _weights;

        public ComposedAttention(nn.Module model)
        {
            _weights = [.. model.Having<AttentionWeights>().Select(entry => entry.Module)];
            foreach (var weights in _weights)
                weights.OnTap(true);
        }

        public void Dispose()
        {
            foreach (var weights in _weights)
                weights.OnTap(false);
        }
    }
}
