using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Tessera.Tests.Tools.Experiments;

/// <summary>A linear model on small Shapes, which trains in a moment, in a folder of its own.</summary>
internal sealed class LinearShapes : IDisposable
{
    /// <summary>8 steps an epoch; momentum, augmentation and a schedule, so that a run that is not resumed exactly ends
    /// elsewhere.</summary>
    public const string Config = """
        {
          "seed": 4, "precision": "fp32", "threads": 1, "device": "cpu",
          "model": {
            "type": "ImageClassifier",
            "backbone": { "type": "Pixels" },
            "head": { "type": "LinearHead", "pooling": "none", "map_size": 256, "loss": { "type": "CrossEntropyLoss" } }
          },
          "train": {
            "epochs": 6,
            "loader": { "batch_size": 6, "workers": 1, "sampler": { "type": "RandomSampler" } },
            "dataset": { "type": "Shapes", "count": 48, "size": 16, "pipeline": [ { "type": "RandomFlip" }, { "type": "Normalize" } ] }
          },
          "val": {
            "loader": { "batch_size": 12, "workers": 1 },
            "dataset": { "type": "Shapes", "count": 30, "size": 16, "split": "val", "pipeline": [ { "type": "Normalize" } ] },
            "metrics": { "accuracy": { "type": "Accuracy" } }
          },
          "optimizer": { "type": "Sgd", "lr": 0.05, "momentum": 0.9 },
          "schedule": [ { "type": "CosineLr" } ],
          "hooks": {
            "log": { "type": "LogHook", "interval": 1 },
            "checkpoint": { "type": "CheckpointHook", "every_iterations": 2, "keep": 1, "save_best": { "metric": "accuracy/top1" } }
          }
        }
        """;

    public LinearShapes() => File.WriteAllText(ConfigPath, Config);

    public string Folder { get; } = Directory.CreateTempSubdirectory("tessera-experiment-").FullName;

    public string ConfigPath => At("linear.json");

    public string At(params string[] parts) => Path.Combine([Folder, .. parts]);

    public string Write(string name, string text)
    {
        File.WriteAllText(At(name), text);
        return At(name);
    }

    public JsonObject Json(params string[] parts) => JsonNode.Parse(File.ReadAllText(At(parts)))!.AsObject();

    /// <summary>A summary without what may differ between machines and runs of the same numbers: nothing.</summary>
    public string Summary(params string[] parts) => File.ReadAllText(At([.. parts, "summary.json"]));

    /// <summary>Starts a tool as a process of its own; its input stays open.</summary>
    public Process Start(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            WorkingDirectory = Folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "Tessera.Tools.dll"));
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    /// <summary>Waits until a run below a folder has logged so many training steps, in all its logs together.</summary>
    public static bool Await(Process process, string folder, int rows)
    {
        while (!process.HasExited && Rows(folder) < rows)
            Thread.Sleep(5);
        return !process.HasExited;
    }

    private static int Rows(string folder) =>
        !Directory.Exists(folder)
            ? 0
            : Directory.EnumerateFiles(folder, "scalars.jsonl", SearchOption.AllDirectories).Sum(file => Lines(file));

    private static int Lines(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().Count(c => c == '\n');
    }

    /// <summary>Of a metric in a summary.</summary>
    public static double Number(JsonNode? node) => node!.GetValue<double>();

    public static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
