using System.Diagnostics;
using System.Runtime.InteropServices;
using Tessera.Datasets.Images;
using Tessera.Framework.Data;

namespace Tessera.Tests.Datasets.WithoutTensors;

/// <summary>Images, transforms, class names, label tables and pictures of predictions in a process whose folder has no file of
/// libtorch.</summary>
public sealed class TensorFreeTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void WithoutLibTorch_ImagesAreRead_Transformed_AndDrawn()
    {
        var program = ProgramWithoutLibTorch();
        WriteData();
        var config = _folder.Write(
            "config.json",
            $$"""
            { "test": { "dataset": {
                "type": "SegmentationFolder", "path": {{System.Text.Json.JsonSerializer.Serialize(_folder.Path)}}, "split": "test",
                "label_map": { "0": "sky", "1": "road", "255": "ignore" },
                "pipeline": [
                    { "type": "LoadImage" },
                    { "type": "Resize", "size": [24, 32] },
                    { "type": "Normalize", "mean": [100, 100, 100], "std": [50, 50, 50] },
                    { "type": "Pad", "size_divisor": 32 },
                    { "type": "LoadSegmentation" }
                ] } } }
            """
        );
        var picture = Path.Combine(_folder.Path, "picture.png");
        var (code, output, error) = Run(program, "without-tensors", config, picture);
        Assert.True(code == 0, error);
        // 2 in the upper 24 of 32 rows, (200 - 100) / 50, and 0 below.
        Assert.Equal(
            ["classes: sky, road", "input: 3 x 32 x 32, mean 1.500", "input: 3 x 32 x 32, mean 1.500", "of libtorch: "],
            output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.TrimEnd('\r'))
        );
        var drawn = ImageCodec.Load(picture);
        Assert.True(drawn.Width > 4 * 40, $"{drawn.Width} x {drawn.Height}");
        Assert.True(drawn.Bytes.Distinct().Count() > 8);
    }

    /// <summary>Two photographs of 48 x 64 in one grey, whose lower halves are road.</summary>
    private void WriteData()
    {
        var image = new Image(48, 64, 3);
        image.Bytes.AsSpan().Fill(200);
        var labels = new Image(48, 64, 1);
        labels.Bytes.AsSpan(24 * 64).Fill(1);
        foreach (var name in (string[])["a.png", "b.png"])
        {
            _folder.Write($"test/image/{name}", ImageCodec.EncodePng(image));
            _folder.Write($"test/label/{name}", ImageCodec.EncodePng(labels));
        }
    }

    /// <summary>The tests' assembly with all that it needs but the files of libtorch, in a folder of its own.</summary>
    private string ProgramWithoutLibTorch()
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder.Path, "program")).FullName;
        var own = typeof(TensorFreeTests).Assembly.GetName().Name!;
        var native = Path.Combine(AppContext.BaseDirectory, "runtimes", RuntimeInformation.RuntimeIdentifier, "native");
        // Without .deps.json, the host takes what lies beside the program, and looks nowhere else.
        var files = Directory
            .EnumerateFiles(AppContext.BaseDirectory, "*.dll")
            .Append(Path.Combine(AppContext.BaseDirectory, own + ".runtimeconfig.json"))
            .Concat(Directory.Exists(native) ? Directory.EnumerateFiles(native) : []);
        foreach (var file in files.Where(file => !TensorFreeProgram.IsOfLibTorch(Path.GetFileName(file))))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        Assert.DoesNotContain(Directory.EnumerateFiles(folder), file => TensorFreeProgram.IsOfLibTorch(Path.GetFileName(file)));
        return Path.Combine(folder, own + ".dll");
    }

    private static (int Code, string Output, string Error) Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [program, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }
}
