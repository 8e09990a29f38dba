using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Predictions;

namespace Tessera.Tools.Comparison;

/// <summary>The words of mistakes in comparing runs.</summary>
internal static class ComparisonErrors
{
    public static UserErrorException NoMetric(string name, IReadOnlyCollection<string> known) =>
        new($"--metric {name}: the runs give no such value.{NearestName.Suggest(name, known)} They give: {string.Join(", ", known)}.");

    /// <exception cref="UserErrorException">Task, part, classes, images or truth differ; the message says how, and what makes files that
    /// can be compared.</exception>
    public static void RequireSameData(string firstName, PredictionFile first, string secondName, PredictionFile second)
    {
        var difference =
            first.Data.Task != second.Data.Task
                ? $"{firstName} is for {TaskNames.Of(first.Data.Task)} data, {secondName} for {TaskNames.Of(second.Data.Task)}"
            : !first.Data.Classes.SequenceEqual(second.Data.Classes) ? Classes(firstName, first, secondName, second)
            : Images(firstName, first, secondName, second)
                ?? Images(secondName, second, firstName, first)
                ?? Truth(firstName, first, secondName, second);
        if (difference is not null)
            throw new UserErrorException(
                $"{difference}. Runs can be compared only on the same data. This stores the predictions of {secondName} anew, on "
                    + $"{firstName}'s data:\n  {ComparedRun.Command(secondName, firstName)}"
            );
    }

    private static string Classes(string firstName, PredictionFile first, string secondName, PredictionFile second)
    {
        var (a, b) = (first.Data.Classes, second.Data.Classes);
        var strangers = a.Except(b).Concat(b.Except(a)).ToArray();
        return strangers.Length == 0
            ? $"{firstName} and {secondName} have the same classes in another order"
            : $"{firstName} has {a.Count} classes, {secondName} {b.Count}; not both have {string.Join(", ", strangers.Take(5))}"
                + (strangers.Length > 5 ? " …" : "");
    }

    private static string? Images(string firstName, PredictionFile first, string secondName, PredictionFile second)
    {
        var has = second.Images.Select(image => image.Image).ToHashSet();
        var missing = first.Images.Where(image => !has.Contains(image.Image)).ToArray();
        return missing.Length == 0
            ? null
            : $"{secondName} ({second.Header.Part}, {second.Images.Count} images) lacks {missing.Length} of the "
                + $"{first.Images.Count} images of "
                + $"{firstName} ({first.Header.Part}), such as {missing[0].Image}";
    }

    private static string? Truth(string firstName, PredictionFile first, string secondName, PredictionFile second)
    {
        var truths = second.Images.ToDictionary(image => image.Image, image => image.TruthHash);
        var other = first.Images.Where(image => truths[image.Image] != image.TruthHash).ToArray();
        return other.Length == 0
            ? null
            : $"{firstName} and {secondName} were measured against another truth for {other.Length} of {first.Images.Count} "
                + $"images, such as "
                + other[0].Image;
    }
}
