using static TorchSharp.torch;

namespace Tessera.Framework.Optimization;

/// <summary>A term of the objective that depends on the parameters alone.</summary>
[ComponentKind("penalty", Plural = "penalties")]
public abstract class Penalty
{
    /// <summary>Patterns of the parameters it applies to; all trainable weights (no norms, no biases) by default.</summary>
    [FromConfig]
    public IReadOnlyList<string> Parameters { get; set; } = [];

    /// <summary>The term, over the parameters that it applies to. A scalar with a gradient.</summary>
    public abstract Tensor Compute(IReadOnlyList<Tensor> parameters);

    /// <exception cref="UserErrorException">A pattern matches nothing.</exception>
    public IReadOnlyList<Tensor> Select(nn.Module model)
    {
        var patterns = Parameters.Select(text => new NamePattern(text)).ToArray();
        var norms = ParameterGroups.NormParameters(model);
        var chosen = new List<Tensor>();
        var used = new HashSet<NamePattern>();
        foreach (var (name, parameter) in model.named_parameters())
        {
            var matching = patterns.Where(pattern => pattern.Matches(name)).ToArray();
            used.UnionWith(matching);
            var applies =
                patterns.Length > 0 ? matching.Length > 0 : !name.EndsWith("bias", StringComparison.Ordinal) && !norms.Contains(name);
            if (applies && parameter.requires_grad)
                chosen.Add(parameter);
        }
        if (patterns.FirstOrDefault(pattern => !used.Contains(pattern)) is { } idle)
            throw new UserErrorException($"train.penalties: no parameter's name matches \"{idle.Text}\".");
        return chosen;
    }
}
