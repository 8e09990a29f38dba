using System.Text.Json.Nodes;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Torch.Optimizers;

/// <summary>What this folder's optimizers share: groups, gradients, and that they save themselves.</summary>
/// <remarks>
/// Why they exist: TorchSharp 0.107's Adam, AdamW and SGD are slow; its RAdam, its LBFGS and its SGD when maximizing give other values than
/// PyTorch, and
/// SGD's state can't be taken up again (docs/torchsharp.md).
/// </remarks>
public abstract class OwnOptimizer : optim.Optimizer
{
    /// <exception cref="ArgumentException">A parameter is in the groups twice.</exception>
    private protected OwnOptimizer(IReadOnlyList<OptimizerGroup> groups)
        : base(0)
    {
        Groups = groups;
        var seen = new HashSet<nint>();
        if (groups.SelectMany(group => group.Parameters).Any(parameter => !seen.Add(parameter.Handle)))
            throw new ArgumentException("A parameter is in the optimizer's groups twice.", nameof(groups));
    }

    public IReadOnlyList<OptimizerGroup> Groups { get; }

    public sealed override IEnumerable<optim.ILearningRateController> ParamGroups => Groups;

    public sealed override IEnumerable<Parameter> parameters() => Groups.SelectMany(group => group.Parameters);

    /// <summary>Frees the gradients.</summary>
    public sealed override void zero_grad()
    {
        foreach (var parameter in parameters())
            parameter.grad = null;
    }

    /// <summary>Gives everything that a later run needs to go on bit for bit.</summary>
    /// <param name="names">Of the parameters, in the order of the groups.</param>
    /// <param name="tensor">Takes a tensor under a name; the tensor stays the optimizer's.</param>
    /// <param name="value">Takes a number under a name.</param>
    public abstract void Save(IReadOnlyList<string> names, Action<string, Tensor> tensor, Action<string, JsonNode?> value);

    /// <summary>Takes back what <see cref="Save"/> gave.</summary>
    /// <param name="tensor">Gives the tensor of a name, or null where there is none; it is copied.</param>
    /// <param name="value">Gives the number of a name, or null where there is none.</param>
    /// <returns>null; or the name of something without which the optimizer can't go on, and which is missing or has another
    /// shape.</returns>
    public abstract string? Load(IReadOnlyList<string> names, Func<string, Tensor?> tensor, Func<string, JsonNode?> value);

    /// <summary>A copy on a parameter's device, of its type and laid out in memory as it is.</summary>
    private protected static Tensor CopyLike(Tensor saved, Tensor parameter)
    {
        using var _ = no_grad();
        return zeros_like(parameter, requires_grad: false).copy_(saved).DetachFromDisposeScope();
    }
}
