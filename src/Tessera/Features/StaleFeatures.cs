using Tessera.Framework.Checkpoints;
using Tessera.Framework.Configuration;
using Tessera.Framework.Errors;

namespace Tessera.Features;

/// <summary>Whether features still are what their weights and their data would give.</summary>
internal static class StaleFeatures
{
    private const int Shown = 12; // digits of a hash

    /// <param name="checkpoint">null: not looked at.</param>
    /// <param name="config">null: not looked at.</param>
    /// <exception cref="UserErrorException">Everything that differs.</exception>
    public static void Refuse(FeatureFile file, string? checkpoint, string? config)
    {
        var differs = new List<string>();
        if (checkpoint is not null && Weights(file.Info, checkpoint) is { } weights)
            differs.Add(weights);
        if (config is not null)
            differs.AddRange(Data(file.Info, config));
        if (differs.Count > 0)
            throw Stale(file.Path, differs, file.Info.Part);
    }

    /// <summary>Refuses files that are to be used together but were made by different networks or transforms.</summary>
    /// <exception cref="UserErrorException">Everything that differs.</exception>
    public static void RequireAlike(FeatureFile first, FeatureFile other)
    {
        var differs = new List<string>();
        if (first.Info.WeightsHash != other.Info.WeightsHash)
            differs.Add(
                $"weights: {Named(first.Info.Checkpoint, first.Info.WeightsHash)} here, "
                    + $"{Named(other.Info.Checkpoint, other.Info.WeightsHash)} there"
            );
        if (first.Info.Transform != other.Info.Transform)
            differs.Add(Changed(first.Info.Transform, other.Info.Transform));
        if (first.Width != other.Width)
            differs.Add($"{first.Width} features here, {other.Width} there");
        if (first.Info.Task != other.Info.Task || !first.Info.Classes.SequenceEqual(other.Info.Classes))
            differs.Add("classes or task");
        if (differs.Count > 0)
            throw new UserErrorException(
                $"{first.Path} and {other.Path} can't be used together. They differ in\n    {string.Join("\n    ", differs)}\n  Make both "
                    + "with one checkpoint and one config."
            );
    }

    private static string? Weights(FeatureInfo info, string path)
    {
        if (!Checkpoint.IsCheckpoint(path))
        {
            var now = FeatureHashes.OfFile(path);
            return now == info.FileHash
                ? null
                : $"weights: made with {Named(info.Checkpoint, info.FileHash ?? info.WeightsHash)}; {path} is {Short(now)}";
        }
        using var checkpoint = Checkpoint.Open(path);
        var found = new List<string>();
        foreach (var averaged in (bool[])[true, false])
        {
            var names = checkpoint.ModelNames(averaged);
            var hash = FeatureHashes.OfWeights(names.Keys, name => checkpoint.Read(names[name]), "head");
            if (hash == info.WeightsHash)
                return null;
            found.Add(Short(hash));
        }
        return $"weights: made with {Named(info.Checkpoint, info.WeightsHash)}; {path} has {string.Join(" or ", found.Distinct())}";
    }

    private static IEnumerable<string> Data(FeatureInfo info, string config)
    {
        using var session = Session.Open(config);
        if (FeatureExtraction.TransformOf(session.Document) is var transform && transform != info.Transform)
            yield return Changed(info.Transform, transform);
        var part = Enum.GetValues<DataPart>().First(part => SessionData.NameOf(part) == info.Part);
        if (!session.Data.Has(part))
        {
            yield return $"data: {config} has no part {info.Part}";
            yield break;
        }
        var dataset = session.Data[part];
        if (!dataset.Info.Classes.SequenceEqual(info.Classes))
            yield return $"classes: {info.Classes.Count} then, {dataset.Info.Classes.Count} now, or other names";
        else if (FeatureHashes.OfData(dataset) is var hash && hash != info.DataHash)
            yield return $"data: the samples of {info.Part}, their labels or their images are others ({Short(info.DataHash)} then, "
                + $"{Short(hash)} now)";
    }

    /// <summary>The first step that differs.</summary>
    private static string Changed(string before, string now)
    {
        var (old, present) = (Steps(before), Steps(now));
        var at = Enumerable
            .Range(0, Math.Max(old.Length, present.Length))
            .First(i => old.ElementAtOrDefault(i) != present.ElementAtOrDefault(i));
        return $"transform, step {at}: {old.ElementAtOrDefault(at) ?? "none"} then, {present.ElementAtOrDefault(at) ?? "none"} now";
    }

    private static string[] Steps(string transform) =>
        transform.Length == 0
            ? []
            : [.. ((ConfigList)ConfigDocument.Parse($"{{ \"steps\": {transform} }}").Root["steps"]!).Select(step => step.ToString())];

    private static string Short(string hash) => hash.Length > Shown ? hash[..Shown] : hash;

    private static string Named(string checkpoint, string hash) => $"{checkpoint} ({Short(hash)})";

    private static UserErrorException Stale(string path, IReadOnlyList<string> differs, string part) =>
        new(
            $"{path} is stale: it doesn't fit any more.\n    {string.Join("\n    ", differs)}\n  Make it again: tools/extract-features "
                + $"CONFIG CHECKPOINT {path} --split {part}"
        );
}
