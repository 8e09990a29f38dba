using System.Globalization;
using Microsoft.Extensions.Logging;
using Tessera.Framework.Data;
using Tessera.Framework.Messages;
using Tessera.Framework.Models;
using Tessera.Framework.Processes;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Framework.Running.Stages;

/// <summary>Which steps of a model this process trains, and which the others do.</summary>
internal sealed class Stage
{
    private static readonly ILogger s_log = Log.For(Log.Run);

    private readonly int[] _bounds; // of all stages: the first step, and one more than the last
    private readonly IReadOnlyList<ChainStep> _chain;

    private Stage(IChainedModel model, IReadOnlyList<ChainStep> chain, int[] cuts, IProcessGroup group)
    {
        (Model, Group, _chain) = (model, group, chain);
        _bounds = [0, .. cuts, chain.Count];
    }

    public IChainedModel Model { get; }

    public IProcessGroup Group { get; }

    public int Count => _bounds.Length - 1;

    public bool IsFirst => Group.Rank == 0;

    public bool IsLast => Group.Rank == Count - 1;

    /// <summary>Cuts the model, where the options don't say it by the measured time of its steps.</summary>
    /// <exception cref="UserErrorException">The model, the cuts or the number of processes don't fit.</exception>
    public static Stage Cut(StepParts parts, PipelineParts pipeline)
    {
        var options = pipeline.Options;
        StageChecks.RequireProcesses(options, parts.Group);
        var model = StageChecks.RequireChain(parts.Model);
        using var batch = pipeline.Example();
        StageChecks.RequireDivides(options, batch.Count);
        batch.Place(parts.Device, parts.ChannelsLast);
        var (height, width) = ((int)batch.Images.shape[2], (int)batch.Images.shape[3]);
        var chain = model.Chain(height, width);
        StageChecks.RequireSteps(options, chain.Count);
        double[]? costs = null;
        if (options.Cuts is null)
            costs = StageCosts.Measure(parts, chain, batch.Images.narrow(0, 0, batch.Count / options.MicroBatches));
        var stage = new Stage(model, chain, options.Cuts ?? StageCuts.Balance(costs!, options.Stages), parts.Group);
        stage.Tell(costs, options.MicroBatches);
        return stage;
    }

    /// <summary>The steps that this process runs, for images of a size.</summary>
    public IEnumerable<ChainStep> Steps(int height, int width) =>
        Model.Chain(height, width).Skip(_bounds[Group.Rank]).Take(_bounds[Group.Rank + 1] - _bounds[Group.Rank]);

    /// <summary>The stage that a tensor of the state dict belongs to. What is of no step belongs to the last.</summary>
    public int Of(string key)
    {
        for (var stage = 0; stage < Count; stage++)
        for (var step = _bounds[stage]; step < _bounds[stage + 1]; step++)
            if (_chain[step].Holds(key))
                return stage;
        return Count - 1;
    }

    /// <summary>Whether this process trains a parameter.</summary>
    public bool Owns(string key) => Of(key) == Group.Rank;

    private void Tell(double[]? costs, int microBatches)
    {
        var times = costs is null ? null : StageCuts.Costs(costs, _bounds[1..^1]);
        for (var stage = 0; stage < Count; stage++)
        {
            var (first, last) = (_bounds[stage], _bounds[stage + 1] - 1);
            s_log.LogInformation(
                "Stage {0}: steps {1} to {2} ({3} to {4}){5}",
                stage,
                first,
                last,
                _chain[first].Name,
                _chain[last].Name,
                times is null ? "" : string.Create(CultureInfo.InvariantCulture, $", {times[stage] * 1000:0.0} ms a micro-batch")
            );
        }
        s_log.LogInformation(
            "{0} micro-batches a step: {1:0.0} % of it each stage waits, where all take as long.",
            microBatches,
            PipelineSchedule.Bubble(Count, microBatches) * 100
        );
    }
}
