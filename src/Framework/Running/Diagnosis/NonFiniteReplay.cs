using System.Globalization;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Framework.Running.Diagnosis;

/// <summary>What a replay of a batch showed.</summary>
/// <param name="Terms">The losses that are not finite, with their values.</param>
/// <param name="Module">The first module whose output is not finite, and its type; null where none is.</param>
/// <param name="Weight">The first weight that was not finite beforehand.</param>
/// <param name="Input">Whether the images themselves are not finite.</param>
public sealed record NonFiniteFinding(IReadOnlyDictionary<string, double> Terms, string? Module, string? Weight, bool Input)
{
    /// <summary>The step of the batch, from 0; null where it isn't known.</summary>
    public long? Iteration { get; init; }

    /// <summary>In one sentence or two.</summary>
    public string Describe()
    {
        var terms =
            Terms.Count == 0
                ? "The replay gave finite losses."
                : "Term: "
                    + string.Join(", ", Terms.Select(term => $"{term.Key} = {term.Value.ToString(CultureInfo.InvariantCulture)}"))
                    + ".";
        var cause =
            Input ? " The images of the batch are not finite themselves."
            : Weight is not null && Iteration == 0
                ? $" The weight {Weight} was not finite before the first step: its initialiser, or the weights that "
                    + "were loaded, made it so."
            : Weight is not null
                ? $" The weight {Weight} was not finite before: a gradient of an earlier step was too large; see clip_grad."
            : Module is not null ? $" First module with such an output: {Module}."
            : " Every module's output is finite, so the loss itself made it.";
        return terms + cause;
    }
}

/// <summary>Runs one batch again and looks at every module's output.</summary>
public static class NonFiniteReplay
{
    /// <summary>Loads what a stopped run saved (<c>nonfinite_iter_N.safetensors</c>) and runs it again, on the CPU.</summary>
    /// <param name="model">Built as the run's; it gets the weights of the file.</param>
    /// <exception cref="UserErrorException">The file is another, is damaged, or is of another model.</exception>
    public static NonFiniteFinding Replay(VisionModel model, string path)
    {
        using var file = NonFiniteFile.Open(path);
        return file.Replay(model);
    }

    /// <summary>The model's own training step, as far as its losses.</summary>
    /// <param name="random">The random generator before the batch; empty where it isn't known.</param>
    internal static NonFiniteFinding Look(VisionModel model, Batch batch, Progress progress, byte[] random, ForwardOptimizers forward)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        if (random.Length > 0)
            RandomState.Set(batch.Images.device, random);
        var weight = model.named_parameters().Where(entry => !IsFinite(entry.parameter)).Select(entry => entry.name).FirstOrDefault();
        string? first = null;
        var removers = new List<Action>();
        foreach (var (name, module) in model.named_modules())
        {
            var remove = ModuleHooks.After(
                module,
                (_, output) =>
                {
                    first ??= ModuleHooks.Tensors(output).Any(tensor => !IsFinite(tensor)) ? $"{name} ({module.GetType().Name})" : null;
                    return output;
                }
            );
            if (remove is not null)
                removers.Add(remove);
        }
        try
        {
            var terms = model
                .TrainStep(batch, forward, progress)
                .Select(loss => (loss.Key, Value: loss.Value.detach().to(ScalarType.Float64).item<double>()))
                .Where(term => !double.IsFinite(term.Value))
                .ToDictionary(term => term.Key, term => term.Value);
            return new NonFiniteFinding(terms, first, weight, !IsFinite(batch.Images)) { Iteration = progress.Iteration };
        }
        finally
        {
            foreach (var remove in removers)
                remove();
        }
    }

    private static bool IsFinite(Tensor tensor)
    {
        if (!tensor.is_floating_point())
            return true;
        using var scope = NewDisposeScope();
        return tensor.detach().isfinite().all().item<bool>();
    }
}
