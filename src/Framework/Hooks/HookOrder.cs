using System.Globalization;

namespace Tessera.Framework.Hooks;

/// <summary>The places in the order in which hooks are called; lower is earlier, and hooks of one place come by their keys.
/// A hook may state any number between them.</summary>
public static class HookOrder
{
    /// <summary>Averages of the weights.</summary>
    public const int Averages = 100;

    /// <summary>Looks at losses and gradients.</summary>
    public const int Checks = 200;

    /// <summary>Decides whether the run goes on.</summary>
    public const int EarlyStopping = 450;

    /// <summary>Writes logs; also the place of a hook that states none.</summary>
    public const int Logs = 500;

    /// <summary>Saves what the hooks before it have seen.</summary>
    public const int Checkpoints = 600;

    /// <summary>The run's evaluations: after the checkpoint of the same moment, so that one that fails loses nothing.</summary>
    public const int Evaluation = 700;

    /// <summary>All places, as docs/training.md lists them.</summary>
    public static IReadOnlyList<HookPlace> Places { get; } =
    [
        new(Averages, "averages", "`EmaHook`: its average takes the weights' place before another hook sees the evaluation"),
        new(Checks, "checks", "`NanGuardHook`"),
        new(EarlyStopping, "early stopping", "`EarlyStoppingHook`: decides before the log and the checkpoint of the same moment"),
        new(Logs, "logs", "`LogHook`, and every hook that states no order"),
        new(Checkpoints, "checkpoints", "`CheckpointHook`: saves what the hooks before it have seen"),
        new(
            Evaluation,
            "evaluation",
            "the run's evaluations: after the checkpoint of the same moment, so that one that fails loses nothing"
        ),
    ];

    /// <summary>The name of a place with its number, "logs 500"; the number alone between two places.</summary>
    public static string Describe(int order) =>
        Places.FirstOrDefault(place => place.Order == order) is { } known
            ? string.Create(CultureInfo.InvariantCulture, $"{known.Name} {order}")
            : order.ToString(CultureInfo.InvariantCulture);
}

/// <summary>A place in the order of hooks.</summary>
/// <param name="Order">Lower is earlier.</param>
/// <param name="Name">In logs.</param>
/// <param name="Hooks">Who is there, in Markdown.</param>
public sealed record HookPlace(int Order, string Name, string Hooks);
