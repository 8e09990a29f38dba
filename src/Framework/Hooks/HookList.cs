using System.Runtime.ExceptionServices;
using Microsoft.Extensions.Logging;
using Tessera.Framework.Data;
using Tessera.Framework.Messages;
using Tessera.Framework.Models;

namespace Tessera.Framework.Hooks;

/// <summary>A run's hooks in their order. What it begins for a hook it also ends, whatever happens in between.</summary>
internal sealed class HookList
{
    private static readonly ILogger s_log = Log.For(Log.Run);

    private readonly (string Key, Hook Hook)[] _hooks;

    /// <param name="hooks">By their keys in the config.</param>
    public HookList(IEnumerable<KeyValuePair<string, Hook>> hooks) =>
        _hooks = [
            .. hooks
                .OrderBy(hook => hook.Value.Order)
                .ThenBy(hook => hook.Key, StringComparer.Ordinal)
                .Select(hook => (hook.Key, hook.Value)),
        ];

    /// <summary>No hooks.</summary>
    public static HookList None { get; } = new([]);

    public IReadOnlyList<(string Key, Hook Hook)> Ordered => _hooks;

    public void BeforeIteration(RunState run, Batch batch)
    {
        foreach (var (_, hook) in _hooks)
            hook.BeforeIteration(run, batch);
    }

    public void AfterIteration(RunState run, Batch batch, LossMap losses)
    {
        foreach (var (_, hook) in _hooks)
            hook.AfterIteration(run, batch, losses);
    }

    /// <summary>Begins the run for each hook, does what it consists of, and ends it for each hook whose beginning was done.</summary>
    /// <param name="reason">What to tell of an error of the run itself.</param>
    public void Run(RunState run, Action body, Func<Exception, Exception> reason)
    {
        var begun = 0;
        try
        {
            for (; begun < _hooks.Length; begun++)
                _hooks[begun].Hook.BeforeRun(run);
            body();
        }
        catch (Exception error)
        {
            run.Fails(reason(error));
        }
        foreach (var (key, hook) in _hooks.AsSpan(0, begun))
        {
            try
            {
                hook.AfterRun(run);
            }
            catch (Exception error) when (run.Failure is null)
            {
                run.Fails(reason(error)); // those after it hear of it
            }
            catch (Exception error)
            {
                Tell(key, error);
            }
        }
        if (run.Failure is not null)
            ExceptionDispatchInfo.Throw(run.Failure);
    }

    /// <summary>Begins an epoch for each hook, goes through it, and ends it for each.</summary>
    /// <param name="body">Whether the epoch came to its end.</param>
    /// <returns>The same.</returns>
    public bool Epoch(RunState run, Func<bool> body) =>
        Around(hook => hook.BeforeEpoch(run), body, hook => hook.AfterEpoch(run), hook => hook.EpochUnfinished(run));

    /// <summary>Begins an evaluation for each hook, does it, and ends it for each.</summary>
    public void Evaluation(RunState run, Action body) =>
        Around(
            hook => hook.BeforeEvaluation(run),
            () =>
            {
                body();
                return true;
            },
            hook => hook.AfterEvaluation(run, run.Metrics),
            hook => hook.EvaluationFailed(run)
        );

    private bool Around(Action<Hook> begin, Func<bool> body, Action<Hook> end, Action<Hook> broken)
    {
        int begun = 0,
            ended = 0;
        bool whole;
        try
        {
            while (begun < _hooks.Length)
                begin(_hooks[begun++].Hook); // one that fails half-way is ended, too
            whole = body();
            while (whole && ended < begun)
                end(_hooks[ended++].Hook);
        }
        catch
        {
            Break(ended, begun, broken); // after what came first these are only logged
            throw;
        }
        if (Break(ended, begun, broken) is { } error)
            ExceptionDispatchInfo.Throw(error);
        return whole;
    }

    /// <summary>Ends what did not come to its end, for the hooks from one to another.</summary>
    /// <returns>The first error; all are logged.</returns>
    private Exception? Break(int from, int to, Action<Hook> broken)
    {
        Exception? first = null;
        foreach (var (key, hook) in _hooks.AsSpan(from, to - from))
        {
            try
            {
                broken(hook);
            }
            catch (Exception error)
            {
                first ??= error;
                Tell(key, error);
            }
        }
        return first;
    }

    private static void Tell(string key, Exception error) => s_log.LogWarning("hooks.{0} could not end: {1}", key, error.Message);
}
