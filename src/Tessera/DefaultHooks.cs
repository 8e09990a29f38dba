using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Framework.Hooks;
using Tessera.Predictions;

namespace Tessera;

/// <summary>The hooks that belong to every run: log, NaN guard, checkpoints and stored predictions, unless the config sets their key to
/// null or has its
/// own.</summary>
internal static class DefaultHooks
{
    private static readonly string[] s_keys = ["log", "nan_guard", "checkpoint", "predictions"];

    /// <summary>Those that the config sets to null.</summary>
    public static IReadOnlyList<string> Unwanted(ConfigDocument document) => [.. s_keys.Where(key => document.IsRemoved("hooks", key))];

    /// <summary>The config's hooks, with those that belong to every run.</summary>
    public static Dictionary<string, Hook> Build(Session session, DataInfo data)
    {
        var (specs, unwanted) = (session.Options.Hooks, Unwanted(session.Document));
        var hooks = specs.BuildAll(session.Services, data);
        Add("log", () => new LogHook(new LogHookOptions()));
        Add("nan_guard", () => new NanGuardHook(new NanGuardHookOptions()));
        Add("checkpoint", () => new CheckpointHook(new CheckpointHookOptions()));
        if (session.Options.Val is not null)
            Add("predictions", () => new PredictionsHook(new PredictionsHookOptions(), session));
        foreach (var hook in hooks.Values.OfType<PredictionsHook>())
            hook.MayEndEarly = hooks.Values.OfType<EarlyStoppingHook>().Any();
        return hooks;

        void Add<T>(string key, Func<T> make)
            where T : Hook
        {
            if (specs?.ContainsKey(key) != true && !unwanted.Contains(key) && !hooks.Values.OfType<T>().Any())
                hooks.Add(key, make());
        }
    }
}
