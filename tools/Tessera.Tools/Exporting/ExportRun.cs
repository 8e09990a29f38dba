using System.Globalization;
using Tessera.Framework.Errors;
using Tessera.Framework.Files;
using Tessera.Framework.Messages;
using Tessera.Onnx.Export;
using Tessera.Onnx.Verification;
using Tessera.Tools.Output;

namespace Tessera.Tools.Exporting;

/// <summary>Exports a session's model and tells what was written, and whether it does the same.</summary>
internal sealed class ExportRun(Session session, OnnxExportOptions options)
{
    private const int NotEqual = 4;

    /// <param name="verified">null: the file isn't run.</param>
    public int Run(string output, VerifiedImages? verified)
    {
        if (Path.GetDirectoryName(Path.GetFullPath(output)) is { } folder && !Directory.Exists(folder))
            throw new UserErrorException($"{output}\n  There is no folder {folder}.");
        var export = Export(output, options);
        var console = ToolConsole.Current;
        console.Line(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{string.Join(" and ", export.Files)}: {export.Nodes} operations, opset {options.Opset}, {export.Weights / 1e6:0.0} MB"
            )
        );
        foreach (var input in export.Inputs)
            console.Line($"  takes {input}");
        foreach (var given in export.Outputs)
            console.Line($"  gives {given}");
        return verified is null ? 0 : Verify(output, verified);
    }

    private OnnxExport Export(string path, OnnxExportOptions how)
    {
        try
        {
            return OnnxExporter.Export(session, path, how);
        }
        catch (Exception e) when (e is UnauthorizedAccessException || (e is IOException refused && !AtomicFile.IsFull(refused)))
        {
            throw new UserErrorException($"{path}\n  It can't be written: {e.Message}", e);
        }
    }

    private int Verify(string output, VerifiedImages verified)
    {
        var samples = verified.Samples();
        var staged = options.Taps.Count > 0 ? options : options with { Taps = OnnxVerifier.Stages(session, options) };
        var path = output;
        if (options.Taps.Count == 0)
        {
            // The same file with the outputs of its parts.
            path = Path.Combine(Path.GetTempPath(), $"tessera-export-{Guid.NewGuid():N}.onnx");
            _ = Export(path, staged);
        }
        try
        {
            var advance = new Advance("verifying");
            var stages = new OnnxVerifier(session, staged).Verify(path, samples, done => advance.Report(done, samples.Count));
            return Tell(stages, samples.Count);
        }
        finally
        {
            if (path != output)
            {
                File.Delete(path);
                File.Delete(path + ".data");
            }
        }
    }

    private static int Tell(IReadOnlyList<VerifiedStage> stages, int images)
    {
        var rows = stages.Select(stage =>
            new[]
            {
                stage.Name,
                $"[{string.Join(", ", stage.Shape)}]",
                stage.Exact ? Text($"{stage.Largest:0} differ") : Text($"{stage.Largest:0.0e+0}"),
                Text($"{stage.Relative:0.0e+0}"),
                stage.IsEqual ? "" : "differs",
            }
        );
        ToolConsole.Current.Line($"Differences from libtorch over {images} image{(images == 1 ? "" : "s")}:");
        ToolConsole.Current.Line(
            PlainTable.Format(["stage", "shape", "largest", "relative", ""], [.. rows.Select(row => (IReadOnlyList<string>)row)])
        );
        return stages.All(stage => stage.IsEqual) ? 0 : NotEqual;
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
