using Tessera.Framework.Models;
using Tessera.Framework.Models.Peft;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Framework.Optimization;

/// <summary>Sorts a model's trainable parameters into groups of equal multipliers.</summary>
public static class ParameterGroups
{
    /// <summary>The pattern that stands for every parameter of a normalisation layer.</summary>
    public const string Norm = "norm";

    /// <summary>The pattern that stands for every bias.</summary>
    public const string Bias = "bias";

    /// <summary>
    /// Of the patterns that match a name, the longest gives the multipliers; <c>norm</c> and <c>bias</c> multiply on top
    /// (once, where both match), and so does the decay by layer. Groups come in the order of their first parameter.
    /// </summary>
    /// <param name="owns">Which parameters are to be in the groups, by name; null: all.</param>
    /// <exception cref="UserErrorException">A pattern matches nothing.</exception>
    public static IReadOnlyList<ParameterGroup> Split(nn.Module model, OptimizerFactory factory, Func<string, bool>? owns = null)
    {
        var patterns = factory
            .Groups.Where(group => group.Key is not (Norm or Bias))
            .Select(group => (Pattern: new NamePattern(group.Key), Options: group.Value))
            .OrderByDescending(group => group.Pattern.Text.Length)
            .ToArray();
        var owned = factory.Parameters.Select(text => new NamePattern(text)).ToArray();
        var norms = NormParameters(model);
        var layers = factory.LayerDecay < 1 ? BackboneLayers(model, factory) : [];
        var used = new HashSet<string>();
        var groups = new Dictionary<(double Lr, double Decay), (List<string> Names, List<Parameter> Parameters)>();

        foreach (var (name, parameter) in model.named_parameters())
        {
            if (owned.Length > 0 && !owned.Any(pattern => Use(pattern, name)))
                continue;
            var (lr, decay) = (1.0, 1.0);
            var chosen = false;
            foreach (var (pattern, options) in patterns)
            {
                if (!Use(pattern, name) || chosen)
                    continue;
                (lr, decay, chosen) = (options.LrMult, options.DecayMult, true);
            }
            if (Shorthand(name, norms) is { } shorthand && factory.Groups.TryGetValue(shorthand, out var extra))
                (lr, decay) = (lr * extra.LrMult, decay * extra.DecayMult);
            lr *= layers.GetValueOrDefault(name, 1);
            if (!parameter.requires_grad || owns?.Invoke(name) == false)
                continue;

            if (!groups.TryGetValue((lr, decay), out var group))
                groups.Add((lr, decay), group = ([], []));
            group.Names.Add(name);
            group.Parameters.Add(parameter);
        }

        foreach (var pattern in patterns.Select(group => group.Pattern).Concat(owned))
        {
            if (!used.Contains(pattern.Text))
                throw NothingMatches("optimizer", pattern.Text, model);
        }
        return [.. groups.Select(group => new ParameterGroup(group.Value.Names, group.Value.Parameters, group.Key.Lr, group.Key.Decay))];

        bool Use(NamePattern pattern, string name) => pattern.Matches(name) && (used.Add(pattern.Text) || true);

        string? Shorthand(string name, HashSet<string> norms) =>
            norms.Contains(name) && factory.Groups.ContainsKey(Norm) ? Norm
            : IsBias(name) ? Bias
            : null;
    }

    // q_bias and v_bias stand for the bias of a layer whose keys have none.
    private static bool IsBias(string name) => name[(name.LastIndexOf('.') + 1)..] is "bias" or "q_bias" or "v_bias";

    /// <summary>Takes the parameters that the patterns name out of the training; they get no gradient and no decay.</summary>
    /// <returns>The names of the frozen parameters.</returns>
    /// <exception cref="UserErrorException">A pattern matches nothing.</exception>
    public static IReadOnlyList<string> Freeze(nn.Module model, IReadOnlyList<string> patterns)
    {
        var frozen = new List<string>();
        foreach (var pattern in patterns.Select(text => new NamePattern(text)))
        {
            var any = false;
            foreach (var (name, parameter) in model.named_parameters())
            {
                if (!pattern.Matches(name))
                    continue;
                any = true;
                if (!parameter.requires_grad)
                    continue;
                parameter.requires_grad = false;
                frozen.Add(name);
            }
            if (!any)
                throw NothingMatches("train.freeze", pattern.Text, model);
        }
        return frozen;
    }

    /// <summary>The norms of the modules that patterns name.</summary>
    /// <exception cref="UserErrorException">A pattern matches no norm.</exception>
    public static IReadOnlyList<nn.Module> Norms(nn.Module model, IReadOnlyList<string> patterns)
    {
        var norms = model.named_modules().Where(child => child.module.IsNormalization()).ToArray();
        var found = new List<nn.Module>();
        foreach (var pattern in patterns.Select(text => new NamePattern(text)))
        {
            var matching = norms.Where(norm => pattern.Matches(norm.name)).Select(norm => norm.module).ToArray();
            if (matching.Length == 0)
                throw new UserErrorException(
                    $"train.norm_eval: no norm's name matches \"{pattern.Text}\". "
                        + $"{(norms.Length == 0 ? "The model has none." : $"The first is called {norms[0].name}.")}"
                );
            found.AddRange(matching);
        }
        return [.. found.Distinct()];
    }

    /// <summary>The names of the parameters that norms hold.</summary>
    internal static HashSet<string> NormParameters(nn.Module model) =>
        [
            .. from child in model.named_modules()
            where child.module.IsNormalization()
            from parameter in child.module.named_parameters(recurse: false)
            select $"{child.name}.{parameter.name}",
        ];

    /// <summary>Layers that are norms by their type's name and aren't marked as one: nothing that is said of norms holds for them. A line
    /// for each type.</summary>
    internal static IEnumerable<string> UnmarkedNorms(nn.Module model) =>
        from child in model.named_modules()
        where !child.module.IsNormalization() && !child.module.children().Any()
        let parameters = child.module.parameters(recurse: false).ToArray()
        where parameters.Length > 0 && parameters.All(parameter => parameter.dim() == 1)
        let type = child.module.GetType().Name
        where type.Contains("Norm", StringComparison.Ordinal)
        group child.name by type into layers
        select $"{layers.Key} ({layers.First()}) does not bear INormalization, so it is no norm to optimizer.groups.norm, weight penalties "
            + "and train.norm_eval.";

    /// <summary>Multiplier by name: decay^(distance from the head); what lies outside a backbone is the head. What a peft method adds
    /// to a layer learns as the layer would.</summary>
    private static Dictionary<string, double> BackboneLayers(nn.Module model, OptimizerFactory factory)
    {
        var multipliers = new Dictionary<string, double>();
        var added = model.named_parameters().Select(parameter => parameter.name).Where(Adaptation.IsAdded).ToArray();
        foreach (var (prefix, module) in model.named_modules())
        {
            if (module is not Backbone backbone)
                continue;
            var layers = backbone.LayersByDepth;
            var names = backbone.named_parameters().Select(parameter => parameter.name).ToArray();
            var ownLayer = factory.LayerDecayNorm == LayerDecayNorm.Own && names.Any(layers.IsLast) ? 1 : 0;
            foreach (var name in names)
                multipliers[$"{prefix}.{name}"] = Of(name);
            foreach (var name in added)
            {
                var path = name.Split('.', 3)[^1]; // of peft.METHOD.BACKBONE.LAYER…
                if (!path.StartsWith($"{prefix}.", StringComparison.Ordinal))
                    continue;
                var own = path[(prefix.Length + 1)..];
                if (!layers.IsLast(own))
                    multipliers[name] = Of(own);
            }

            double Of(string name)
            {
                var distance = layers.IsLast(name)
                    ? factory.LayerDecayNorm == LayerDecayNorm.Head
                        ? 0
                        : 1
                    : layers.Blocks + 1 - layers.Of(name) + ownLayer;
                return Math.Pow(factory.LayerDecay, distance);
            }
        }
        return multipliers;
    }

    private static UserErrorException NothingMatches(string key, string pattern, nn.Module model)
    {
        var heads = model.named_parameters().Select(p => string.Join('.', p.name.Split('.').Take(2))).Distinct().Take(12);
        return new UserErrorException($"{key}: no parameter's name matches \"{pattern}\". Names begin with: {string.Join(", ", heads)} …");
    }
}
