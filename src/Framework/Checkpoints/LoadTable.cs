namespace Tessera.Framework.Checkpoints;

/// <summary>A load report in lines, for the log.</summary>
internal static class LoadTable
{
    private const int MostNames = 8;

    public static IReadOnlyList<string> Lines(LoadReport report)
    {
        var lines = new List<string> { $"loaded      {report.Loaded.Count, 5}" };
        if (report.Joined is { Count: > 0 } joined)
            lines.Add($"{"joined", -11} {joined.Count, 5}  of {joined.Sum(entry => entry.Parts.Count)} tensors");
        Add("missing", report.Missing);
        Add("unexpected", report.Unexpected);
        Add("wrong shape", [.. report.WrongShape.Select(wrong => $"{wrong.Name} (here {wrong.Expected}, in the file {wrong.Found})")]);
        Add("left out", report.Skipped);
        Add("passed over", report.PassedOver);
        return lines;

        void Add(string what, IReadOnlyList<string> names)
        {
            if (names.Count == 0)
                return;
            lines.Add($"{what, -11} {names.Count, 5}  {string.Join(", ", names.Take(MostNames))}{(names.Count > MostNames ? " …" : "")}");
        }
    }
}
