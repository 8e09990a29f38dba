using Tessera.Framework.Hooks;
using Tessera.Framework.Models;
using Tessera.Framework.Optimization;
using Tessera.Framework.Processes;
using Tessera.Torch;
using TorchSharp.Modules;

namespace Tessera.Framework.Running.Stages;

/// <summary>What a pipeline can't work with.</summary>
internal static class StageChecks
{
    /// <exception cref="UserErrorException">Something can't be done in stages; all that can't is told.</exception>
    public static void Require(TrainerParts parts)
    {
        if (parts.Pipeline is not { Options: var options })
            return;
        RequireProcesses(options, parts.Group);
        RequireChain(parts.Model);
        var mistakes = Mistakes(parts).ToArray();
        if (mistakes.Length > 0)
            throw new UserErrorException(
                $"pipeline: it can't be combined with everything that the config asks for.\n  {string.Join("\n  ", mistakes)}"
            );
    }

    /// <exception cref="UserErrorException">There are more or fewer processes than stages.</exception>
    public static void RequireProcesses(PipelineOptions options, IProcessGroup group)
    {
        if (group.WorldSize != options.Stages)
            throw new UserErrorException(
                $"pipeline.stages: {options.Stages} stages take {options.Stages} processes, and this run has {group.WorldSize}. Start it "
                    + $"with `mpirun -np {options.Stages} tools/train CONFIG`, or set pipeline to null."
            );
    }

    /// <exception cref="UserErrorException">The model is no chain.</exception>
    public static IChainedModel RequireChain(VisionModel model) =>
        model is not IChainedModel chained
            ? throw new UserErrorException(
                $"pipeline: {model.GetName()} can't be cut into stages, since it doesn't give its steps. ImageClassifier does, over a "
                    + "ResNet or a VisionTransformer."
            )
        : model.Adaptation is not null ? throw new UserErrorException("pipeline: a model with model.peft can't be cut into stages.")
        : chained;

    /// <exception cref="UserErrorException">There are too few steps, or the cuts don't rise within them.</exception>
    public static void RequireSteps(PipelineOptions options, int steps)
    {
        if (steps < options.Stages)
            throw new UserErrorException($"pipeline.stages: {options.Stages} stages, but the model has {steps} steps alone.");
        if (options.Cuts is not { } cuts)
            return;
        if (cuts.Length != options.Stages - 1)
            throw new UserErrorException(
                $"pipeline.cuts: {options.Stages} stages need {options.Stages - 1} cuts; there are {cuts.Length}."
            );
        if (cuts.Zip(cuts.Skip(1), (a, b) => a < b).Contains(false) || cuts[0] < 1 || cuts[^1] >= steps)
            throw new UserErrorException($"pipeline.cuts: [{string.Join(", ", cuts)}] must rise from 1 to at most {steps - 1}.");
    }

    /// <exception cref="UserErrorException">The micro-batches don't divide a batch.</exception>
    public static void RequireDivides(PipelineOptions options, int batch)
    {
        if (batch % options.MicroBatches != 0)
            throw new UserErrorException(
                $"pipeline.micro_batches: {options.MicroBatches} micro-batches don't divide a batch of {batch} images. Change "
                    + "train.loader.batch_size or the micro-batches; where it is an epoch's last batch, set train.loader.drop_last to true."
            );
    }

    private static IEnumerable<string> Mistakes(TrainerParts parts)
    {
        if (parts.Step.Accumulate > 1)
            yield return "train.accumulate: the micro-batches accumulate gradients already. Use 1, and more micro-batches.";
        if (parts.Step.SyncBn && parts.Model.modules().Any(module => module is BatchNorm))
            yield return "train.sync_bn: a stage's norms see all images of a micro-batch. Use false.";
        if (parts.Step.Tune == TunePreset.LpFt)
            yield return "train.tune: \"lp_ft\" has a phase in which the first stages have nothing to train.";
        if (parts.Penalties.Count > 0)
            yield return "train.penalties: no stage has all parameters. Use the optimizer's weight_decay.";
        if (parts.Precision.NeedsScaling)
            yield return "precision: \"fp16\" scales losses, which stages don't. Use \"bf16\" or \"fp32\".";
        if (parts.Optimizers.Count > 1)
            yield return "optimizer: there is more than one.";
        foreach (var (name, factory) in parts.Optimizers)
            if (factory is LbfgsFactory)
                yield return $"{name}: Lbfgs needs the loss again and again.";
        foreach (var (key, hook) in parts.Hooks)
            if (hook is IReadsWeights)
                yield return $"hooks.{key}: {hook.GetType().Name} reads all weights, of which a process has its own stage's alone between "
                    + "evaluations.";
        if (parts.Model.Having<IUsesProcessGroup>().Select(module => module.Name).FirstOrDefault() is { } talking)
            yield return $"model.{talking}: it talks to other processes itself.";
    }
}
