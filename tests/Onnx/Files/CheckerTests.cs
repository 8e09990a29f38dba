using System.Diagnostics;
using Tessera.Framework.Data;
using Tessera.Onnx.Export;

namespace Tessera.Tests.Onnx.Files;

/// <summary>A test that needs Debian's python3-onnx, and is skipped with that reason where it isn't there.</summary>
public sealed class CheckerFactAttribute : TheoryAttribute
{
    public const string Python = "/usr/bin/python3";

    public CheckerFactAttribute()
    {
        if (!File.Exists(Python) || Run("-c", "import onnx").Code != 0)
            Skip = "needs Debian's python3-onnx";
    }

    public static (int Code, string Output) Run(params string[] arguments)
    {
        var start = new ProcessStartInfo(Python, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + error.Result);
    }
}

/// <summary>The format's own checker finds nothing wrong with what is written.</summary>
public sealed class CheckerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [CheckerFact]
    [InlineData(DataTask.Classification, false)]
    [InlineData(DataTask.Classification, true)]
    [InlineData(DataTask.Segmentation, true)]
    [InlineData(DataTask.Detection, true)]
    [InlineData(DataTask.Regression, false)]
    public void File_PassesTheChecker(DataTask task, bool finished)
    {
        var checkpoint = Trained.Checkpoint(_folder, task);
        using var session = Trained.Open(checkpoint);
        OnnxExporter.Export(
            session,
            _folder.File("model.onnx"),
            new OnnxExportOptions { WithPostprocessing = finished, Open = OpenSides.Batch }
        );
        var script = Path.Combine(Models.ShippedConfigs.Folder, "..", "tests", "Fixtures", "onnx", "check.py");
        var (code, output) = CheckerFactAttribute.Run(script, _folder.File("model.onnx"));
        Assert.True(code == 0, output);
        Assert.Contains("opset 17", output, StringComparison.Ordinal);
    }
}
