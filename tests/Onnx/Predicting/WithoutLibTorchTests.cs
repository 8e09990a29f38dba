using System.Diagnostics;
using System.Runtime.InteropServices;
using Tessera.Datasets.Images;
using Tessera.Framework.Data;
using Tessera.Onnx.Export;

namespace Tessera.Tests.Onnx.Predicting;

/// <summary>An exported file predicts in a folder that has no file of libtorch; and says so where there is no ONNX Runtime either.</summary>
public sealed class WithoutLibTorchTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void WithoutLibTorch_AFilePredicts()
    {
        var (model, picture) = Exported();
        var (code, output, error) = Run(Program(keep: file => !IsOfLibTorch(file)), model, picture);
        Assert.True(code == 0, error);
        Assert.Matches(@"^(circle|square|star) 0\.\d+, of libtorch: \s*$", output);
    }

    [Fact]
    public void WithoutOnnxRuntime_ItIsTold()
    {
        var (model, picture) = Exported();
        var (code, _, error) = Run(
            Program(keep: file => !IsOfLibTorch(file) && !file.Contains("onnxruntime.", StringComparison.Ordinal)),
            model,
            picture
        );
        Assert.Equal(1, code);
        Assert.Contains("There is no ONNX Runtime for this system", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    public static bool IsOfLibTorch(string file) =>
        (file.Contains("torch", StringComparison.OrdinalIgnoreCase) && !file.EndsWith(".dll", StringComparison.Ordinal))
        || file.StartsWith("libc10", StringComparison.Ordinal);

    private (string Model, string Picture) Exported()
    {
        var checkpoint = Trained.Checkpoint(_folder, DataTask.Classification);
        using var session = Trained.Open(checkpoint);
        OnnxExporter.Export(session, _folder.File("model.onnx"));
        File.WriteAllBytes(_folder.File("picture.png"), ImageCodec.EncodePng(Trained.Picture(60, 80)));
        return (_folder.File("model.onnx"), _folder.File("picture.png"));
    }

    private string Program(Func<string, bool> keep)
    {
        var folder = Directory.CreateDirectory(_folder.File("program")).FullName;
        var own = typeof(WithoutLibTorchTests).Assembly.GetName().Name!;
        var native = Path.Combine(AppContext.BaseDirectory, "runtimes", RuntimeInformation.RuntimeIdentifier, "native");
        // Without .deps.json, the host takes what lies beside the program, and looks nowhere else.
        var files = Directory
            .EnumerateFiles(AppContext.BaseDirectory, "*.dll")
            .Append(Path.Combine(AppContext.BaseDirectory, own + ".runtimeconfig.json"))
            .Concat(Directory.Exists(native) ? Directory.EnumerateFiles(native) : []);
        foreach (var file in files.Where(file => keep(Path.GetFileName(file))))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        return Path.Combine(folder, own + ".dll");
    }

    private static (int Code, string Output, string Error) Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [program, "predict", .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }
}
