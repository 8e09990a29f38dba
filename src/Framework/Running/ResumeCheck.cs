using System.Globalization;
using System.Text.Json.Nodes;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Running.Loops;

namespace Tessera.Framework.Running;

/// <summary>Whether a run can take up a checkpoint where it was left, or what differs.</summary>
internal static class ResumeCheck
{
    /// <summary>What a user can do who can't resume.</summary>
    public const string StartAnew =
        "Start a new run in another work dir, from these weights by init: { \"type\": \"Pretrained\", \"checkpoint\": … }.";

    /// <summary>The run that is to go on.</summary>
    /// <param name="Loop">How long it is.</param>
    /// <param name="Order">What decides which samples a batch holds.</param>
    public sealed record Present(
        int Processes,
        int BatchesPerEpoch,
        int Accumulate,
        long TotalSteps,
        Loop Loop,
        bool HasSchedule,
        IReadOnlyDictionary<string, string> Order
    );

    /// <summary>
    /// Steps an epoch must be as many as before. In the middle of an epoch the samples that are still to come must be those
    /// of before, too; between epochs they may be others. The length may change, but not end before the checkpoint.
    /// </summary>
    /// <param name="loader">What the checkpoint says of its place.</param>
    /// <param name="warn">Told what differs but does no harm.</param>
    /// <exception cref="UserErrorException">All that differs, and what to set back.</exception>
    public static void Require(StateReader loader, Present now, Action<string> warn)
    {
        var differs = new List<string>();
        Compare("world_size", now.Processes, "processes");
        Compare("batches_per_epoch", now.BatchesPerEpoch, "batches an epoch (train.loader.batch_size, the number of samples)");
        Compare("accumulate", now.Accumulate, "batches a step (train.accumulate)");
        var order = Changed(loader.Value("order") as JsonObject, now.Order);
        var midEpoch = Number("batch") > 0;
        if (midEpoch || differs.Count > 0)
            differs.AddRange(order);
        if (differs.Count > 0)
            throw new UserErrorException(
                $"The checkpoint can't be resumed{(midEpoch ? " in the middle of its epoch" : "")}. It was written with\n    "
                    + $"{string.Join("\n    ", differs)}"
                    + $"\n  Set that back to resume. Or: {char.ToLowerInvariant(StartAnew[0])}{StartAnew[1..]}"
            );
        if (order.Count > 0)
            warn(
                $"The epochs from here on have other batches than those before: the checkpoint was written with "
                    + $"{string.Join("; with ", order)}."
            );

        var done = Number(now.Loop.Counts == LoopKind.Iterations ? "iteration" : "epochs_done");
        var (length, key) = (now.Loop.Length, now.Loop.LengthKey);
        if (done > length)
            throw new UserErrorException(
                $"{key} is {length}, but the checkpoint has {done} of them behind it. Raise {key} to train on; tools/test evaluates "
                    + $"the checkpoint as it is."
            );
        if (Number("total_steps") is { } before && before != now.TotalSteps && now.HasSchedule)
            warn(
                $"The run is {now.TotalSteps} iterations long now, {before} before; a schedule that counts to the end follows the "
                    + $"new length."
            );

        void Compare(string name, int present, string what)
        {
            if (Number(name) is { } saved && saved != present)
                differs.Add($"{saved} {what}; this run has {present}");
        }

        long? Number(string name) =>
            long.TryParse(loader.Value(name)?.ToJsonString(), CultureInfo.InvariantCulture, out var number) ? number : null;
    }

    private static List<string> Changed(JsonObject? before, IReadOnlyDictionary<string, string> now)
    {
        if (before is null)
            return [];
        var changed = now.Where(fact => before[fact.Key] is JsonValue value && value.ToString() != fact.Value).ToList();
        if (changed.Count > 1)
            changed.RemoveAll(fact => fact.Key == OrderKey); // it follows from the others
        return
        [
            .. changed.Select(fact =>
                fact.Key == OrderKey
                    ? "the samples in another order (another sampler, or other options of it)"
                    : $"{fact.Key} {before[fact.Key]}; this run has {fact.Value}"
            ),
        ];
    }

    /// <summary>Under this name a loader gives a hash of the order itself.</summary>
    public const string OrderKey = "order";
}
