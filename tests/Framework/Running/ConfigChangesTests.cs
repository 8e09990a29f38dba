using Tessera.Framework.Configuration;
using Tessera.Framework.Running;

namespace Tessera.Tests.Framework.Running;

public sealed class ConfigChangesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-changes-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Write(string name, string text)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    [Fact]
    public void OverBases_IsWhatTheConfigAndTheCommandLineSet()
    {
        Write(
            "base.json",
            """{ "seed": 1, "optimizer": { "type": "Sgd", "lr": 0.1, "momentum": 0.9 }, "hooks": { "ema": { "decay": 0.9 } } }"""
        );
        var config = Write(
            "own.json",
            """
            {
              "_base_": "base.json",
              "optimizer": { "lr": 0.2, "momentum": 0.9 },
              "hooks": { "ema": null },
              "device": "cpu",
              "sizes": [1, 2]
            }
            """
        );
        var found = ConfigChanges.OverBases(ConfigDocument.Load(config, ["optimizer.lr=0.3", "seed=5"]));
        Assert.Equal(
            [
                ("device", null, "\"cpu\""),
                ("hooks.ema", """{"decay": 0.9}""", null),
                ("optimizer.lr", "0.1", "0.3"), // the base's, not the config's own in between
                ("seed", "1", "5"),
                ("sizes", null, "[1, 2]"),
            ],
            found.Select(change => (change.Path, change.Before, change.Now)).OrderBy(change => change.Path, StringComparer.Ordinal)
        );
        Assert.Equal(SourceLocation.CommandLine, found.Single(change => change.Path == "seed").Where);
        Assert.Equal(
            (config, 5),
            (found.Single(change => change.Path == "device").Where.Name, found.Single(change => change.Path == "device").Where.Line)
        );
    }

    [Fact]
    public void OverBases_WithoutBases_IsWhatTheCommandLineSets()
    {
        var config = Write("own.json", """{ "seed": 1, "device": "cpu" }""");
        Assert.Empty(ConfigChanges.OverBases(ConfigDocument.Load(config)));
        var found = Assert.Single(ConfigChanges.OverBases(ConfigDocument.Load(config, ["seed=2"])));
        Assert.Equal(("seed", "1", "2"), (found.Path, found.Before, found.Now));
    }
}
