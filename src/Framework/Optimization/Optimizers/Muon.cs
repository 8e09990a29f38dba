using Microsoft.Extensions.Logging;
using Tessera.Framework.Messages;
using Tessera.Framework.Models;
using Tessera.Torch.Optimizers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Framework.Optimization;

/// <param name="Lr">Learning rate of matrices before any schedule.</param>
/// <param name="Momentum">Share of the gradients' average that is kept.</param>
/// <param name="Nesterov">Look ahead by one step of momentum.</param>
/// <param name="NsSteps">Newton-Schulz iterations that make a step orthogonal.</param>
/// <param name="WeightDecay">Decoupled decay.</param>
/// <param name="Fallback">Patterns of further parameters that AdamW trains.</param>
/// <param name="FallbackLr">AdamW's learning rate.</param>
/// <param name="FallbackWeightDecay">AdamW's decay; weight_decay by default.</param>
/// <param name="Betas">AdamW's decay rates; 0.9 and 0.95 by default.</param>
/// <param name="Eps">AdamW's: added to the denominator.</param>
public sealed record MuonOptions(
    [property: Range(0.0, 1e6)] double Lr = 0.02,
    [property: Range(0.0, 1.0)] double Momentum = 0.95,
    bool Nesterov = true,
    [property: Range(1, 100)] int NsSteps = 5,
    [property: Range(0.0, 1e3)] double WeightDecay = 0,
    string[]? Fallback = null,
    [property: Range(0.0, 1e6)] double FallbackLr = 3e-4,
    [property: Range(0.0, 1e3)] double? FallbackWeightDecay = null,
    [property: Length(2, 2)] double[]? Betas = null,
    [property: Range(0.0, 1.0)] double Eps = 1e-10
);

/// <summary>Orthogonal steps for the weights of hidden linear layers and convolutions; AdamW for everything else: biases, norms, tokens,
/// positions, the layer that reads the image, and those that tell classes.</summary>
/// <remarks>Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024, kellerjordan.github.io/posts/muon.</remarks>
[Component("Muon")]
public sealed class Muon(MuonOptions options) : OptimizerFactory
{
    private static readonly ILogger s_log = Log.For(Log.Run);

    /// <summary>Parts each group in two: matrices first, then AdamW's.</summary>
    /// <exception cref="UserErrorException">The model has no parameter for Muon, or a pattern of fallback matches nothing.</exception>
    public override IReadOnlyList<ParameterGroup> Arrange(IReadOnlyList<ParameterGroup> groups, nn.Module model)
    {
        var hidden = HiddenMatrices(model);
        foreach (var pattern in (options.Fallback ?? []).Select(text => new NamePattern(text)))
        {
            if (!model.named_parameters().Any(parameter => pattern.Matches(parameter.name)))
                throw new UserErrorException($"optimizer.fallback: no parameter's name matches \"{pattern.Text}\".");
            hidden.RemoveWhere(pattern.Matches);
        }
        if (!model.named_parameters().Any(parameter => parameter.parameter.requires_grad && hidden.Contains(parameter.name)))
            throw new UserErrorException(
                "optimizer: Muon trains the weights of hidden linear layers and convolutions, and none of those is trained here. AdamW "
                    + "trains everything else."
            );
        ParameterGroup[] arranged = [.. groups.SelectMany(group => Part(group, hidden.Contains, false))];
        ParameterGroup[] others = [.. groups.SelectMany(group => Part(group, name => !hidden.Contains(name), true))];
        s_log.LogInformation(
            "Muon trains {0} matrices ({1:N0} values), AdamW {2} other parameters ({3:N0} values){4}",
            arranged.Sum(group => group.Names.Count),
            Values(arranged),
            others.Sum(group => group.Names.Count),
            Values(others),
            Named(others)
        );
        return [.. arranged, .. others];
    }

    public override optim.Optimizer Create(IReadOnlyList<ParameterGroup> groups) =>
        new MuonOptimizer(
            [
                .. groups
                    .Where(IsMatrices)
                    .Select(group => new MomentumGroup(
                        group.Parameters,
                        options.Lr * group.LrMult,
                        options.WeightDecay * group.DecayMult,
                        options.Momentum
                    )),
            ],
            BetasGroups(
                [.. groups.Where(group => !IsMatrices(group))],
                options.FallbackLr,
                options.FallbackWeightDecay ?? options.WeightDecay,
                options.Betas ?? [0.9, 0.95]
            ),
            options.Eps,
            options.Nesterov,
            options.NsSteps
        );

    private static bool IsMatrices(ParameterGroup group) => !group.IsFallback && group.Parameters.All(parameter => parameter.dim() >= 2);

    /// <summary>Weights of linear layers and convolutions, but for those that read the image or have rows for classes.</summary>
    private static HashSet<string> HiddenMatrices(nn.Module model)
    {
        HashSet<string> hidden =
        [
            .. from child in model.named_modules()
            where child.module is Linear or Conv1d or Conv2d or Conv3d or MultiheadAttention
            from parameter in child.module.named_parameters(recurse: child.module is MultiheadAttention)
            where parameter.parameter.dim() >= 2
            select $"{child.name}.{parameter.name}",
        ];
        if (model is VisionModel vision)
            hidden.ExceptWith(vision.ClassTensors.Select(tensor => tensor.Name));
        foreach (var (name, module) in model.Having<Backbone>())
            hidden.ExceptWith(module.StemTensors.Select(tensor => $"{name}.{tensor.Name}"));
        return hidden;
    }

    private static IEnumerable<ParameterGroup> Part(ParameterGroup group, Func<string, bool> takes, bool fallback)
    {
        var taken = group.Names.Zip(group.Parameters).Where(pair => takes(pair.First)).ToArray();
        if (taken.Length > 0)
            yield return group with
            {
                Names = [.. taken.Select(pair => pair.First)],
                Parameters = [.. taken.Select(pair => pair.Second)],
                IsFallback = fallback,
            };
    }

    private static long Values(IEnumerable<ParameterGroup> groups) =>
        groups.SelectMany(group => group.Parameters).Sum(parameter => parameter.numel());

    /// <summary>The others that are no vectors, which a user may not expect among them.</summary>
    private static string Named(IEnumerable<ParameterGroup> groups)
    {
        const int few = 8;
        var names = groups
            .SelectMany(group => group.Names.Zip(group.Parameters))
            .Where(pair => pair.Second.dim() >= 2)
            .Select(pair => pair.First)
            .ToArray();
        var more = names.Length > few ? " …" : ".";
        return names.Length == 0
            ? "."
            : $"; {names.Length} of these have more than one dimension: {string.Join(", ", names.Take(few))}{more}";
    }
}
