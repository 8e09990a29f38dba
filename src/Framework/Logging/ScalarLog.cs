using System.Text.Json;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Files;

namespace Tessera.Framework.Logging;

/// <summary>A run's values over time, one JSON object a line: <c>{"kind":"train","iteration":50,"epoch":0,"loss":1.93}</c>.</summary>
public sealed class ScalarLog : IDisposable
{
    /// <summary>The file's name in a run's folder.</summary>
    public const string FileName = "scalars.jsonl";

    private readonly FileStream _stream;

    /// <summary>Appends to the file, which is made where there is none.</summary>
    public ScalarLog(string path) => _stream = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read);

    /// <summary>Writes a row; it is in the file when this returns. A value that is not finite becomes null.</summary>
    /// <param name="kind">"train" or "val".</param>
    /// <param name="iteration">Optimizer steps done.</param>
    /// <param name="epoch">From 0.</param>
    public void Write(string kind, long iteration, int epoch, IReadOnlyDictionary<string, double> values)
    {
        using var row = new MemoryStream();
        using (var json = new Utf8JsonWriter(row))
        {
            json.WriteStartObject();
            json.WriteString("kind", kind);
            json.WriteNumber("iteration", iteration);
            json.WriteNumber("epoch", epoch);
            foreach (var (name, value) in values)
            {
                if (name is "kind" or "iteration" or "epoch")
                    continue;
                if (double.IsFinite(value))
                    json.WriteNumber(name, value);
                else
                    json.WriteNull(name);
            }
            json.WriteEndObject();
        }
        row.WriteByte((byte)'\n');
        _stream.Write(row.GetBuffer().AsSpan(0, (int)row.Length)); // in one piece, so that a row is there or not
        _stream.Flush();
    }

    public void Dispose() => _stream.Dispose();

    /// <summary>Cuts, from every run's file below a work dir, the rows that a resumed run writes again, and a last row that was cut
    /// off.</summary>
    /// <param name="iteration">Optimizer steps done where the run continues: later rows go.</param>
    /// <param name="evaluatesAgain">The run continues with the evaluation at that iteration: its row goes, too.</param>
    /// <returns>Rows that were removed.</returns>
    public static int Cut(string workDir, long iteration, bool evaluatesAgain = false)
    {
        var removed = 0;
        if (!Directory.Exists(workDir))
            return 0;
        foreach (var folder in Directory.EnumerateDirectories(workDir))
        {
            var path = Path.Combine(folder, FileName);
            if (!File.Exists(path))
                continue;
            var lines = File.ReadAllLines(path);
            var kept = lines
                .Where(line => Place(line) is var (kind, row) && row <= iteration && !(evaluatesAgain && row == iteration && kind == "val"))
                .ToList();
            if (kept.Count == lines.Length && EndsWithNewline(path))
                continue;
            removed += lines.Length - kept.Count;
            AtomicFile.WriteText(path, string.Concat(kept.Select(line => line + "\n")));
        }
        return removed;
    }

    private static bool EndsWithNewline(string path)
    {
        using var stream = File.OpenRead(path);
        if (stream.Length == 0)
            return true;
        stream.Seek(-1, SeekOrigin.End);
        return stream.ReadByte() == '\n';
    }

    private static (string? Kind, long Iteration)? Place(string line)
    {
        try
        {
            using var row = JsonDocument.Parse(line);
            return (row.RootElement.GetProperty("kind").GetString(), row.RootElement.GetProperty("iteration").GetInt64());
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }
}
