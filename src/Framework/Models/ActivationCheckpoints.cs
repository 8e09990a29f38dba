using System.Runtime.CompilerServices;
using Tessera.Framework.Models.Peft;
using Tessera.Torch;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Framework.Models;

/// <summary>A block of a network that can be computed twice instead of being kept for backward: its <c>forward</c> goes through
/// <see cref="ActivationCheckpoints.Run"/>, and nothing of a run is left in it.</summary>
public interface IRecomputable;

/// <summary>Gradient checkpointing: which blocks of a model keep only their input until backward.</summary>
public static class ActivationCheckpoints
{
    private static readonly ConditionalWeakTable<nn.Module, Block> s_on = [];

    /// <summary>From now on, in training, for all blocks that can.</summary>
    /// <returns>How many blocks there are.</returns>
    public static int Enable(nn.Module model)
    {
        // What a peft method adds to a layer stands elsewhere in the model: peft.METHOD.PATH-OF-THE-LAYER.
        var added = model.named_parameters().Where(entry => Adaptation.IsAdded(entry.name)).ToArray();
        var count = 0;
        foreach (var (name, module) in model.Having<IRecomputable>())
        {
            var block = (nn.Module)module;
            var others = added
                .Where(entry => entry.name.Split('.', 3)[^1].StartsWith(name + ".", StringComparison.Ordinal))
                .Select(entry => entry.parameter);
            s_on.AddOrUpdate(
                block,
                new Block([.. block.parameters(), .. others], [.. block.modules()], [.. block.modules().OfType<NormBase>()])
            );
            count++;
        }
        return count;
    }

    /// <summary>Whether a block keeps only its input.</summary>
    public static bool IsOn(nn.Module block) => s_on.TryGetValue(block, out _);

    /// <summary>A block's forward.</summary>
    /// <param name="compute">From the input to the output.</param>
    /// <param name="x">What the block is given.</param>
    public static Tensor Run(nn.Module block, Func<Tensor, Tensor> compute, Tensor x) =>
        !block.training || !is_grad_enabled() || !s_on.TryGetValue(block, out var parts) || parts.Modules.Any(IsWatched)
            ? compute(x)
            : Recomputed.Run(compute, x, parts.Parameters, parts.Norms);

    // What someone takes out of the block would have no gradient.
    private static bool IsWatched(nn.Module module) => Tap.IsSet(module) || module is ITappable { Tapped: true };

    private sealed record Block(Parameter[] Parameters, nn.Module[] Modules, NormBase[] Norms);
}
