using Tessera.Framework.Errors;
using Tessera.Framework.Logging;

namespace Tessera.Tools.Reporting;

/// <summary>The words of mistakes in making reports.</summary>
internal static class ReportErrors
{
    public static UserErrorException NoFolder(string path) =>
        new(
            File.Exists(path)
                ? $"{path}: this is a file; the work dir of a run was expected."
                : $"{path}: there is no such folder; the work dir of a run was expected."
        );

    public static UserErrorException SeveralRuns(string path, IReadOnlyList<string> runs) =>
        new(
            $"{path}: it holds several runs. Name those to be shown:\n  {string.Join("\n  ", runs.Take(8))}"
                + (runs.Count > 8 ? $"\n  … {runs.Count} in all" : "")
        );

    public static UserErrorException NoRun(string path) =>
        new($"{path}: this is no work dir of a run: it has neither a config.json nor a folder with a {ScalarLog.FileName}.");

    public static UserErrorException NoScalars(string path) =>
        new(
            $"{path}: nothing was logged there: it has no {ScalarLog.FileName} with a row in it. Either the run ended before its first "
                + "logged iteration, or it is no work dir of tools/train."
        );

    public static string Plugins(IEnumerable<string> named) =>
        $"The run's config names plugins ({string.Join(", ", named)}). Their code is run only where --plugins says so.";
}
