using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Tessera.Framework.Errors;
using Tessera.Tools.Logs;
using Tessera.Tools.Reporting;

namespace Tessera.Tools.Boards;

/// <summary>What a board shows: the runs of some folders, those that begin later included.</summary>
internal sealed class BoardState
{
    private const int MostRuns = 200;

    private readonly string[] _folders;
    private readonly Dictionary<string, BoardRun> _runs = [];
    private readonly Lock _gate = new();
    private (string Tag, string Json) _last = ("", "");

    /// <param name="folders">Work dirs, or folders that hold some.</param>
    /// <exception cref="UserErrorException">There is no such folder.</exception>
    public BoardState(IReadOnlyList<string> folders)
    {
        _folders = [.. folders.Select(Path.GetFullPath)];
        foreach (var (folder, given) in _folders.Zip(folders))
            if (!Directory.Exists(folder))
                throw ReportErrors.NoFolder(given);
    }

    /// <summary>Everything as JSON, and what tells whether it has changed.</summary>
    public (string Tag, string Json) Look()
    {
        lock (_gate)
        {
            var runs = Find();
            var stamp = string.Join('\n', runs.Select(run => run.Look()));
            var tag = $"\"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(stamp)))[..16]}\"";
            if (tag != _last.Tag)
                _last = (tag, Json(runs).ToJsonString());
            return _last;
        }
    }

    /// <summary>A sheet of activation maps of one of the runs; null where there is none such.</summary>
    /// <param name="number">The run's, as the state has it.</param>
    public string? FindMaps(int number, string name)
    {
        lock (_gate)
        {
            var runs = Find();
            return number >= 0 && number < runs.Length ? runs[number].FindMaps(name) : null;
        }
    }

    private BoardRun[] Find()
    {
        var folders = _folders.Where(Directory.Exists).SelectMany(RunsOf).Distinct().Take(MostRuns).ToArray();
        foreach (var gone in _runs.Keys.Except(folders).ToArray())
            _runs.Remove(gone);
        foreach (var folder in folders)
            _runs.TryAdd(folder, new BoardRun(folder));
        return [.. folders.Select(folder => _runs[folder])];
    }

    private static IEnumerable<string> RunsOf(string folder) =>
        BoardRun.Is(folder) ? [folder] : Directory.EnumerateDirectories(folder).Where(BoardRun.Is).Order(StringComparer.Ordinal);

    private static JsonObject Json(BoardRun[] runs)
    {
        var names = Names(runs);
        var logged = runs.Zip(names)
            .Where(run => run.First.Scalars is not null)
            .Select(run => run.First.Scalars! with { Name = run.Second })
            .ToArray();
        return new JsonObject
        {
            ["runs"] = new JsonArray([.. runs.Zip(names, (run, name) => (JsonNode)Run(run, name))]),
            ["charts"] = new JsonArray([
                .. CurveSection.Keys(logged).Select(key => (JsonNode)CurveSection.Json(key.Kind, key.Key, logged)),
            ]),
            ["maps"] = new JsonArray([
                .. runs.Select((run, i) => (Run: names[i], Number: i, File: run.NewestMaps()))
                    .Where(map => map.File is not null)
                    .Select(map =>
                        (JsonNode)
                            new JsonObject
                            {
                                ["run"] = map.Run,
                                ["file"] = map.File,
                                ["address"] = FormattableString.Invariant($"/maps/{map.Number}/{map.File}"),
                            }
                    ),
            ]),
        };
    }

    private static string[] Names(BoardRun[] runs)
    {
        string[] names = [.. runs.Select(run => Path.GetFileName(run.Folder))];
        return names.Distinct().Count() == names.Length ? names : [.. runs.Select(run => run.Folder)];
    }

    private static JsonObject Run(BoardRun run, string name)
    {
        var last = run.Scalars?.Rows[^1];
        var evaluated = run.Scalars?.Rows.LastOrDefault(row => row.Kind != "train")?.Values ?? new Dictionary<string, double>();
        var keys = evaluated.Keys.ToHashSet();
        var metric = evaluated.Keys.FirstOrDefault(key => !DetailKeys.IsDetail(key, keys));
        return new JsonObject
        {
            ["name"] = name,
            ["state"] = run switch
            {
                { Result.Complete: true } => "ended",
                { Result: not null } => "stopped",
                { IsRunning: true } => "running",
                { Scalars: null } => "nothing logged yet",
                _ => "silent",
            },
            ["running"] = run.IsRunning,
            ["ended"] = run.Result is not null,
            ["iteration"] = last?.Iteration,
            ["epoch"] = last?.Epoch,
            ["loss"] = Finite(run.Scalars?.Of("train", "loss").Select(point => point.Y).LastOrDefault(double.NaN) ?? double.NaN),
            ["metric"] = metric,
            ["value"] = metric is null ? null : Finite(evaluated[metric]),
            ["problem"] = run.Problem,
        };
    }

    private static JsonNode? Finite(double value) => double.IsFinite(value) ? value : null;
}
