using System.Text.Json.Nodes;

namespace Tessera.Tests.Tools.Experiments;

/// <summary>tools/sweep on a grid of two by two.</summary>
[Collection(InProcess.Name)]
public sealed class SweepTests : IDisposable
{
    private const string Grid = """
        {
          "_base_": "linear.json",
          "axes": {
            "loss": { "ce": {}, "focal": { "model.head.loss.gamma": 1.5, "model.head.loss.type": "FocalLoss" } },
            "optimizer": {
              "sgd": {},
              "adam": { "optimizer": { "_delete_": true, "type": "AdamW", "lr": 0.01 } }
            }
          },
          "seeds": [1, 2],
          "iterations": 6
        }
        """;

    private readonly LinearShapes _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void Sweep_TwoByTwo_KilledAndResumed_RanksEveryCell()
    {
        var grid = _files.Write("grid.json", Grid);
        using (var process = _files.Start("sweep", grid, "--work-dir", _files.At("killed")))
        {
            Assert.True(LinearShapes.Await(process, _files.At("killed"), 9)); // in the second run
            process.Kill(); // the parent alone, as by kill -9
            process.WaitForExit();
        }
        Assert.False(File.Exists(_files.At("killed", "summary.json")));
        var said = Tool.Run("sweep", grid, "--work-dir", _files.At("killed"), "--jobs", "2").Succeeds();
        Assert.Contains("trained already", said.Error, StringComparison.Ordinal);
        Tool.Run("sweep", grid, "--work-dir", _files.At("whole")).Succeeds();
        Assert.Equal(_files.Summary("whole"), _files.Summary("killed"));

        var summary = _files.Json("whole", "summary.json");
        var cells = summary["cells"]!.AsArray();
        Assert.Equal(["ce_adam", "ce_sgd", "focal_adam", "focal_sgd"], cells.Select(Name).Order(StringComparer.Ordinal));
        var means = cells.Select(cell => LinearShapes.Number(cell!["mean"])).ToArray();
        Assert.Equal(means.OrderDescending(), means);
        Assert.All(cells, cell => Assert.Equal("6 iterations of 6 images a step", cell!["budget"]!.GetValue<string>()));
        Assert.All(cells, cell => Assert.Equal(Name(cell) == "ce_sgd", cell!["beside_first"] is null));
        foreach (var cell in cells)
        {
            var runs = _files.Json("whole", Name(cell), "summary.json")["runs"]!.AsArray();
            Assert.Equal(
                LinearShapes.Number(cell!["mean"]),
                runs.Average(run => LinearShapes.Number(run!["metrics"]!["accuracy/top1"])),
                1e-12
            );
        }

        // Each cell is trained as its name says.
        var focal = _files.Json("whole", "focal_adam", "seed-2", "config.json");
        Assert.Equal("FocalLoss", focal["model"]!["head"]!["loss"]!["type"]!.GetValue<string>());
        Assert.Equal("1.5", focal["model"]!["head"]!["loss"]!["gamma"]!.ToJsonString());
        Assert.Equal("AdamW", focal["optimizer"]!["type"]!.GetValue<string>());
        Assert.Null(focal["optimizer"]!["momentum"]);
        Assert.Equal(2, focal["seed"]!.GetValue<int>());

        foreach (
            var part in (string[])
                ["Equal budget: 6 iterations", "The test set was not looked at", "learning rate is not tuned", "No test: it needs"]
        )
            Assert.Contains(part, said.Output, StringComparison.Ordinal);
        Assert.Equal([0x89, (byte)'P'], File.ReadAllBytes(_files.At("whole", "effects.png"))[..2]);
        var costs = File.ReadAllLines(_files.At("whole", "costs.csv"));
        Assert.Equal("cell,parameters,trained_parameters,seconds,peak_memory_mb", costs[0]);
        Assert.Equal(cells.Select(Name), costs.Skip(1).Select(row => row.Split(',')[0]));
        Assert.All(costs.Skip(1), row => Assert.Matches(@"^\w+,(\d+),\1,\d+\.\d,[1-9]\d+$", row));

        _files.Write("grid.json", Grid.Replace("0.01", "0.02", StringComparison.Ordinal));
        Tool.Run("sweep", grid, "--work-dir", _files.At("whole")).IsMistake("grid.json:7  optimizer.lr", "It is 0.02 now;");
    }

    [Fact]
    public void Metric_ThatValDoesNotGive_IsToldBeforeAnythingIsTrained()
    {
        Tool.Run("sweep", _files.Write("grid.json", Grid), "--metric", "acuracy/top1", "--work-dir", _files.At("out"))
            .IsMistake("--metric", "Did you mean \"accuracy/top1\"?");
        Assert.False(Directory.Exists(_files.At("out")));
    }

    [Theory]
    [InlineData("\"axes\"", "\"axis\"", "grid.json:3  axis", "Did you mean \"axes\"?")]
    [InlineData("model.head.loss.gamma", "model.haed.loss.gamma", "grid.json:4", "Did you mean \"head\"?")]
    [InlineData("FocalLoss", "FocalLos", "grid.json:4", "Did you mean \"FocalLoss\"?")]
    [InlineData("\"focal\"", "\"fo/cal\"", "grid.json:4  axes.loss.fo/cal", "can't be a folder's name")]
    [InlineData("\"sgd\": {}", "\"sgd\": 3", "grid.json:6  axes.optimizer.sgd", "A level is an object of changes")]
    [InlineData("\"_base_\": \"linear.json\",", "", "grid.json", "The grid names no base")]
    [InlineData("\"linear.json\"", "\"linaer.json\"", "grid.json:2  _base_", "linaer.json")]
    [InlineData("\"iterations\": 6", "\"iterations\": 0", "grid.json:11  iterations", "a whole number from 1")]
    [InlineData("[1, 2]", "[1, 1]", "grid.json:10  seeds", "different whole numbers")]
    [InlineData("\"iterations\": 6", "\"repeats\": 2", "grid.json:10  seeds", "give one of them")]
    [InlineData("\"lr\": 0.01", "\"learning_rate\": 0.01", "grid.json:7", "AdamW has no option \"learning_rate\"")]
    public void Grids_WithAMistake_SayWhere(string from, string to, string place, string part)
    {
        var grid = _files.Write("grid.json", Grid.Replace(from, to, StringComparison.Ordinal));
        Tool.Run("sweep", grid, "--work-dir", _files.At("out")).IsMistake(place, part);
        Assert.False(Directory.Exists(_files.At("out")));
    }

    private static string Name(JsonNode? cell) => cell!["cell"]!.GetValue<string>();
}
