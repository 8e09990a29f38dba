using System.Reflection;
using Microsoft.Extensions.Logging;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Messages;

namespace Tessera.Framework.Hooks;

/// <param name="LastEpochs">How many epochs at the end see the other pipeline.</param>
/// <param name="Skip">The steps that are left out then, by their "type".</param>
public sealed record PipelineSwitchHookOptions(
    [property: Range(1, int.MaxValue)] int LastEpochs,
    [property: MinLength(1)] string[]? Skip = null
);

/// <summary>
/// Trains the last epochs on other pictures: without some steps of the training pipeline (<c>skip</c>), or with a <c>pipeline</c> of its
/// own. Mosaics and mixtures help a detector early, but they aren't what it will see.
/// </summary>
/// <remarks>Ge et al., "YOLOX", 2021, arXiv:2107.08430 (the last 15 epochs); RTMDet, 2022, arXiv:2212.07784 (the last 20).</remarks>
[Component("PipelineSwitchHook")]
public sealed class PipelineSwitchHook : Hook
{
    private static readonly ILogger s_log = Log.For(Log.Run);

    private readonly PipelineSwitchHookOptions _options;
    private readonly IReadOnlyList<Transform>? _pipeline;
    private bool _switched;

    /// <param name="pipeline">The steps of the last epochs.</param>
    /// <exception cref="UserErrorException">Neither or both of <c>skip</c> and <c>pipeline</c> are given.</exception>
    public PipelineSwitchHook(PipelineSwitchHookOptions options, IReadOnlyList<Transform>? pipeline = null)
    {
        if (options.Skip is null == pipeline is null)
            throw new UserErrorException(
                "PipelineSwitchHook needs either \"skip\", the steps to leave out at the end, or \"pipeline\", the steps to take then; "
                    + (pipeline is null ? "it has neither." : "it has both.")
            );
        (_options, _pipeline) = (options, pipeline);
    }

    public override void BeforeRun(RunState run)
    {
        _switched = false;
        _ = Steps(run); // a name that is wrong is told now
    }

    public override void BeforeEpoch(RunState run)
    {
        var progress = run.Progress;
        if (_switched || progress.Epoch < progress.TotalEpochs - _options.LastEpochs)
            return;
        var steps = Steps(run);
        run.TrainLoader.UsePipeline(steps);
        _switched = true;
        s_log.LogInformation("From epoch {0} on, training images go through {1}.", progress.Epoch + 1, Listed(steps));
    }

    private IReadOnlyList<Transform> Steps(RunState run)
    {
        if (_pipeline is not null)
            return _pipeline;
        var all = run.TrainLoader.Dataset.Pipeline;
        foreach (var name in _options.Skip!)
            if (!all.Any(step => NameOf(step) == name))
                throw new UserErrorException(
                    $"PipelineSwitchHook: skip names \"{name}\", which train.dataset.pipeline hasn't."
                        + $"{NearestName.Suggest(name, all.Select(NameOf))} Its steps: {Listed(all)}."
                );
        return [.. all.Where(step => !_options.Skip.Contains(NameOf(step), StringComparer.Ordinal))];
    }

    private static string Listed(IReadOnlyList<Transform> steps) => string.Join(", ", steps.Select(NameOf));

    private static string NameOf(Transform step) => step.GetType().GetCustomAttribute<ComponentAttribute>()?.Name ?? step.GetType().Name;
}
