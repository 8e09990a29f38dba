using System.Text.Json;
using Tessera.Framework.Errors;
using Tessera.Framework.Logging;

namespace Tessera.Tools.Logs;

/// <summary>A row of a run's scalars.</summary>
internal sealed record ScalarRow(string Kind, long Iteration, int Epoch, IReadOnlyDictionary<string, double> Values);

/// <summary>What a run logged. A run that was resumed has several files; they are one run.</summary>
internal sealed record RunScalars(string Name, IReadOnlyList<ScalarRow> Rows, int BadLines)
{
    /// <summary>Values by "kind name" in the order of first appearance.</summary>
    public IEnumerable<(string Kind, string Key)> Keys => Rows.SelectMany(row => row.Values.Keys.Select(key => (row.Kind, key))).Distinct();

    public IEnumerable<(double X, double Y)> Of(string kind, string key) =>
        Rows.Where(row => row.Kind == kind && row.Values.ContainsKey(key)).Select(row => ((double)row.Iteration, row.Values[key]));

    /// <param name="path">A scalars.jsonl, a folder that has one, or a work dir.</param>
    /// <exception cref="UserErrorException">There is none, or nothing in it can be read.</exception>
    public static RunScalars Load(string path)
    {
        var files =
            File.Exists(path) ? [path]
            : Directory.Exists(path)
                ? Directory.EnumerateFiles(path, ScalarLog.FileName, SearchOption.AllDirectories).Order(StringComparer.Ordinal).ToArray()
            : throw new UserErrorException($"{path}: there is no such file or folder. A {ScalarLog.FileName} or a work dir was expected.");
        if (files.Length == 0)
            throw new UserErrorException($"{path}: the folder has no {ScalarLog.FileName}. A work dir of tools/train was expected.");
        var rows = new List<ScalarRow>();
        var bad = 0;
        foreach (var file in files)
        foreach (var line in LinesOf(file))
        {
            if (string.IsNullOrWhiteSpace(line))
                continue;
            if (Parse(line) is { } row)
                rows.Add(row);
            else
                bad++;
        }
        if (rows.Count == 0)
            throw new UserErrorException(
                $"{files[0]}: none of its lines is a row of scalars, such as "
                    + $"{{\"kind\":\"train\",\"iteration\":50,\"epoch\":0,\"loss\":1.93}}."
            );
        // A resumed run goes on in another file; what it did again counts as it came out last.
        var kept = rows.Select((row, i) => (row, i))
            .GroupBy(entry => (entry.row.Kind, entry.row.Iteration))
            .Select(group => group.Last())
            .OrderBy(entry => entry.row.Iteration)
            .ThenBy(entry => entry.i);
        return new RunScalars(NameOf(path), [.. kept.Select(entry => entry.row)], bad);
    }

    /// <summary>Names that tell the runs apart: as much of their paths as it takes.</summary>
    public static IReadOnlyList<RunScalars> Distinguish(IReadOnlyList<RunScalars> runs, IReadOnlyList<string> paths) =>
        runs.Select(run => run.Name).Distinct().Count() == runs.Count
            ? runs
            : [.. runs.Select((run, i) => run with { Name = paths[i].TrimEnd('/') })];

    /// <summary>A run may be writing into it.</summary>
    private static IEnumerable<string> LinesOf(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
            yield return line;
    }

    private static string NameOf(string path)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (File.Exists(full))
            full = Path.GetDirectoryName(full)!;
        var name = Path.GetFileName(full);
        return name.Length == 15 && name[8] == '_' && name.All(c => char.IsAsciiDigit(c) || c == '_')
            ? Path.GetFileName(Path.GetDirectoryName(full)!)
            : name;
    }

    private static ScalarRow? Parse(string line)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            var root = document.RootElement;
            var values = new Dictionary<string, double>();
            foreach (var property in root.EnumerateObject())
            {
                if (property.Name is "kind" or "iteration" or "epoch")
                    continue;
                if (property.Value.ValueKind == JsonValueKind.Number)
                    values[property.Name] = property.Value.GetDouble();
                else if (property.Value.ValueKind == JsonValueKind.Null)
                    values[property.Name] = double.NaN;
            }
            return new ScalarRow(
                root.GetProperty("kind").GetString() ?? "",
                root.GetProperty("iteration").GetInt64(),
                root.GetProperty("epoch").GetInt32(),
                values
            );
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }
}
