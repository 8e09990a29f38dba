using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Running.Diagnosis;

namespace Tessera;

/// <summary>Holds the classes of what is evaluated against those that are trained.</summary>
internal static class ClassComparison
{
    private const int MostNamed = 5,
        MostListed = 20;

    /// <exception cref="UserErrorException">The names or their order differ, or no class that is measured has a sample to learn
    /// from.</exception>
    public static void RequireSame(Dataset train, Dataset val, string path)
    {
        var (trained, evaluated) = (train.Info.Classes, val.Info.Classes);
        if (trained.SequenceEqual(evaluated))
        {
            RequireLearned(train, val, path);
            return;
        }
        var missing = trained.Except(evaluated).ToArray();
        var extra = evaluated.Except(trained).ToArray();
        throw new UserErrorException(
            $"{path}: its classes are others than those of train.dataset ({evaluated.Count} and {trained.Count})."
                + (missing.Length > 0 ? $" It lacks {string.Join(", ", missing.Take(MostNamed))}." : "")
                + (extra.Length > 0 ? $" Only it has {string.Join(", ", extra.Take(MostNamed))}." : "")
                + (missing.Length + extra.Length == 0 ? " Their order differs." : "")
                + (train.Info.Task == DataTask.Regression ? "" : Remedy(trained, missing, extra))
        );
    }

    private static string Remedy(IReadOnlyList<string> trained, string[] missing, string[] extra)
    {
        var twins = missing.Join(extra, ClassNameNotes.Key, ClassNameNotes.Key, (ours, theirs) => $"\"{ours}\" and \"{theirs}\"").ToArray();
        if (twins.Length > 0)
            return $" {(twins.Length == Math.Max(missing.Length, extra.Length) ? "They" : "Some")} differ only in upper and "
                + $"lower case or in "
                + $"blanks: {Listed(twins, MostNamed)} (train.dataset's first). Write each the same way in both.";
        if (missing.Length == trained.Count && extra.Length > 0)
            return " Not one class is common to both, so that nothing of what is learned would be measured: is one of them the wrong data?";
        return " Where a split may lack a class, give both data sets the names: \"classes\": "
            + $"[{Listed([.. trained.Concat(extra).Select(name => $"\"{name}\"")], MostListed)}].";
    }

    /// <summary>The names agree, but do the samples? Names given to both may hide that the one has none of the other's classes.</summary>
    private static void RequireLearned(Dataset train, Dataset val, string path)
    {
        if (Present(train) is not { Length: > 0 } learned || Present(val) is not { Length: > 0 } measured)
            return;
        if (measured.Intersect(learned).Any())
            return;
        throw new UserErrorException(
            $"{path}: none of its classes has a sample in train.dataset, so that nothing of what is learned is measured. Its "
                + $"samples are of "
                + $"{Listed(measured, MostNamed)}, those of train.dataset of {Listed(learned, MostNamed)}."
        );
    }

    /// <returns>Names of the classes that have samples; null where that isn't known.</returns>
    private static string[]? Present(Dataset data)
    {
        try
        {
            var presence = ClassPresence.Of(data);
            return presence.IsComplete ? [.. data.Info.Classes.Where((_, label) => presence.Samples[label] > 0)] : null;
        }
        catch (UserErrorException)
        {
            return null; // a label that is no class: told by DataChecks.Check
        }
    }

    private static string Listed(string[] all, int most) => string.Join(", ", all.Take(most)) + (all.Length > most ? ", …" : "");
}
