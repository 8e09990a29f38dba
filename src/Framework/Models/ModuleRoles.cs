using Tessera.Torch;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Framework.Models;

/// <summary>A module with something to tell about itself. The log asks when a row is due, so that it may read from the device.</summary>
public interface IReportsScalars
{
    /// <summary>Names, such as "memory/age", and values, as they stand.</summary>
    IEnumerable<(string Name, double Value)> Scalars(Progress progress);
}

/// <summary>A module that talks to the other processes of a training. The trainer sets the group before the first step.</summary>
public interface IUsesProcessGroup
{
    IProcessGroup Group { set; }
}

/// <summary>
/// A module whose buffers belong to a training rather than to the network. Checkpoints hold them, so that a run resumes
/// exactly; weights from elsewhere need not have them.
/// </summary>
public interface ITrainingMemory
{
    /// <summary>Says which option a stored buffer of another shape disagrees with; null where it can't tell.</summary>
    /// <param name="buffer">Its name within this module.</param>
    string? Explain(string buffer, IReadOnlyList<long> saved);
}

/// <summary>
/// A layer that normalises its input: its parameters are the group "norm" of an optimizer and bear no penalty, and
/// <c>train.norm_eval</c> can keep it in evaluation mode. TorchSharp's own norms are known; another one bears this mark. A module that
/// holds a norm beside other layers does not.
/// </summary>
public interface INormalization;

/// <summary>
/// A layer by which the tokens of an image look at each other, with all its projections: what <c>train.tune</c> trains as attention.
/// TorchSharp's own is known; another one bears this mark.
/// </summary>
public interface IAttentionLayer;

public static class ModuleRoles
{
    /// <summary>Whether a module normalises: one of TorchSharp's norms, or marked by <see cref="INormalization"/>.</summary>
    public static bool IsNormalization(this nn.Module module) =>
        module is INormalization or BatchNorm or InstanceNorm or LayerNorm or GroupNorm or LocalResponseNorm;

    /// <summary>Whether a module is attention: TorchSharp's, or marked by <see cref="IAttentionLayer"/>.</summary>
    public static bool IsAttention(this nn.Module module) => module is IAttentionLayer or MultiheadAttention;

    /// <summary>Modules of a role within a model, with their names.</summary>
    public static IEnumerable<(string Name, T Module)> Having<T>(this nn.Module model)
        where T : class => from child in model.named_modules() where child.module is T select (child.name, (child.module as T)!);

    /// <summary>Whether a tensor of the model's state belongs to a training alone.</summary>
    internal static bool IsTrainingMemory(this nn.Module model, string key) =>
        model.Having<ITrainingMemory>().Any(memory => key.StartsWith(memory.Name + ".", StringComparison.Ordinal));

    /// <summary>What the module that a buffer belongs to says of a stored form that doesn't fit; null where it says nothing.</summary>
    internal static string? ExplainShape(this nn.Module model, string key, IReadOnlyList<long> saved) =>
        model
            .Having<ITrainingMemory>()
            .Where(memory => key.StartsWith(memory.Name + ".", StringComparison.Ordinal))
            .Select(memory => memory.Module.Explain(key[(memory.Name.Length + 1)..], saved))
            .FirstOrDefault(text => text is not null);
}
